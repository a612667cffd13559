#pragma once
// Files that the user hands over or gets: exported chats, chats to import.

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/base/result.h"

namespace foreword::app {

/// Where exported files go: the user's Downloads folder, or the home folder if there is none.
std::filesystem::path downloads_folder();

/// Writes a new file, readable by the user alone, synced, and takes another name ("a (2).md") where one exists; its path.
Result<std::filesystem::path> save_new(const std::filesystem::path& folder, const std::string& name, const std::string& text);

/// All of a file of at most `most` bytes.
Result<std::string> read_at_most(const std::filesystem::path& path, std::uintmax_t most);

}  // namespace foreword::app
