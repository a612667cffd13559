#include "engine/gguf/text.h"

#include <cstdio>

namespace foreword::engine {
namespace {

/// Bytes of the well-formed UTF-8 character at the front of `text` (Unicode 15, table 3-7), 0 if there is none.
std::size_t character_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return at(i) >= low && at(i) <= high;
  };
  const unsigned lead = at(0);
  if (lead < 0x80) return text.empty() ? 0 : 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    return follows(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    return follows(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string printable(std::string_view name) {
  constexpr std::size_t kLongest = 120;
  std::string out;
  while (!name.empty()) {
    if (out.size() >= kLongest) return out + "...";
    const std::size_t length = character_length(name);
    const bool control = length == 1 && (static_cast<unsigned char>(name[0]) < 0x20 || name[0] == 0x7f);
    const bool c1_control = length == 2 && name[0] == '\xc2' && static_cast<unsigned char>(name[1]) < 0xa0;
    if (length == 0 || control || c1_control) {
      out += '?';
    } else {
      out += name.substr(0, length);
    }
    name.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string part_of_bytes(std::uint64_t have, std::uint64_t need) {
  struct Unit {
    double bytes;
    const char* name;
  };
  constexpr Unit kUnits[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
  for (const Unit& unit : kUnits) {
    if (static_cast<double>(need) < unit.bytes) continue;
    char first[32], second[32];
    std::snprintf(first, sizeof first, "%.1f", static_cast<double>(have) / unit.bytes);
    std::snprintf(second, sizeof second, "%.1f", static_cast<double>(need) / unit.bytes);
    if (std::string_view(first) == second) break;
    return std::string(first) + " of " + second + " " + unit.name;
  }
  return std::to_string(have) + " of " + std::to_string(need) + " bytes";
}

Error damaged(std::string_view name, std::string_view what) {
  return {ErrorCode::corrupt, printable(name) + " is damaged: " + std::string(what) + ". Download it again."};
}

}  // namespace foreword::engine
