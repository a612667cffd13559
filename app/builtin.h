#pragma once
// The small model that comes with Foreword, and where it lies beside the program.

#include <array>
#include <filesystem>

#include "engine/session.h"

namespace foreword::app {

/// As the window lists it.
inline constexpr const char* kBuiltinName = "Foreword's built-in model";
/// What it is, in one sentence: in the window, and on the command line, where a larger model is opened with -m.
inline constexpr const char* kBuiltinAbout =
    "This is Foreword's small built-in model: it continues everyday English and makes things up; open a larger GGUF file "
    "for real answers.";
inline constexpr const char* kBuiltinAboutTerminal =
    "This is Foreword's small built-in model: it continues everyday English and makes things up; open a larger GGUF file "
    "with -m for real answers.";

/// The path under which it is remembered as used: the program may have moved until the next start.
inline constexpr const char* kBuiltinKey = "builtin:";

/// Where the model can be for a program in `folder`: an installation (bin beside share) first, then the source tree of a
/// build.
std::array<std::filesystem::path, 2> builtin_places(const std::filesystem::path& folder);

/// The first of builtin_places() of the running program that is a file; empty: there is none.
std::filesystem::path find_builtin_model();

/// How to open this model: where it is the built-in one and nobody was named to draft, the smaller one beside it does.
engine::ModelOptions with_sibling(const std::filesystem::path& model, const std::filesystem::path& builtin, engine::ModelOptions options);

}  // namespace foreword::app
