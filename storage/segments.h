#pragma once
// Segments: bytes in append-only files of a folder, at most 256 MiB each, found again by (segment, place). What is erased is
// cut out of its file (Linux fallocate, a hole), so that its bytes are gone and the disk has its room back without anything
// being written; a file system without holes gets zeros. Nothing is synced: whoever keeps the places also keeps a
// checksum. One thread at a time; the caller sees to it that only one program writes.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace foreword::storage {

struct SegmentPlace {
  std::int64_t segment = 0;  // from 1
  std::int64_t offset = 0;   // a multiple of kPlaceBytes
};
inline constexpr std::int64_t kPlaceBytes = 4096;
inline constexpr std::int64_t kSegmentBytes = 256LL << 20;

/// What `bytes` take up.
constexpr std::int64_t place_bytes(std::int64_t bytes) { return (bytes + kPlaceBytes - 1) / kPlaceBytes * kPlaceBytes; }

class Segments {
 public:
  /// `folder` exists. `most` is the size at which a file is full.
  explicit Segments(std::filesystem::path folder, std::int64_t most = kSegmentBytes) : folder_(std::move(folder)), most_(most) {}
  ~Segments();
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  /// Cuts every file down to the end that `ends` names for its segment, and removes those that it does not name.
  Result<void> trim(const std::map<std::int64_t, std::int64_t>& ends);
  /// Behind `end`, the end of the last segment (0, 0: there is none), or at the start of the next one. On an error nothing
  /// of it is left.
  Result<SegmentPlace> append(SegmentPlace end, std::span<const std::byte> bytes);
  /// Nothing if they are not there whole.
  std::vector<std::byte> read(SegmentPlace place, std::int64_t bytes);
  Result<void> erase(SegmentPlace place, std::int64_t bytes);
  Result<void> remove(std::int64_t segment);

 private:
  std::filesystem::path path_of(std::int64_t segment) const;
  Result<int> open(std::int64_t segment, bool create);
  void close(std::int64_t segment);

  std::filesystem::path folder_;
  std::int64_t most_;
  std::map<std::int64_t, int> files_;
};

}  // namespace foreword::storage
