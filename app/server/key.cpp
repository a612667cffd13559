#include "app/server/key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>

#include "engine/base/chance.h"

namespace foreword::app {

bool can_be_key(const std::string& key) {
  return key.size() >= 8 && key.size() <= 256 && std::ranges::all_of(key, [](unsigned char c) { return c > ' ' && c < 127; });
}

std::string fresh_key() {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string key = "fw-";
  for (int i = 0; i < 3; ++i) {  // 192 bits
    std::uint64_t word = any_number();
    for (int digit = 0; digit < 16; ++digit, word >>= 4) key += kDigits[word & 15];
  }
  return key;
}

Result<std::string> stored_key(const std::filesystem::path& file) {
  std::string key;
  if (std::ifstream in(file); in && std::getline(in, key)) {
    if (can_be_key(key)) return key;
    return Error{ErrorCode::corrupt, file.string() + " holds no key; delete it, or write one there: 8 to 256 letters, digits and signs."};
  }
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  const int out = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (out < 0) return Error{ErrorCode::io, "The server's key cannot be kept in " + file.string() + ": " + std::strerror(errno) + "."};
  key = fresh_key();
  const std::string line = key + "\n";
  const bool whole = write(out, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  close(out);
  if (whole) return key;
  unlink(file.c_str());
  return Error{ErrorCode::io, "The server's key cannot be kept in " + file.string() + "; is the disk full?"};
}

}  // namespace foreword::app
