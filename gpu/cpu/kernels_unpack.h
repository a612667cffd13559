#pragma once
// From weight blocks to panels (see WeightPanel), and the table of kernels; second half of kernels_impl.h. Block
// layouts: docs/formats.md. kLanes rows are read at once and transposed, so that a lane is a weight row: no sums
// across lanes, and an activation is broadcast to all rows.

#include "gpu/cpu/kernels_impl.h"
#include "gpu/cpu/kernels_kv.h"

namespace foreword::gpu {
namespace {

constexpr std::uint32_t kNibbles = 0x0F0F0F0F;
constexpr std::uint32_t kOnes = 0x01010101;

inline void put_codes(WeightPanel* panel, std::int64_t group, U codes) {
  __builtin_memcpy(panel->codes + group * 4 * kLanes, &codes, sizeof codes);
}

// kLanes rows as they lie in a file. `ahead` goes through the bytes of the next tile.
struct FileRows {
  const std::uint8_t* at;
  std::int64_t stride;
  const std::uint8_t* ahead;

  void next_block(std::int64_t bytes) {
    at += bytes;
    ahead += bytes * kLanes;
  }
  void fetch(std::int64_t block_bytes, std::int64_t index, std::int64_t n) const {
    fetch_slice(ahead, block_bytes * kLanes, index, n);
  }
  void columns(std::int64_t byte, U& c0, U& c1, U& c2, U& c3) const { load_columns(at + byte, stride, c0, c1, c2, c3); }
  U word(std::int64_t byte) const {
    U word, unused1, unused2, unused3;
    columns(byte, word, unused1, unused2, unused3);
    return word;
  }
  // Reads no byte behind the block: 16 bytes from there, or up to there.
  template <std::int64_t byte, std::int64_t block_bytes>
  F half() const {
    if constexpr (byte + 16 <= block_bytes) return half_lanes(word(byte));
    U unused0, unused1, unused2, last;
    columns(byte - 14, unused0, unused1, unused2, last);
    return half_lanes(last >> 16);
  }
};

// Bytes: far enough for the memory, near enough for the first cache. One row of Q4_0 on one core, against 40 GB/s of bare
// reading: 31 GB/s at 4 KiB, 36 at 8, 37 at 16, 35 at 32.
constexpr std::int64_t kFetchAhead = 16384;

// kLanes rows of a chunk that panel_layout.h has interleaved. kHalfAt: IntegerKernel::half_at.
template <int kHalfAt>
struct InterleavedRows {
  const std::uint8_t* words;
  const std::uint8_t* halves;
  const std::uint8_t* ahead;

  static constexpr std::int64_t place(std::int64_t byte) {
    return (kHalfAt >= 0 && byte > kHalfAt ? byte - 2 : byte) * kLanes;
  }
  void next_block(std::int64_t bytes) {
    words += place(bytes);
    halves += 2 * kLanes;
    ahead += bytes * kLanes;
  }
  void fetch(std::int64_t block_bytes, std::int64_t index, std::int64_t n) const {
    fetch_slice(ahead, block_bytes * kLanes, index, n);
  }
  void columns(std::int64_t byte, U& c0, U& c1, U& c2, U& c3) const {
    c0 = word(byte);
    c1 = word(byte + 4);
    c2 = word(byte + 8);
    c3 = word(byte + 12);
  }
  U word(std::int64_t byte) const {
    U v;
    __builtin_memcpy(&v, words + place(byte), sizeof v);
    return v;
  }
  template <std::int64_t byte, std::int64_t block_bytes>
  F half() const {
    return load_half(reinterpret_cast<const std::uint16_t*>(halves));
  }
};

template <class Rows>
void unpack_q4_0(Rows rows, std::int64_t n_cols, WeightPanel* panel) {
  constexpr std::int64_t kBytes = 18;
  for (std::int64_t b = 0; b < n_cols / 32; ++b, rows.next_block(kBytes)) {
    U c0, c1, c2, c3;
    rows.fetch(kBytes, 0, 1);
    store(panel->scales + b * kLanes, rows.template half<0, kBytes>());
    rows.columns(2, c0, c1, c2, c3);
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

template <class Rows>
void unpack_q5_0(Rows rows, std::int64_t n_cols, WeightPanel* panel) {
  constexpr std::int64_t kBytes = 22;
  for (std::int64_t b = 0; b < n_cols / 32; ++b, rows.next_block(kBytes)) {
    U c[4];
    const U high = rows.word(2);
    rows.fetch(kBytes, 0, 1);
    store(panel->scales + b * kLanes, rows.template half<0, kBytes>());
    rows.columns(6, c[0], c[1], c[2], c[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      put_codes(panel, 8 * b + i, (c[i] & kNibbles) | fifth_bits(high >> (4 * i)));
      put_codes(panel, 8 * b + 4 + i, ((c[i] >> 4) & kNibbles) | fifth_bits(high >> (16 + 4 * i)));
    }
  }
}

template <class Rows>
void unpack_q8_0(Rows rows, std::int64_t n_cols, WeightPanel* panel) {
  constexpr std::int64_t kBytes = 34;
  constexpr std::uint32_t kFlip = kSignedBytes ? 0 : 0x80808080;
  for (std::int64_t b = 0; b < n_cols / 32; ++b, rows.next_block(kBytes)) {
    U c0, c1, c2, c3;
    rows.fetch(kBytes, 0, 1);
    store(panel->scales + b * kLanes, rows.template half<0, kBytes>());
    for (int half = 0; half < 2; ++half) {
      rows.columns(2 + 16 * half, c0, c1, c2, c3);
      put_codes(panel, 8 * b + 4 * half, c0 ^ kFlip);
      put_codes(panel, 8 * b + 4 * half + 1, c1 ^ kFlip);
      put_codes(panel, 8 * b + 4 * half + 2, c2 ^ kFlip);
      put_codes(panel, 8 * b + 4 * half + 3, c3 ^ kFlip);
    }
  }
}

// The head of a Q4_K or Q5_K block: f16 d, f16 dmin, 8 scales and 8 minima of 6 bits in 12 bytes. Four words a row.
template <class Rows>
inline void unpack_k_scales(Rows rows, WeightPanel* panel) {
  U head, a, b, c;
  rows.columns(0, head, a, b, c);
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

template <class Rows>
void unpack_q4_k(Rows rows, std::int64_t, WeightPanel* panel) {
  unpack_k_scales(rows, panel);
  for (int j = 0; j < 8; ++j) {
    rows.fetch(144, j, 8);
    const int group = 16 * (j / 2) + 4 * (j % 2);  // 32 bytes hold 32 columns low and the next 32 high
    U c0, c1, c2, c3;
    rows.columns(16 + 16 * j, c0, c1, c2, c3);
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

template <class Rows>
void unpack_q5_k(Rows rows, std::int64_t, WeightPanel* panel) {
  unpack_k_scales(rows, panel);
  for (int half = 0; half < 2; ++half) {
    U high[4];
    rows.columns(16 + 16 * half, high[0], high[1], high[2], high[3]);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      rows.fetch(176, 4 * half + j, 8);
      U c[4];
      rows.columns(48 + 32 * j + 16 * half, c[0], c[1], c[2], c[3]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int group = 16 * j + 4 * half + i;
        put_codes(panel, group, (c[i] & kNibbles) | (((high[i] >> (2 * j)) & kOnes) << 4));
        put_codes(panel, group + 8, ((c[i] >> 4) & kNibbles) | (((high[i] >> (2 * j + 1)) & kOnes) << 4));
      }
    }
  }
}

template <class Rows>
void unpack_q6_k(Rows rows, std::int64_t, WeightPanel* panel) {
  U s[4];
  rows.columns(192, s[0], s[1], s[2], s[3]);
  const F d = rows.template half<208, 210>();
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
      rows.fetch(210, 2 * n + half, 4);
      U a[4], b[4], h[4];
      rows.columns(64 * n + 16 * half, a[0], a[1], a[2], a[3]);
      rows.columns(64 * n + 32 + 16 * half, b[0], b[1], b[2], b[3]);
      rows.columns(128 + 32 * n + 16 * half, h[0], h[1], h[2], h[3]);
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

// One format: how its blocks are unpacked, panel by panel.
template <std::int64_t kBlockCols, std::int64_t kBlockBytes, int kHalfAt, auto kUnpackFile, auto kUnpackInterleaved,
          MultiplyFn kMultiply>
constexpr IntegerKernel kernel_of(int format) {
  constexpr auto file = [](const std::uint8_t* rows, std::int64_t stride, std::int64_t n_cols,
                           const std::uint8_t* ahead, WeightPanel* panels) {
    for (std::int64_t p = 0; p < kPanels; ++p) {
      kUnpackFile(FileRows{rows + p * kLanes * stride, stride, ahead + p * kLanes * (n_cols / kBlockCols) * kBlockBytes},
                  n_cols, panels + p);
    }
  };
  constexpr auto chunk = [](const std::uint8_t* words, std::int64_t n_cols, WeightPanel* panels) {
    constexpr std::int64_t kHalfBytes = kHalfAt >= 0 ? 2 : 0;
    const std::int64_t rows_bytes = n_cols / kBlockCols * kLanes;  // times what a block has of a kind
    const std::uint8_t* halves = words + rows_bytes * (kBlockBytes - kHalfBytes) * kPanels;
    const std::uint8_t* ahead = words + kFetchAhead;
    for (std::int64_t p = 0; p < kPanels; ++p) {
      kUnpackInterleaved(InterleavedRows<kHalfAt>{words + p * rows_bytes * (kBlockBytes - kHalfBytes),
                                                  halves + p * rows_bytes * kHalfBytes, ahead + p * rows_bytes * kBlockBytes},
                         n_cols, panels + p);
    }
  };
  return {format, kHalfAt, file, chunk, kMultiply};
}

// The table of this set of instructions. Formats by their ids.
constexpr Kernels make_kernels() {
  Kernels k;
  k.lanes = kLanes;
  k.tile_rows = kLanes * kPanels;
  k.integer[0] = kernel_of<32, 18, 0, unpack_q4_0<FileRows>, unpack_q4_0<InterleavedRows<0>>, multiply<4, 32, 8, false>>(2);
  k.integer[1] = kernel_of<32, 22, 0, unpack_q5_0<FileRows>, unpack_q5_0<InterleavedRows<0>>, multiply<5, 32, 16, false>>(6);
  k.integer[2] = kernel_of<32, 34, 0, unpack_q8_0<FileRows>, unpack_q8_0<InterleavedRows<0>>, multiply<8, 32, 128, false>>(8);
  k.integer[3] = kernel_of<256, 144, -1, unpack_q4_k<FileRows>, unpack_q4_k<InterleavedRows<-1>>, multiply<4, 32, 0, true>>(12);
  k.integer[4] = kernel_of<256, 176, -1, unpack_q5_k<FileRows>, unpack_q5_k<InterleavedRows<-1>>, multiply<5, 32, 0, true>>(13);
  k.integer[5] = kernel_of<256, 210, 208, unpack_q6_k<FileRows>, unpack_q6_k<InterleavedRows<208>>, multiply<6, 16, 32, false>>(14);
  k.quantise = quantise;
  k.dot_f32 = dot<FromF32>;
  k.dot_f16 = dot<FromF16>;
  k.dot_bf16 = dot<FromBf16>;
  k.weighted_sum_f32 = weighted_sum<FromF32>;
  k.weighted_sum_f16 = weighted_sum<FromF16>;
  k.kv[1] = kv_kernel<KvQ8>();  // by the ids of KvFormat
  k.kv[2] = kv_kernel<KvQ4h>();
  k.kv[3] = kv_kernel<KvQ2h>();
  k.transpose_scales = transpose_scales;
  k.rotate = rotate;
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
  k.from_half = from_half;
  k.to_half = to_half;
  k.read = read;
  k.integer_peak = integer_peak;
  return k;
}

}  // namespace
}  // namespace foreword::gpu
