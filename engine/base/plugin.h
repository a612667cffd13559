#pragma once
// Where the plugins lie that the program opens while it runs: lib/foreword/plugins, in the program's folder as built, beside it as installed.

#include <filesystem>
#include <string_view>

namespace foreword {

/// The file that the environment variable `named_by` names, else the plugin called `name` of the running program. Empty if nobody knows where
/// that lies: it would be looked for where the user stands.
std::filesystem::path plugin_place(const char* named_by, std::string_view name);
/// The same for a program in this file.
std::filesystem::path plugin_of(const std::filesystem::path& program, std::string_view name);

}  // namespace foreword
