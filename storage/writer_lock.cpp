#include "storage/writer_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace foreword::storage {
namespace {

struct flock byte_of(std::int64_t writer) {
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = writer;
  range.l_len = 1;
  return range;
}

Error lock_error(const std::string& what) {
  return Error{ErrorCode::io, what + " failed (" + std::generic_category().message(errno) +
                                  "). The data folder must lie on a file system with locks."};
}

}  // namespace

Result<WriterLock> WriterLock::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return lock_error("Opening the lock file " + path.string());
  return WriterLock(file);
}

WriterLock::WriterLock(WriterLock&& other) noexcept : file_(std::exchange(other.file_, -1)), writer_(other.writer_) {}

WriterLock::~WriterLock() {
  if (file_ >= 0) ::close(file_);
}

Result<void> WriterLock::hold(std::int64_t writer) {
  struct flock range = byte_of(writer);
  if (fcntl(file_, F_OFD_SETLK, &range) != 0) return lock_error("Locking the chat database's lock file");
  writer_ = writer;
  return {};
}

Result<bool> WriterLock::is_held(std::int64_t writer) const {
  struct flock range = byte_of(writer);
  if (fcntl(file_, F_OFD_GETLK, &range) != 0) return lock_error("Asking for locks of the chat database");
  return range.l_type != F_UNLCK;
}

}  // namespace foreword::storage
