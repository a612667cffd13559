#pragma once
// How keys and values lie in a page: encodings of a tile, that is the K or the V of 64 slots of one head [64, D]. One row
// an encoding in one table; everything that differs is read from the row. These loops are the law: every backend has to
// produce and read the same bytes. Layouts, rotation and measured errors: docs/kv.md.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace foreword::gpu {

inline constexpr std::int64_t kPageSlots = 64;

/// The value is the id in stored pages.
enum class KvFormat : std::uint8_t { f16 = 0, q8 = 1, q4h = 2, q2h = 3, f32 = 4 };

struct KvFormatInfo {
  KvFormat format;
  std::string_view name;   // "Q4H"
  std::int32_t code_bits;  // of one element, scales aside
  bool scaled;             // an f16 scale for each group
  /// One group of n values to n * code_bits / 8 bytes and its scale (null where not scaled). Values are saturated at
  /// +-65504 except in f32; NaN counts as 0 where there is a scale. f32 arithmetic, nothing contracted.
  void (*encode)(const float* x, std::int64_t n, std::uint8_t* codes, std::uint16_t* scale);
  /// The way back. `scale` is 0 where not scaled.
  void (*decode)(const std::uint8_t* codes, std::uint16_t scale, std::int64_t n, float* out);
};

/// All encodings in rising order of id.
std::span<const KvFormatInfo> kv_formats();
const KvFormatInfo& info(KvFormat format);

/// Elements that share a scale: 32, or 16, or none (0), as head_dim allows. Heads without groups are f16 or f32 only.
std::int64_t kv_group(std::int64_t head_dim);

/// A tile is the codes [64, D], then the scales [64, D / group] of a scaled encoding. Both parts start 16-byte aligned
/// where D is a multiple of 16.
std::int64_t kv_row_bytes(KvFormat format, std::int64_t head_dim);  // of one slot's codes
std::int64_t kv_tile_bytes(KvFormat format, std::int64_t head_dim);

/// Rows [first, last) of the tile, from or to x [last - first, D].
void encode_rows(KvFormat format, std::int64_t head_dim, const float* x, std::int64_t first, std::int64_t last, std::byte* tile);
void decode_rows(KvFormat format, std::int64_t head_dim, const std::byte* tile, std::int64_t first, std::int64_t last, float* x);

/// The encodings of the K and the V tile of a page, which lie one behind the other.
struct KvEncoding {
  KvFormat k = KvFormat::f16, v = KvFormat::f16;

  std::int64_t page_bytes(std::int64_t head_dim) const { return kv_tile_bytes(k, head_dim) + kv_tile_bytes(v, head_dim); }
  bool operator==(const KvEncoding&) const = default;
};

/// All of a page from one encoding to another (decoded, encoded again). The pages do not overlap.
void encode_page(std::int64_t head_dim, KvEncoding from, const std::byte* page, KvEncoding to, std::byte* out);

/// What a user may ask for.
struct KvEncodingName {
  std::string_view name;  // "k8v4"
  KvEncoding encoding;
};
std::span<const KvEncodingName> kv_encoding_names();

/// The basis in which a sequence keeps keys (and so queries) and values (and so outputs): each run of n columns of a head
/// is multiplied by the Walsh-Hadamard matrix H[i][j] = (-1)^popcount(i & j) / sqrt(n), which is its own inverse and
/// spreads an outlier over the run. 1: as they are. A property of the sequence, never of a page.
struct KvBasis {
  std::int64_t k = 1, v = 1;

  bool operator==(const KvBasis&) const = default;
};
/// The basis for heads of this width; {1, 1} where there are no groups.
KvBasis kv_basis(std::int64_t head_dim);
/// In place, for n = a power of two that divides cols: x / sqrt(n), then butterflies of distance 1, 2, .. n / 2.
void rotate(float* x, std::int64_t cols, std::int64_t n);

}  // namespace foreword::gpu
