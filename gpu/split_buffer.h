#pragma once
// The memory of a split backend (split.h): what is where.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "gpu/backend.h"

namespace foreword::gpu {

enum class Side : std::uint8_t { device, processor };
constexpr Side other(Side side) { return side == Side::device ? Side::processor : Side::device; }
constexpr std::size_t index(Side side) { return static_cast<std::size_t>(side); }

/// Memory on the sides that have used it. Bytes that nobody wrote belong to nobody.
class SplitBuffer final : public Buffer {
 public:
  explicit SplitBuffer(std::size_t bytes) : bytes_(bytes) {}
  std::size_t bytes() const override { return bytes_; }
  std::byte* host() const override { return nullptr; }

  /// Who has the bytes of [begin, end) from now on.
  void mark(std::int64_t begin, std::int64_t end, bool on_device, bool on_processor);
  /// Parts of [begin, end) that only the other side has.
  std::vector<std::pair<std::int64_t, std::int64_t>> missing(std::int64_t begin, std::int64_t end, Side side) const;

  std::unique_ptr<Buffer> sides[2];

 private:
  struct Run {
    std::int64_t end = 0;
    bool valid[2] = {false, false};
  };
  void cut(std::int64_t at);

  std::size_t bytes_;
  std::map<std::int64_t, Run> runs_;  // by first byte
};

/// A file, known to both sides.
class SplitWeights final : public Buffer {
 public:
  SplitWeights(std::unique_ptr<Buffer> on_device, std::unique_ptr<Buffer> on_processor, std::size_t bytes)
      : sides{std::move(on_device), std::move(on_processor)}, bytes_(bytes) {}
  std::size_t bytes() const override { return bytes_; }
  std::byte* host() const override { return nullptr; }

  std::unique_ptr<Buffer> sides[2];
  std::set<std::int64_t> tables_on_device;  // offsets of what was brought there

 private:
  std::size_t bytes_;
};

}  // namespace foreword::gpu
