#include "app/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "engine/base/fresh_file.h"

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

Result<void> replace_file(const fs::path& path, const std::string& text) {
  FW_ASSIGN(const auto file, FreshFile::begin(path));
  file->out() << text;
  return file->finish();
}

Result<std::string> read_file(const fs::path& path, std::uintmax_t most, Readable readable) {
  constexpr std::size_t kPiece = 1 << 18;
  const auto trouble = [&](int why) { return Error{ErrorCode::io, path.string() + " cannot be read: " + std::generic_category().message(why) + "."}; };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | (readable == Readable::regular ? O_NONBLOCK : 0));
  if (file < 0 && (errno == ENOENT || errno == ENOTDIR)) return Error{ErrorCode::not_found, "There is no file " + path.string() + "; check the path."};
  if (file < 0) return trouble(errno);
  const std::unique_ptr<const int, void (*)(const int*)> closing(&file, [](const int* open_file) { close(*open_file); });
  struct stat about {};
  if (fstat(file, &about) != 0) return trouble(errno);
  if (S_ISDIR(about.st_mode)) return Error{ErrorCode::io, path.string() + " is a folder, not a file."};
  if (readable == Readable::regular && !S_ISREG(about.st_mode)) {
    return Error{ErrorCode::unsupported, path.string() + " is a device or a pipe, not a file."};
  }
  const Error too_large{ErrorCode::unsupported, path.string() + " is larger than " + std::to_string(most >> 20) + " MiB, too large to be read."};
  if (S_ISREG(about.st_mode) && static_cast<std::uintmax_t>(about.st_size) > most) return too_large;
  std::string text;
  for (;;) {
    const std::size_t done = text.size();
    text.resize(done + kPiece);
    const ssize_t n = read(file, text.data() + done, kPiece);
    const int why = errno;
    text.resize(done + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && why == EINTR) continue;
    if (n < 0) return trouble(why);
    if (n == 0) return text;
    if (text.size() > most) return too_large;
  }
}

}  // namespace foreword::app
