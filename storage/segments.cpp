#include "storage/segments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace foreword::storage {
namespace {

constexpr mode_t kPrivateFile = 0600;
constexpr const char* kExtension = ".pages";

Error trouble(const std::filesystem::path& path, const std::string& what) {
  return {ErrorCode::io, "The file " + path.string() + " cannot be used: " + what + " failed (" + std::generic_category().message(errno) + ")."};
}

bool write_all(int file, std::span<const std::byte> bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(file, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
  return true;
}

}  // namespace

Segments::~Segments() {
  for (const auto& [segment, file] : files_) ::close(file);
}

std::filesystem::path Segments::path_of(std::int64_t segment) const {
  char name[32];
  std::snprintf(name, sizeof name, "%06lld%s", static_cast<long long>(segment), kExtension);
  return folder_ / name;
}

Result<int> Segments::open(std::int64_t segment, bool create) {
  if (const auto known = files_.find(segment); known != files_.end()) {
    struct stat status{};
    if (fstat(known->second, &status) == 0 && status.st_nlink > 0) return known->second;
    close(segment);  // another program has removed it, and may have made it anew
  }
  const int file = ::open(path_of(segment).c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), kPrivateFile);
  if (file < 0) return trouble(path_of(segment), "opening it");
  files_[segment] = file;
  return file;
}

void Segments::close(std::int64_t segment) {
  if (const auto file = files_.extract(segment)) ::close(file.mapped());
}

Result<void> Segments::trim(const std::map<std::int64_t, std::int64_t>& ends) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, code)) {
    if (entry.path().extension() != kExtension) continue;
    const auto end = ends.find(std::strtoll(entry.path().stem().c_str(), nullptr, 10));
    if (end == ends.end()) {
      if (::unlink(entry.path().c_str()) != 0) return trouble(entry.path(), "removing it");
    } else if (static_cast<std::int64_t>(entry.file_size(code)) > end->second && ::truncate(entry.path().c_str(), end->second) != 0) {
      return trouble(entry.path(), "shortening it");
    }
  }
  if (code) return Error{ErrorCode::io, "The folder " + folder_.string() + " cannot be read (" + code.message() + ")."};
  return {};
}

Result<SegmentPlace> Segments::append(SegmentPlace end, std::span<const std::byte> bytes) {
  const std::int64_t size = place_bytes(std::ssize(bytes));
  SegmentPlace place = end;
  if (place.segment == 0 || place.offset + size > most_) place = {end.segment + 1, 0};
  FW_ASSIGN(const int file, open(place.segment, true));
  if (write_all(file, bytes, place.offset)) return place;
  const Error error = trouble(path_of(place.segment), "writing");
  if (::ftruncate(file, place.offset) != 0) close(place.segment);
  return error;
}

std::vector<std::byte> Segments::read(SegmentPlace place, std::int64_t bytes) {
  const auto file = open(place.segment, false);
  struct stat status{};
  if (!file || bytes < 0 || fstat(*file, &status) != 0 || place.offset < 0 || bytes > status.st_size - place.offset) return {};
  // Texts lie page behind page: while this one is copied, the disk may bring the next.
  constexpr std::int64_t kPagesAhead = 4;
  posix_fadvise(*file, place.offset, (1 + kPagesAhead) * place_bytes(bytes), POSIX_FADV_WILLNEED);
  std::vector<std::byte> out(static_cast<std::size_t>(bytes));
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = pread(*file, out.data() + done, out.size() - done, place.offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return {};
    done += static_cast<std::size_t>(n);
  }
  return out;
}

Result<void> Segments::erase(SegmentPlace place, std::int64_t bytes) {
  const auto file = open(place.segment, false);
  if (!file) return {};  // it is gone with its segment
  const std::int64_t size = place_bytes(bytes);
  if (::fallocate(*file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place.offset, size) == 0) return {};
  if (errno != EOPNOTSUPP && errno != ENOSYS) return trouble(path_of(place.segment), "erasing a part of it");
  const std::vector<std::byte> zeros(static_cast<std::size_t>(bytes));
  if (!write_all(*file, zeros, place.offset)) return trouble(path_of(place.segment), "writing zeros over a part of it");
  return {};
}

Result<void> Segments::remove(std::int64_t segment) {
  close(segment);
  if (::unlink(path_of(segment).c_str()) != 0 && errno != ENOENT) return trouble(path_of(segment), "removing it");
  return {};
}

}  // namespace foreword::storage
