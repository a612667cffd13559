#include "gpu/own_memory.h"

#include <fstream>
#include <string>
#include <string_view>

namespace foreword::gpu {

std::int64_t own_memory_bytes() {
  std::ifstream file("/proc/self/status");
  constexpr std::string_view kKey = "RssAnon:";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kKey)) return std::stoll("0" + line.substr(line.find_first_not_of(" \t", kKey.size()))) * 1024;
  }
  return 0;
}

}  // namespace foreword::gpu
