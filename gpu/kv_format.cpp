#include "gpu/kv_format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/base/check.h"
#include "gpu/format.h"

namespace foreword::gpu {
namespace {

constexpr std::int64_t kMostGroup = 32;
constexpr float kHalfLimit = 65504.0F;
using Group = std::array<float, kMostGroup>;

// Reads a group; what is no number counts as nothing, for one bad element must not take the others along.
Group numbers(const float* x, std::int64_t n) {
  Group group{};
  for (std::int64_t i = 0; i < n; ++i) group[i] = std::isnan(x[i]) ? 0.0F : std::clamp(x[i], -kHalfLimit, kHalfLimit);
  return group;
}

// By halving, so that lanes of a vector or of a warp can do the same.
float sum_of(Group s, std::int64_t n) {
  for (std::int64_t h = n / 2; h > 0; h /= 2) {
    for (std::int64_t i = 0; i < h; ++i) s[i] += s[i + h];
  }
  return s[0];
}

// 0 for what has no finite reciprocal.
float inverse_of(float d) { return std::isfinite(1 / d) ? 1 / d : 0.0F; }

// The scale that makes v * scale the nearest to x (least squares), for integer levels v.
std::uint16_t fitted_scale(const Group& x, const Group& v, std::int64_t n) {
  Group products{}, squares{};
  for (std::int64_t i = 0; i < n; ++i) {
    products[i] = x[i] * v[i];
    squares[i] = v[i] * v[i];
  }
  const float square = sum_of(squares, n);
  return float_to_half(square > 0 ? sum_of(products, n) / square : 0.0F);
}

void encode_f16(const float* x, std::int64_t n, std::uint8_t* codes, std::uint16_t*) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint16_t half = float_to_half(std::clamp(x[i], -kHalfLimit, kHalfLimit));
    std::memcpy(codes + 2 * i, &half, sizeof half);
  }
}
void decode_f16(const std::uint8_t* codes, std::uint16_t, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    std::uint16_t half;
    std::memcpy(&half, codes + 2 * i, sizeof half);
    out[i] = half_to_float(half);
  }
}

void encode_f32(const float* x, std::int64_t n, std::uint8_t* codes, std::uint16_t*) {
  std::memcpy(codes, x, static_cast<std::size_t>(n) * sizeof(float));
}
void decode_f32(const std::uint8_t* codes, std::uint16_t, std::int64_t n, float* out) {
  std::memcpy(out, codes, static_cast<std::size_t>(n) * sizeof(float));
}

void encode_q8(const float* x, std::int64_t n, std::uint8_t* codes, std::uint16_t* scale) {
  const Group group = numbers(x, n);
  float largest = 0;
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(group[i]));
  const float d = largest / 127, inverse = inverse_of(d);
  for (std::int64_t i = 0; i < n; ++i) {
    const float code = std::clamp(std::floor(group[i] * inverse + 0.5F), -127.0F, 127.0F);
    codes[i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
  }
  *scale = float_to_half(inverse == 0 ? 0.0F : d);
}
void decode_q8(const std::uint8_t* codes, std::uint16_t scale, std::int64_t n, float* out) {
  const float d = half_to_float(scale);
  for (std::int64_t i = 0; i < n; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(codes[i]));
}

// The value of largest magnitude becomes -8 exactly, for there is no +8; then the scale that fits the codes best.
void encode_q4h(const float* x, std::int64_t n, std::uint8_t* codes, std::uint16_t* scale) {
  const Group group = numbers(x, n);
  float peak = 0;
  for (std::int64_t i = 0; i < n; ++i) peak = std::fabs(group[i]) > std::fabs(peak) ? group[i] : peak;
  const float inverse = inverse_of(peak * -0.125F);
  Group levels{};
  for (std::int64_t i = 0; i < n; ++i) levels[i] = std::clamp(std::floor(group[i] * inverse + 8.5F), 0.0F, 15.0F) - 8;
  for (std::int64_t i = 0; i < n / 2; ++i) {
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(levels[i] + 8) | static_cast<int>(levels[i + n / 2] + 8) << 4);
  }
  *scale = fitted_scale(group, levels, n);
}
void decode_q4h(const std::uint8_t* codes, std::uint16_t scale, std::int64_t n, float* out) {
  const float d = half_to_float(scale);
  for (std::int64_t i = 0; i < n / 2; ++i) {
    out[i] = d * static_cast<float>((codes[i] & 15) - 8);
    out[i + n / 2] = d * static_cast<float>((codes[i] >> 4) - 8);
  }
}

// The four levels that suit a Gaussian best (Lloyd and Max: 0.45278 and 1.51042 of its sigma) as integers; the square of
// the border between them, 0.98160 sigma.
constexpr float kLevels[4] = {-127, -38, 38, 127};
constexpr float kBorderSquare = 0.96354F;

void encode_q2h(const float* x, std::int64_t n, std::uint8_t* codes, std::uint16_t* scale) {
  const Group group = numbers(x, n);
  Group squares{}, levels{};
  for (std::int64_t i = 0; i < n; ++i) squares[i] = group[i] * group[i];
  const float border = kBorderSquare * sum_of(squares, n) / static_cast<float>(n);
  std::fill_n(codes, n / 4, std::uint8_t{0});
  for (std::int64_t i = 0; i < n; ++i) {
    const bool far = squares[i] > border;
    const int code = group[i] > 0 ? (far ? 3 : 2) : (far ? 0 : 1);
    levels[i] = kLevels[code];
    codes[i % (n / 4)] |= static_cast<std::uint8_t>(code << 2 * (i / (n / 4)));
  }
  *scale = fitted_scale(group, levels, n);
}
void decode_q2h(const std::uint8_t* codes, std::uint16_t scale, std::int64_t n, float* out) {
  const float d = half_to_float(scale);
  for (std::int64_t i = 0; i < n; ++i) out[i] = d * kLevels[codes[i % (n / 4)] >> 2 * (i / (n / 4)) & 3];
}

constexpr KvFormatInfo kFormats[] = {
    {KvFormat::f16, "F16", 16, false, encode_f16, decode_f16},
    {KvFormat::q8, "Q8", 8, true, encode_q8, decode_q8},
    {KvFormat::q4h, "Q4H", 4, true, encode_q4h, decode_q4h},
    {KvFormat::q2h, "Q2H", 2, true, encode_q2h, decode_q2h},
    {KvFormat::f32, "F32", 32, false, encode_f32, decode_f32},
};

constexpr KvEncodingName kNames[] = {
    {"f32", {KvFormat::f32, KvFormat::f32}},  {"f16", {KvFormat::f16, KvFormat::f16}},
    {"q8", {KvFormat::q8, KvFormat::q8}},     {"k8v4", {KvFormat::q8, KvFormat::q4h}},
    {"q4", {KvFormat::q4h, KvFormat::q4h}},   {"q2", {KvFormat::q2h, KvFormat::q2h}},
};

// Where the groups of a tile lie.
struct Layout {
  Layout(const KvFormatInfo& format, std::int64_t head_dim)
      : group(format.scaled ? kv_group(head_dim) : head_dim), n_groups(group > 0 ? head_dim / group : 0),
        group_bytes(group * format.code_bits / 8) {
    check(group > 0, "a scaled encoding needs heads of 16 columns or a multiple");
  }
  std::int64_t codes_at(std::int64_t row, std::int64_t i) const { return (row * n_groups + i) * group_bytes; }
  std::int64_t scale_at(std::int64_t row, std::int64_t i) const {
    return codes_at(kPageSlots, 0) + (row * n_groups + i) * static_cast<std::int64_t>(sizeof(std::uint16_t));
  }

  std::int64_t group, n_groups, group_bytes;
};

}  // namespace

std::span<const KvFormatInfo> kv_formats() { return kFormats; }
std::span<const KvEncodingName> kv_encoding_names() { return kNames; }

const KvFormatInfo& info(KvFormat format) {
  const auto index = static_cast<std::size_t>(format);
  check(index < std::size(kFormats), "a known encoding of KV");
  return kFormats[index];
}

std::int64_t kv_group(std::int64_t head_dim) { return head_dim % 32 == 0 ? 32 : head_dim % 16 == 0 ? 16 : 0; }

std::int64_t kv_row_bytes(KvFormat format, std::int64_t head_dim) { return head_dim * info(format).code_bits / 8; }

std::int64_t kv_tile_bytes(KvFormat format, std::int64_t head_dim) {
  const Layout layout(info(format), head_dim);
  return info(format).scaled ? layout.scale_at(kPageSlots, 0) : layout.codes_at(kPageSlots, 0);
}

void encode_rows(KvFormat format, std::int64_t head_dim, const float* x, std::int64_t first, std::int64_t last, std::byte* tile) {
  const KvFormatInfo& row = info(format);
  const Layout layout(row, head_dim);
  for (std::int64_t t = first; t < last; ++t) {
    for (std::int64_t i = 0; i < layout.n_groups; ++i) {
      std::uint16_t scale = 0;
      row.encode(x + (t - first) * head_dim + i * layout.group, layout.group,
                 reinterpret_cast<std::uint8_t*>(tile) + layout.codes_at(t, i), &scale);
      if (row.scaled) std::memcpy(tile + layout.scale_at(t, i), &scale, sizeof scale);
    }
  }
}

void decode_rows(KvFormat format, std::int64_t head_dim, const std::byte* tile, std::int64_t first, std::int64_t last, float* x) {
  const KvFormatInfo& row = info(format);
  const Layout layout(row, head_dim);
  for (std::int64_t t = first; t < last; ++t) {
    for (std::int64_t i = 0; i < layout.n_groups; ++i) {
      std::uint16_t scale = 0;
      if (row.scaled) std::memcpy(&scale, tile + layout.scale_at(t, i), sizeof scale);
      row.decode(reinterpret_cast<const std::uint8_t*>(tile) + layout.codes_at(t, i), scale, layout.group,
                 x + (t - first) * head_dim + i * layout.group);
    }
  }
}

void encode_page(std::int64_t head_dim, KvEncoding from, const std::byte* page, KvEncoding to, std::byte* out) {
  std::vector<float> values(static_cast<std::size_t>(kPageSlots * head_dim));
  const auto encode = [&](KvFormat old, const std::byte* tile, KvFormat fresh, std::byte* target) {
    if (old == fresh && !info(old).scaled) return static_cast<void>(std::memcpy(target, tile, static_cast<std::size_t>(kv_tile_bytes(old, head_dim))));
    decode_rows(old, head_dim, tile, 0, kPageSlots, values.data());
    encode_rows(fresh, head_dim, values.data(), 0, kPageSlots, target);
  };
  encode(from.k, page, to.k, out);
  encode(from.v, page + kv_tile_bytes(from.k, head_dim), to.v, out + kv_tile_bytes(to.k, head_dim));
}

KvBasis kv_basis(std::int64_t head_dim) {
  if (kv_group(head_dim) == 0) return {};
  const std::int64_t n = std::min<std::int64_t>(head_dim & -head_dim, 256);
  return {n, head_dim % 64 == 0 ? 64 : n};
}

void rotate(float* x, std::int64_t cols, std::int64_t n) {
  check(n > 0 && (n & (n - 1)) == 0 && cols % n == 0, "rotate: runs of a power of two");
  if (n == 1) return;
  const float factor = 1 / std::sqrt(static_cast<float>(n));
  for (std::int64_t i = 0; i < cols; ++i) x[i] *= factor;
  for (std::int64_t h = 1; h < n; h *= 2) {
    for (std::int64_t begin = 0; begin < cols; begin += 2 * h) {
      for (std::int64_t i = begin; i < begin + h; ++i) {
        const float a = x[i], b = x[i + h];
        x[i] = a + b;
        x[i + h] = a - b;
      }
    }
  }
}

}  // namespace foreword::gpu
