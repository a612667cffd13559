#include "app/download/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "app/files.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uintmax_t kLongestState = 64 << 10;  // bytes
constexpr std::size_t kReadBytes = 1 << 20;

/// Says which start of the computer this is: what was written in another one is on the disk as far as it was synced, and no further.
std::string this_start() { return read_file("/proc/sys/kernel/random/boot_id", kLongestState).value_or(std::string()); }

std::string beginning_of(DigestKind kind, std::int64_t bytes) {
  return kind == DigestKind::git_sha1 ? "blob " + std::to_string(bytes) + std::string(1, '\0') : std::string();
}

std::unique_ptr<WebDigest> begun_digest(Web& web, DigestKind kind, std::int64_t bytes) {
  auto digest = web.digest(kind);
  if (digest) digest->add(beginning_of(kind, bytes));
  return digest;
}

std::string gigabytes(std::int64_t bytes) {
  std::array<char, 32> text{};
  const double number = static_cast<double>(bytes);
  std::snprintf(text.data(), text.size(), bytes < 100'000'000 ? "%.1f MB" : "%.1f GB", number / (bytes < 100'000'000 ? 1e6 : 1e9));
  return text.data();
}

bool write_whole(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool sync_folder(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = file >= 0 && (::fsync(file) == 0 || errno == EINVAL);  // some file systems know no such thing
  if (file >= 0) ::close(file);
  return done;
}

/// `seen` gets the bytes of each piece.
Result<void> read_through(int file, const std::string& name, std::int64_t bytes, WebDigest* digest, const std::function<bool(std::int64_t)>& seen) {
  std::vector<char> piece(kReadBytes);
  for (std::int64_t done = 0; done < bytes;) {
    const ssize_t n = ::pread(file, piece.data(), static_cast<std::size_t>(std::min<std::int64_t>(bytes - done, kReadBytes)), done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{ErrorCode::io, name + " cannot be read: " + std::generic_category().message(n < 0 ? errno : EIO) + "."};
    if (digest != nullptr) digest->add({piece.data(), static_cast<std::size_t>(n)});
    done += n;
    if (!seen(n)) return Error{ErrorCode::cancelled, "The download was stopped."};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<PartFile>> PartFile::open(const fs::path& target, Web& web, DiskGate gate) {
  std::error_code code;
  fs::create_directories(target.parent_path(), code);
  if (code) return Error{ErrorCode::io, "The folder " + target.parent_path().string() + " cannot be made: " + code.message() + "."};
  fs::path part = target;
  part += ".part";
  for (;;) {
    const int file = ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0) return Error{ErrorCode::io, part.string() + " cannot be written: " + std::generic_category().message(errno) + "."};
    struct stat opened {}, named {};
    const bool locked = ::flock(file, LOCK_EX | LOCK_NB) == 0;
    const int why = errno;
    if (!locked || ::fstat(file, &opened) != 0 || !S_ISREG(opened.st_mode)) {
      ::close(file);
      if (locked) return Error{ErrorCode::io, part.string() + " is no file; move it away."};
      if (why != EWOULDBLOCK) return Error{ErrorCode::io, part.string() + " cannot be locked: " + std::generic_category().message(why) + "."};
      return Error{ErrorCode::invalid_argument, target.filename().string() + " is being downloaded already, by another Foreword; wait for that one, or end it."};
    }
    // Whoever had it before may have given it its name meanwhile.
    if (::lstat(part.c_str(), &named) == 0 && named.st_ino == opened.st_ino && named.st_dev == opened.st_dev) {
      return std::unique_ptr<PartFile>(new PartFile(file, target, web, std::move(gate)));
    }
    ::close(file);
  }
}

PartFile::PartFile(int file, fs::path target, Web& web, DiskGate gate)
    : file_(file), target_(std::move(target)), part_(target_), state_(target_), web_(web), gate_(std::move(gate)) {
  part_ += ".part";
  state_ += ".part.json";
  struct stat info {};
  if (::fstat(file_, &info) == 0) size_ = info.st_size;
  read_state();
}

PartFile::~PartFile() {
  if (size_ == 0) remove();
  if (file_ < 0) return;
  if (::ftruncate(file_, size_) != 0) known_ = false;  // the room stays taken, and no byte is lost
  ::close(file_);
}

bool PartFile::fails(const char* change) {
  if (!gate_) return false;
  const int why = gate_(change);
  if (why != 0) errno = why;
  return why != 0;
}

Error PartFile::trouble(int why) const {
  const fs::path folder = target_.parent_path();
  if (why == ENOSPC || why == EDQUOT) return no_room(target_.filename().string(), folder, std::max<std::int64_t>(of_.bytes - size_, 0), free_bytes(folder));
  return {ErrorCode::io, part_.string() + " cannot be written: " + std::generic_category().message(why) + "."};
}

void PartFile::read_state() {
  const auto text = read_file(state_, kLongestState, Readable::regular);
  const Json state = text ? Json::parse(*text, nullptr, false) : Json();
  if (!state.is_object()) return;
  const auto word = [&](const char* key) { return state.contains(key) && state[key].is_string() ? state[key].get<std::string>() : std::string(); };
  const auto number = [&](const char* key) { return state.contains(key) && state[key].is_number_integer() ? state[key].get<std::int64_t>() : -1; };
  of_ = {word("url"), word("commit"), word("etag"), number("size"), digest_from(word("digest"))};
  synced_ = std::max<std::int64_t>(number("synced"), 0);
  if (word("start") != this_start()) size_ = std::min(size_, synced_);
  known_ = size_ > 0 && (of_.bytes < 0 || size_ <= of_.bytes);
}

Result<void> PartFile::save_state() {
  const Json state{{"url", of_.url},     {"commit", of_.commit}, {"etag", of_.etag},    {"size", of_.bytes},
                   {"digest", of_.digest.hex}, {"synced", synced_},    {"start", this_start()}};
  fs::path fresh = state_;
  fresh += ".new";  // the lock is ours, so is the name
  const int file = fails("state") ? -1 : ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return trouble(errno);
  const bool written = write_whole(file, state.dump(-1, ' ', false, Json::error_handler_t::replace)) && ::fsync(file) == 0;
  const int why = errno;
  ::close(file);
  if (!written) return trouble(why);
  if (fails("state's name") || ::rename(fresh.c_str(), state_.c_str()) != 0) return trouble(errno);
  return {};
}

Result<void> PartFile::take_room() {
  if (of_.bytes <= size_) return {};
  const fs::path folder = target_.parent_path();
  const std::int64_t missing = missing_bytes(target_, of_.bytes), free = free_bytes(folder);
  if (missing > free) return no_room(target_.filename().string(), folder, missing, free);
  // What is kept does not count as the file's size, which says how much has come.
  if (!fails("room") && ::fallocate(file_, FALLOC_FL_KEEP_SIZE, size_, of_.bytes - size_) == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR) return {};
  return trouble(errno);
}

Result<void> PartFile::go_on(const std::function<bool(std::int64_t)>& seen) {
  if (fails("cut") || ::ftruncate(file_, size_) != 0) return trouble(errno);  // what is not known to be on the disk
  digest_ = begun_digest(web_, of_.digest.kind, of_.bytes);
  if (digest_) FW_TRY(read_through(file_, part_.string(), size_, digest_.get(), seen));
  synced_ = size_;
  if (::fdatasync(file_) != 0) return trouble(errno);
  FW_TRY(save_state());
  return take_room();
}

Result<void> PartFile::begin(const PartOf& of) {
  size_ = synced_ = 0;
  if (fails("cut") || ::ftruncate(file_, 0) != 0) return trouble(errno);
  of_ = of;
  known_ = true;
  digest_ = begun_digest(web_, of_.digest.kind, of_.bytes);
  FW_TRY(take_room());
  return save_state();
}

Result<void> PartFile::append(std::string_view bytes) {
  if (fails("write") || ::lseek(file_, size_, SEEK_SET) < 0 || !write_whole(file_, bytes)) return trouble(errno);
  if (digest_) digest_->add(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
  return size_ - synced_ >= kSyncBytes ? sync() : Result<void>();
}

Result<void> PartFile::sync() {
  if (fails("sync") || ::fdatasync(file_) != 0) return trouble(errno);
  synced_ = size_;
  return save_state();
}

Result<void> PartFile::finish() {
  const std::string name = target_.filename().string();
  if (of_.bytes >= 0 && size_ != of_.bytes) {
    const Error wrong{ErrorCode::corrupt, name + " came with " + std::to_string(size_) + " bytes instead of " + std::to_string(of_.bytes) + "; download it again."};
    remove();
    return wrong;
  }
  if (digest_ && digest_->hex() != of_.digest.hex) {
    digest_.reset();
    remove();
    return Error{ErrorCode::corrupt, name + " came with wrong bytes (its digest is not the hub's), so it was not kept; download it again."};
  }
  digest_.reset();
  if (fails("sync") || ::ftruncate(file_, size_) != 0 || ::fsync(file_) != 0) return trouble(errno);
  if (fails("name") || ::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) return trouble(errno);
    if (::rename(part_.c_str(), target_.c_str()) != 0) return trouble(errno);  // this file system knows no other way
  }
  ::close(std::exchange(file_, -1));
  if (fails("folder") || !sync_folder(target_.parent_path())) return trouble(errno);
  if (!fails("end")) ::unlink(state_.c_str());
  return {};
}

void PartFile::remove() {
  if (file_ < 0) return;
  ::unlink(state_.c_str());
  ::unlink(part_.c_str());
  ::close(std::exchange(file_, -1));  // and with it the right to these names
  size_ = 0;
  known_ = false;
}

Result<std::string> digest_of_file(const fs::path& path, DigestKind kind, std::int64_t bytes, Web& web, const std::function<bool(std::int64_t)>& seen) {
  auto digest = begun_digest(web, kind, bytes);
  if (!digest) return std::string();
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Error{ErrorCode::io, path.string() + " cannot be read: " + std::generic_category().message(errno) + "."};
  const Result<void> read = read_through(file, path.string(), bytes, digest.get(), seen);
  ::close(file);
  FW_TRY(read);
  return digest->hex();
}

std::int64_t missing_bytes(const fs::path& target, std::int64_t bytes) {
  constexpr std::int64_t kBlock = 512;  // what st_blocks counts in
  fs::path part = target;
  part += ".part";
  struct stat info {};
  if (::stat(target.c_str(), &info) == 0) return 0;
  if (::stat(part.c_str(), &info) != 0) return bytes;
  return std::max<std::int64_t>(bytes - std::max<std::int64_t>(info.st_size, info.st_blocks * kBlock), 0);
}

std::int64_t free_bytes(const fs::path& folder) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (fs::path place = folder;; place = place.parent_path()) {
    struct statvfs info {};
    if (::statvfs(place.empty() ? "." : place.c_str(), &info) == 0) {
      const std::uint64_t most = static_cast<std::uint64_t>(kMost) / std::max<std::uint64_t>(info.f_frsize, 1);
      return info.f_bavail > most ? kMost : static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
    }
    if (place.empty() || place == place.parent_path()) return kMost;
  }
}

Error no_room(const std::string& what, const fs::path& folder, std::int64_t needed, std::int64_t free) {
  const std::string there = "the disk of " + folder.string() + " has " + gigabytes(free) + " left";
  return {ErrorCode::io, what + " needs " + gigabytes(needed) + " more, and " + there + "; make room there, or choose another folder."};
}

}  // namespace foreword::app
