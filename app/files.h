#pragma once
// Files that the user hands over or gets: texts, exported chats, chats to import.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "engine/base/result.h"

namespace foreword::app {

/// Where exported files go: the user's Downloads folder, or the home folder if there is none.
std::filesystem::path downloads_folder();

/// Writes a new file, readable by the user alone, synced, and takes another name ("a (2).md") where one exists; its path.
Result<std::filesystem::path> save_new(const std::filesystem::path& folder, const std::string& name, const std::string& text);

/// Takes the place of what is there, once all of it is on the disk.
Result<void> replace_file(const std::filesystem::path& path, const std::string& text);

enum class Readable : std::uint8_t { any, regular };  // also devices and pipes, which may keep the reader waiting; or files alone

/// A file's bytes. `not_found`, `io`; `unsupported`: more than `most` bytes, or not `readable`.
Result<std::string> read_file(const std::filesystem::path& path, std::uintmax_t most = std::numeric_limits<std::uintmax_t>::max(),
                              Readable readable = Readable::any);

}  // namespace foreword::app
