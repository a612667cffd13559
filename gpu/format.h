#pragma once
// Weight formats: how numbers lie in a GGUF tensor. One row a format in one table; everything that differs
// between formats is read from the row. Layouts: docs/formats.md (facts of the GGUF format, ggml's type ids).

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/base/result.h"

namespace foreword::gpu {

/// Named after GGML's types; the numeric value is the type id in a GGUF file.
enum class Format : std::uint8_t {
  f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q2_k = 10, q3_k = 11, q4_k = 12, q5_k = 13,
  q6_k = 14, iq2_xxs = 16, iq2_xs = 17, iq3_xxs = 18, iq1_s = 19, iq4_nl = 20, iq3_s = 21, iq2_s = 22, iq4_xs = 23,
  i8 = 24, i16 = 25, i32 = 26, i64 = 27, f64 = 28, iq1_m = 29, bf16 = 30, tq1_0 = 34, tq2_0 = 35, mxfp4 = 39,
  nvfp4 = 40, q1_0 = 41,
};

struct FormatInfo {
  Format format;
  std::string_view name;      // upper case, as the field writes it: "Q4_K"
  std::int32_t block_length;  // values in a block
  std::int32_t block_bytes;   // bytes of a block
  /// Decodes n_blocks blocks to n_blocks * block_length floats, bit-exact (f32 arithmetic in the order of the
  /// format's definition, no fused multiply-add). nullptr for integer and f64 formats, which never are weights.
  void (*decode)(const std::byte* blocks, std::int64_t n_blocks, float* out);
};

/// All formats that a file may hold, in rising order of id.
std::span<const FormatInfo> formats();

/// The row of a known format.
const FormatInfo& info(Format format);

/// The format of a GGUF type id. `unsupported` with a sentence for removed ids (4, 5, 31-33, 36-38), for the
/// activation formats Q8_1 and Q8_K, and for ids we do not know.
Result<Format> format_from_id(std::uint32_t id);

/// By name, case-insensitive ("q4_k").
std::optional<Format> format_from_name(std::string_view name);

/// Bytes of one row of `cols` values; cols must be a multiple of the block length (check).
std::int64_t row_bytes(Format format, std::int64_t cols);

/// IEEE half to float: exact, no hardware needed. NaN stays NaN (made quiet, as processors do).
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7fffu;
  if (magnitude > 0x7c00u) return std::bit_cast<float>(sign | 0x7fc00000u | magnitude << 13);
  if (magnitude == 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u);
  if (magnitude >= 0x0400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
}

/// Float to IEEE half, to the nearest, ties to even. Beyond the range: infinity. NaN stays NaN.
inline std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x03ffu));
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520 rounds to 2^16
  if (magnitude < 0x38800000u) {
    // Below 2^-14 a half counts in units of 2^-24, which is the last place of a float in [0.5, 1): the addition rounds.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  magnitude += 0x0fffu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | (magnitude - 0x38000000u) >> 13);
}

}  // namespace foreword::gpu
