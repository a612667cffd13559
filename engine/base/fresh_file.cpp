#include "engine/base/fresh_file.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>
#include <utility>

namespace foreword {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOfName = 200;  // bytes, so that with what is put behind it is a name still

char g_unfinished[PATH_MAX];  // a signal handler can reach nothing else

extern "C" void remove_unfinished(int number) {
  ::unlink(g_unfinished);
  ::raise(number);  // once more, as if this had not been here
}

Error cannot_write(const fs::path& path, int why) {
  return {ErrorCode::io, path.filename().string() + " cannot be written: " + std::generic_category().message(why) + "."};
}

}  // namespace

Result<std::unique_ptr<FreshFile>> FreshFile::begin(const fs::path& path) {
  static std::atomic<unsigned> n_begun{0};
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::is_directory(there)) return Error{ErrorCode::invalid_argument, path.string() + " is a folder; give the name of the new file."};
  if (fs::exists(there) && !fs::is_regular_file(there)) {
    return Error{ErrorCode::invalid_argument, path.string() + " is a device or a pipe, which no file can replace; give the name of a file."};
  }
  const std::string begin = path.filename().string().substr(0, kMostOfName) + "." + std::to_string(::getpid()) + ".";
  for (;;) {
    const std::string name = path.parent_path() / (begin + std::to_string(n_begun++) + ".partial");
    const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) return std::unique_ptr<FreshFile>(new FreshFile(file, path, name));
    if (errno != EEXIST) return cannot_write(path, errno);
  }
}

FreshFile::FreshFile(int file, fs::path path, std::string name)
    : file_(file), path_(std::move(path)), name_(std::move(name)), bytes_(file), stream_(&bytes_) {
  std::strncpy(g_unfinished, name_.c_str(), sizeof g_unfinished - 1);
  struct sigaction removing {};
  removing.sa_handler = remove_unfinished;
  removing.sa_flags = SA_RESETHAND;
  for (std::size_t i = 0; i < std::size(kEnding); ++i) {
    sigaction(kEnding[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_DFL) sigaction(kEnding[i], &removing, nullptr);
  }
}

FreshFile::~FreshFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
  if (file_ >= 0) ::close(file_);
  for (std::size_t i = 0; i < std::size(kEnding); ++i) sigaction(kEnding[i], &before_[i], nullptr);
}

Result<void> FreshFile::finish() {
  if (!stream_) return cannot_write(path_, bytes_.why());
  if (::fsync(file_) != 0 || ::close(std::exchange(file_, -1)) != 0 || ::rename(name_.c_str(), path_.c_str()) != 0) {
    return cannot_write(path_, errno);
  }
  name_.clear();
  return {};
}

std::streamsize FreshFile::Bytes::xsputn(const char* from, std::streamsize n) {
  std::streamsize done = 0;
  while (done < n) {
    const ssize_t written = ::write(file_, from + done, static_cast<std::size_t>(n - done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      why_ = errno;
      break;
    }
    done += written;
  }
  return done;
}

FreshFile::Bytes::int_type FreshFile::Bytes::overflow(int_type byte) {
  const char one = traits_type::to_char_type(byte);
  return xsputn(&one, 1) == 1 ? byte : traits_type::eof();
}

}  // namespace foreword
