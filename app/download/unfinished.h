#pragma once
// Downloads that have begun and not ended, by what lies on the disk.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace foreword::app {

struct Unfinished {
  std::string target;       // what goes on with it: read_target() reads it
  std::string name;         // of the file, without ".gguf"
  std::int64_t done = 0;    // bytes
  std::int64_t total = -1;  // -1: unknown
};

/// In the folder of downloads and those below it, by name. Reads the small files beside parts; nothing is changed. One that another process is
/// loading just now is among them.
std::vector<Unfinished> unfinished_downloads(const std::filesystem::path& models);

}  // namespace foreword::app
