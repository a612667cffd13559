#include "app/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

namespace foreword::app {
namespace fs = std::filesystem;

fs::path downloads_folder() {
  const char* home = std::getenv("HOME");
  const fs::path base = home != nullptr && *home == '/' ? home : "/";
  std::error_code code;
  return fs::is_directory(base / "Downloads", code) ? base / "Downloads" : base;
}

Result<fs::path> save_new(const fs::path& folder, const std::string& name, const std::string& text) {
  const fs::path wanted = folder / name;
  fs::path path = wanted;
  int file = -1;
  for (int copy = 2; copy < 1000; ++copy) {
    file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0 || errno != EEXIST) break;
    path = folder / (wanted.stem().string() + " (" + std::to_string(copy) + ")" + wanted.extension().string());
  }
  const auto trouble = [&] {
    return Error{ErrorCode::io, path.string() + " cannot be written: " + std::generic_category().message(errno) + "."};
  };
  if (file < 0) return trouble();
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += static_cast<std::size_t>(n);
  }
  const bool whole = done == text.size() && fsync(file) == 0;
  const Error error = trouble();
  close(file);
  if (whole) return path;
  unlink(path.c_str());
  return error;
}

Result<std::string> read_file(const fs::path& path, std::uintmax_t most) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) return Error{ErrorCode::not_found, "There is no file " + path.string() + "; check the path."};
  if (fs::is_directory(status)) return Error{ErrorCode::io, path.string() + " is a folder, not a file."};
  std::ifstream file(path, std::ios::binary);
  if (fs::is_regular_file(status) && fs::file_size(path, code) > most) {
    return Error{ErrorCode::unsupported, path.string() + " is larger than " + std::to_string(most >> 20) + " MiB, too large to be read."};
  }
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.good() && !file.eof()) return Error{ErrorCode::io, path.string() + " cannot be read."};
  return text;
}

}  // namespace foreword::app
