#pragma once
// Who is alive among the programs that share a database. Each has a number (a row of `writers`) and keeps the byte at
// that offset of one lock file locked; the kernel frees it when the program ends, however it ends. Open-file-
// description locks (Linux fcntl F_OFD_SETLK), so that two stores in one process count as two.

#include <cstdint>
#include <filesystem>

#include "engine/base/result.h"

namespace foreword::storage {

class WriterLock {
 public:
  /// Opens or creates the lock file (0600). Nothing is locked yet.
  static Result<WriterLock> open(const std::filesystem::path& path);
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

  /// Locks the byte of `writer` until this object or the program ends. Numbers are never shared, so this never waits.
  Result<void> hold(std::int64_t writer);
  /// The number that hold() took; 0 before.
  std::int64_t writer() const { return writer_; }
  /// Whether somebody else holds the byte of `writer`.
  Result<bool> is_held(std::int64_t writer) const;

 private:
  explicit WriterLock(int file) : file_(file) {}

  int file_;
  std::int64_t writer_ = 0;
};

}  // namespace foreword::storage
