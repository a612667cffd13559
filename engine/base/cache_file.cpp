#include "engine/base/cache_file.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <system_error>

namespace foreword {

void write_cache_file(const std::filesystem::path& file, std::string_view bytes) {
  static std::atomic<unsigned> n_written{0};
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  std::filesystem::path fresh = file;
  fresh += "." + std::to_string(::getpid()) + "." + std::to_string(n_written++) + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (out) std::filesystem::rename(fresh, file, ignored);
  if (!out || ignored) std::filesystem::remove(fresh, ignored);
}

}  // namespace foreword
