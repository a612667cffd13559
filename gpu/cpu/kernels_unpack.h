#pragma once
// From weight blocks to panels (see WeightPanel), and the table of kernels; second half of kernels_impl.h. Block
// layouts: docs/formats.md. kLanes rows are read at once and transposed, so that a lane is a weight row: no sums
// across lanes, and an activation is broadcast to all rows.

#include "gpu/cpu/kernels_impl.h"

namespace foreword::gpu {
namespace {

constexpr std::uint32_t kNibbles = 0x0F0F0F0F;
constexpr std::uint32_t kOnes = 0x01010101;

inline void put_codes(WeightPanel* panel, std::int64_t group, U codes) {
  __builtin_memcpy(panel->codes + group * 4 * kLanes, &codes, sizeof codes);
}
// Asks for the part of the next tile that lies where step `index` of this one does. Into the second cache: the first
// one has too few outstanding requests (measured: 85 to 97 % of the read bandwidth against 75 to 80 %).
inline void fetch_ahead(const std::uint8_t* ahead, std::int64_t index, std::int64_t block_bytes) {
  const std::uint8_t* from = ahead + index * block_bytes * kLanes;
  for (std::int64_t at = 0; at < block_bytes * kLanes; at += 64) prefetch(from + at);
}

void unpack_q4_0(const std::uint8_t* rows, std::int64_t stride, std::int64_t n_cols, const std::uint8_t* ahead,
                 WeightPanel* panel) {
  constexpr std::int64_t kBytes = 18;
  for (std::int64_t b = 0; b < n_cols / 32; ++b, rows += kBytes) {
    fetch_ahead(ahead, b, kBytes);
    U head, c0, c1, c2, c3, unused;
    load_columns(rows, stride, head, c1, c2, unused);
    store(panel->scales + b * kLanes, half_lanes(head));
    load_columns(rows + 2, stride, c0, c1, c2, c3);
    put_codes(panel, 8 * b, c0 & kNibbles);
    put_codes(panel, 8 * b + 1, c1 & kNibbles);
    put_codes(panel, 8 * b + 2, c2 & kNibbles);
    put_codes(panel, 8 * b + 3, c3 & kNibbles);
    put_codes(panel, 8 * b + 4, (c0 >> 4) & kNibbles);
    put_codes(panel, 8 * b + 5, (c1 >> 4) & kNibbles);
    put_codes(panel, 8 * b + 6, (c2 >> 4) & kNibbles);
    put_codes(panel, 8 * b + 7, (c3 >> 4) & kNibbles);
  }
}

// Bits 0 to 3 as bit 4 of four bytes.
inline U fifth_bits(U bits) { return (((bits & 15) * 0x00204081U) & kOnes) << 4; }

void unpack_q5_0(const std::uint8_t* rows, std::int64_t stride, std::int64_t n_cols, const std::uint8_t* ahead,
                 WeightPanel* panel) {
  constexpr std::int64_t kBytes = 22;
  for (std::int64_t b = 0; b < n_cols / 32; ++b, rows += kBytes) {
    fetch_ahead(ahead, b, kBytes);
    U h0, h1, h2, h3, c[4];
    load_columns(rows, stride, h0, h1, h2, h3);
    const U high = (h0 >> 16) | (h1 << 16);
    store(panel->scales + b * kLanes, half_lanes(h0));
    load_columns(rows + 6, stride, c[0], c[1], c[2], c[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      put_codes(panel, 8 * b + i, (c[i] & kNibbles) | fifth_bits(high >> (4 * i)));
      put_codes(panel, 8 * b + 4 + i, ((c[i] >> 4) & kNibbles) | fifth_bits(high >> (16 + 4 * i)));
    }
  }
}

void unpack_q8_0(const std::uint8_t* rows, std::int64_t stride, std::int64_t n_cols, const std::uint8_t* ahead,
                 WeightPanel* panel) {
  constexpr std::int64_t kBytes = 34;
  constexpr std::uint32_t kFlip = kSignedBytes ? 0 : 0x80808080;
  for (std::int64_t b = 0; b < n_cols / 32; ++b, rows += kBytes) {
    fetch_ahead(ahead, b, kBytes);
    U head, c0, c1, c2, c3;
    load_columns(rows, stride, head, c1, c2, c3);
    store(panel->scales + b * kLanes, half_lanes(head));
    for (int half = 0; half < 2; ++half) {
      load_columns(rows + 2 + 16 * half, stride, c0, c1, c2, c3);
      put_codes(panel, 8 * b + 4 * half, c0 ^ kFlip);
      put_codes(panel, 8 * b + 4 * half + 1, c1 ^ kFlip);
      put_codes(panel, 8 * b + 4 * half + 2, c2 ^ kFlip);
      put_codes(panel, 8 * b + 4 * half + 3, c3 ^ kFlip);
    }
  }
}

// The head of a Q4_K or Q5_K block: f16 d, f16 dmin, 8 scales and 8 minima of 6 bits in 12 bytes. Four words a row.
inline void unpack_k_scales(const std::uint8_t* rows, std::int64_t stride, WeightPanel* panel) {
  U head, a, b, c;
  load_columns(rows, stride, head, a, b, c);
  const F d = half_lanes(head), dmin = half_lanes(head >> 16);
#pragma GCC unroll 4
  for (int s = 0; s < 4; ++s) {
    const int at = 8 * s;
    store(panel->scales + s * kLanes, d * to_float((a >> at) & 63));
    store(panel->mins + s * kLanes, dmin * to_float((b >> at) & 63));
    store(panel->scales + (4 + s) * kLanes, d * to_float(((c >> at) & 15) | ((a >> (at + 2)) & 48)));
    store(panel->mins + (4 + s) * kLanes, dmin * to_float(((c >> (at + 4)) & 15) | ((b >> (at + 2)) & 48)));
  }
}

void unpack_q4_k(const std::uint8_t* rows, std::int64_t stride, std::int64_t, const std::uint8_t* ahead,
                 WeightPanel* panel) {
  unpack_k_scales(rows, stride, panel);
  for (int j = 0; j < 8; ++j) {
    fetch_ahead(ahead, j, 144 / 8);
    const int group = 16 * (j / 2) + 4 * (j % 2);  // 32 bytes hold 32 columns low and the next 32 high
    U c0, c1, c2, c3;
    load_columns(rows + 16 + 16 * j, stride, c0, c1, c2, c3);
    put_codes(panel, group, c0 & kNibbles);
    put_codes(panel, group + 1, c1 & kNibbles);
    put_codes(panel, group + 2, c2 & kNibbles);
    put_codes(panel, group + 3, c3 & kNibbles);
    put_codes(panel, group + 8, (c0 >> 4) & kNibbles);
    put_codes(panel, group + 9, (c1 >> 4) & kNibbles);
    put_codes(panel, group + 10, (c2 >> 4) & kNibbles);
    put_codes(panel, group + 11, (c3 >> 4) & kNibbles);
  }
}

void unpack_q5_k(const std::uint8_t* rows, std::int64_t stride, std::int64_t, const std::uint8_t* ahead,
                 WeightPanel* panel) {
  unpack_k_scales(rows, stride, panel);
  for (int half = 0; half < 2; ++half) {
    U high[4];
    load_columns(rows + 16 + 16 * half, stride, high[0], high[1], high[2], high[3]);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      fetch_ahead(ahead, 4 * half + j, 176 / 8);
      U c[4];
      load_columns(rows + 48 + 32 * j + 16 * half, stride, c[0], c[1], c[2], c[3]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int group = 16 * j + 4 * half + i;
        put_codes(panel, group, (c[i] & kNibbles) | (((high[i] >> (2 * j)) & kOnes) << 4));
        put_codes(panel, group + 8, ((c[i] >> 4) & kNibbles) | (((high[i] >> (2 * j + 1)) & kOnes) << 4));
      }
    }
  }
}

void unpack_q6_k(const std::uint8_t* rows, std::int64_t stride, std::int64_t, const std::uint8_t* ahead,
                 WeightPanel* panel) {
  U s[4], unused0, unused1, unused2, last;
  load_columns(rows + 192, stride, s[0], s[1], s[2], s[3]);
  load_columns(rows + 194, stride, unused0, unused1, unused2, last);  // its last two bytes are d
  const F d = half_lanes(last >> 16);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const S code = reinterpret_cast<S>(s[i] << (24 - 8 * j)) >> 24;
      store(panel->scales + (4 * i + j) * kLanes, d * to_float(reinterpret_cast<U>(code)));
    }
  }
  constexpr std::uint32_t kTop = 0x30303030;
  for (int n = 0; n < 2; ++n) {
    for (int half = 0; half < 2; ++half) {
      fetch_ahead(ahead, 2 * n + half, 210 / 4 + 1);
      U a[4], b[4], h[4];
      load_columns(rows + 64 * n + 16 * half, stride, a[0], a[1], a[2], a[3]);
      load_columns(rows + 64 * n + 32 + 16 * half, stride, b[0], b[1], b[2], b[3]);
      load_columns(rows + 128 + 32 * n + 16 * half, stride, h[0], h[1], h[2], h[3]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int group = 32 * n + 4 * half + i;
        put_codes(panel, group, (a[i] & kNibbles) | ((h[i] << 4) & kTop));
        put_codes(panel, group + 8, (b[i] & kNibbles) | ((h[i] << 2) & kTop));
        put_codes(panel, group + 16, ((a[i] >> 4) & kNibbles) | (h[i] & kTop));
        put_codes(panel, group + 24, ((b[i] >> 4) & kNibbles) | ((h[i] >> 2) & kTop));
      }
    }
  }
}

// A tile: kPanels times what `unpack` does. The hint goes through the next tile's bytes in order.
template <auto unpack, std::int64_t kBlockCols, std::int64_t kBlockBytes>
void unpack_tile(const std::uint8_t* rows, std::int64_t stride, std::int64_t n_cols, const std::uint8_t* ahead,
                 WeightPanel* panels) {
  for (std::int64_t p = 0; p < kPanels; ++p) {
    unpack(rows + p * kLanes * stride, stride, n_cols, ahead + p * kLanes * (n_cols / kBlockCols) * kBlockBytes,
           panels + p);
  }
}

// The table of this set of instructions. Formats by their ids.
constexpr Kernels make_kernels() {
  Kernels k;
  k.tile_rows = kLanes * kPanels;
  k.integer[0] = {2, unpack_tile<unpack_q4_0, 32, 18>, multiply<4, 32, 8, false>};
  k.integer[1] = {6, unpack_tile<unpack_q5_0, 32, 22>, multiply<5, 32, 16, false>};
  k.integer[2] = {8, unpack_tile<unpack_q8_0, 32, 34>, multiply<8, 32, 128, false>};
  k.integer[3] = {12, unpack_tile<unpack_q4_k, 256, 144>, multiply<4, 32, 0, true>};
  k.integer[4] = {13, unpack_tile<unpack_q5_k, 256, 176>, multiply<5, 32, 0, true>};
  k.integer[5] = {14, unpack_tile<unpack_q6_k, 256, 210>, multiply<6, 16, 32, false>};
  k.quantise = quantise;
  k.dot_f32 = dot<FromF32>;
  k.dot_f16 = dot<FromF16>;
  k.dot_bf16 = dot<FromBf16>;
  k.weighted_sum_f32 = weighted_sum<FromF32>;
  k.weighted_sum_f16 = weighted_sum<FromF16>;
  k.softmax_page = softmax_page;
  k.blend = blend;
  k.silu = silu;
  k.gelu = gelu;
  k.silu_glu = silu_glu;
  k.gelu_glu = gelu_glu;
  k.clamped_silu_glu = clamped_silu_glu;
  k.softcap = softcap;
  k.add = add;
  k.scale = scale;
  k.rms_norm = rms_norm;
  k.layer_norm = layer_norm;
  k.to_half = to_half;
  k.read = read;
  return k;
}

}  // namespace
}  // namespace foreword::gpu
