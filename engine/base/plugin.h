#pragma once
// Plugins, which the program opens while it runs, so that it starts without the libraries that they need. They lie in lib/foreword/plugins, in the
// program's folder as built, beside it as installed.

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace foreword {

/// The file that the environment variable `named_by` names, else the plugin called `name` of the running program. Empty if nobody knows where
/// that lies: it would be looked for where the user stands.
std::filesystem::path plugin_place(const char* named_by, std::string_view name);
/// The same for a program in this file.
std::filesystem::path plugin_of(const std::filesystem::path& program, std::string_view name);

/// A plugin, and what is said of it.
struct Plugin {
  const char* named_by;  // as plugin_place() takes them
  const char* name;
  const char* entry;     // the only name that it shows
  const char* words;     // "The downloader": begins a sentence, as does
  const char* missing;   // "This build of Foreword cannot download"; and what ends it,
  const char* remedy;    // "it can where libcurl4-openssl-dev is installed"
};
struct OpenPlugin {
  void* entry = nullptr;
  std::string file;
};

/// From plugin_place(), or from this file, whose name counts from the working folder. It stays open: its code may run until the program ends.
/// `not_found`: there is none; `unsupported`: it cannot be loaded, or has no such entry. Any thread.
Result<OpenPlugin> open_plugin(const Plugin& plugin);
Result<OpenPlugin> open_plugin(const Plugin& plugin, const std::filesystem::path& file);
/// For whoever finds that its entry is not what it should be.
Error plugin_of_another_version(const std::string& file);

}  // namespace foreword
