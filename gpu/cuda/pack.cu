// From the file's blocks (gpu/decode_*.cpp) to units (packing.h, units.cuh). Bytes are read one by one: this runs once.

#include "gpu/cuda/pack.h"
#include "gpu/cuda/units.cuh"
#include "gpu/cuda/values.cuh"

namespace foreword::gpu::cuda {
namespace {

/// A row of a format: code(block, i), the bits of value i as planes want them, those with a sign as two's complement; and head(),
/// which writes the scales of a row's n columns in a unit. The head is zero before.
template <Format kFormat>
struct Source;

__device__ __forceinline__ void put_half(std::uint8_t* to, const std::uint8_t* from) {
  to[0] = from[0];
  to[1] = from[1];
}
// Sub-block s of 32 columns: its place among [chunk][half].
__device__ __forceinline__ int place_of_sub(int s) { return s % 4 * 2 + s / 4; }
// Run of 16 columns: its place among [chunk][run].
__device__ __forceinline__ int place_of_run(int run) { return run % 8 / 2 * 4 + run / 8 * 2 + run % 2; }
__device__ __forceinline__ int nibble(const std::uint8_t* codes, int i) { return codes[i % 16] >> 4 * (i / 16) & 15; }

template <int n_bytes>
struct BlocksOf32 {
  static constexpr int kValues = 32, kBytes = n_bytes;
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int n) {
    for (int s = 0; s < n / 32; ++s) put_half(head + 16 * row + 2 * place_of_sub(s), b + s * kBytes);
  }
};
template <int n_bytes>
struct PairsOf32 {
  static constexpr int kValues = 32, kBytes = n_bytes;
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int n) {
    for (int s = 0; s < n / 32; ++s) {
      std::uint8_t* to = head + 32 * row + 4 * place_of_sub(s);
      put_half(to, b + s * kBytes);
      put_half(to + 2, b + s * kBytes + 2);
    }
  }
};
template <>
struct Source<Format::q4_0> : BlocksOf32<18> {
  __device__ static int code(const std::uint8_t* b, int i) { return nibble(b + 2, i) ^ 8; }
};
template <>
struct Source<Format::iq4_nl> : BlocksOf32<18> {
  __device__ static int code(const std::uint8_t* b, int i) { return nibble(b + 2, i); }
};
template <>
struct Source<Format::q5_0> : BlocksOf32<22> {
  __device__ static int code(const std::uint8_t* b, int i) { return (nibble(b + 6, i) + 16 * (b[2 + i / 8] >> i % 8 & 1)) ^ 16; }
};
template <>
struct Source<Format::q8_0> : BlocksOf32<34> {
  __device__ static int code(const std::uint8_t* b, int i) { return b[2 + i]; }
};
template <>
struct Source<Format::q4_1> : PairsOf32<20> {
  __device__ static int code(const std::uint8_t* b, int i) { return nibble(b + 4, i); }
};
template <>
struct Source<Format::q5_1> : PairsOf32<24> {
  __device__ static int code(const std::uint8_t* b, int i) { return nibble(b + 8, i) + 16 * (b[4 + i / 8] >> i % 8 & 1); }
};

template <bool kFiveBits>
struct SixBitScales {
  static constexpr int kValues = 256, kBytes = kFiveBits ? 176 : 144;
  __device__ static int code(const std::uint8_t* b, int i) {
    const int low = b[(kFiveBits ? 48 : 16) + i / 64 * 32 + i % 32] >> 4 * (i / 32 % 2) & 15;
    return kFiveBits ? low + 16 * (b[16 + i % 32] >> i / 32 & 1) : low;
  }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int) {
    for (int q = 0; q < kUnitChunks; ++q) {
      unsigned word = static_cast<unsigned>(b[q]) << 24;
      for (int half = 0; half < 2; ++half) {
        int scale, min;
        scale_and_min(b + 4, q + 4 * half, scale, min);
        word |= static_cast<unsigned>(scale + 64 * min) << 12 * half;
      }
      for (int i = 0; i < 4; ++i) head[16 * row + 4 * q + i] = static_cast<std::uint8_t>(word >> 8 * i);
    }
  }
};
template <>
struct Source<Format::q4_k> : SixBitScales<false> {};
template <>
struct Source<Format::q5_k> : SixBitScales<true> {};

template <>
struct Source<Format::q6_k> {
  static constexpr int kValues = 256, kBytes = 210;
  __device__ static int code(const std::uint8_t* b, int i) {
    const int half = i / 128, quarter = i % 128 / 32, at = i % 32;
    return ((b[64 * half + 32 * (quarter % 2) + at] >> 4 * (quarter / 2) & 15) + 16 * (b[128 + 32 * half + at] >> 2 * quarter & 3)) ^ 32;
  }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int) {
    for (int run = 0; run < 16; ++run) head[16 * row + place_of_run(run)] = b[192 + run];
    put_half(head + 256 + 2 * row, b + 208);
  }
};
template <>
struct Source<Format::q2_k> {
  static constexpr int kValues = 256, kBytes = 84;
  __device__ static int code(const std::uint8_t* b, int i) { return b[16 + i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3; }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int) {
    for (int run = 0; run < 16; ++run) head[16 * row + place_of_run(run)] = b[run];
    put_half(head + 256 + 4 * row, b + 80);
    put_half(head + 258 + 4 * row, b + 82);
  }
};
template <>
struct Source<Format::q3_k> {
  static constexpr int kValues = 256, kBytes = 110;
  __device__ static int code(const std::uint8_t* b, int i) {
    return ((b[32 + i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3) + 4 * (b[i % 32] >> i / 32 & 1)) ^ 4;
  }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int) {
    for (int run = 0; run < 16; ++run) {
      const int low = b[96 + run % 8] >> 4 * (run / 8) & 15, high = b[104 + run % 4] >> 2 * (run / 4) & 3, to = place_of_run(run);
      head[8 * row + to / 2] |= static_cast<std::uint8_t>(low << 4 * (to % 2));
      head[128 + 4 * row + to / 4] |= static_cast<std::uint8_t>(high << 2 * (to % 4));
    }
    put_half(head + 192 + 2 * row, b + 108);
  }
};
template <>
struct Source<Format::iq4_xs> {
  static constexpr int kValues = 256, kBytes = 136;
  __device__ static int code(const std::uint8_t* b, int i) { return nibble(b + 8 + i / 32 * 16, i % 32); }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int) {
    for (int s = 0; s < 8; ++s) head[4 * row + s % 4] |= static_cast<std::uint8_t>((b[4 + s / 2] >> 4 * (s % 2) & 15) << s / 4 * 4);
    put_half(head + 64 + 2 * row, b + 2);
    put_half(head + 96 + 2 * row, b);
  }
};
template <>
struct Source<Format::mxfp4> {
  static constexpr int kValues = 32, kBytes = 17;
  __device__ static int code(const std::uint8_t* b, int i) { return nibble(b + 1, i); }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int n) {
    for (int s = 0; s < n / 32; ++s) head[8 * row + place_of_sub(s)] = b[s * kBytes];
  }
};
template <>
struct Source<Format::nvfp4> {
  static constexpr int kValues = 64, kBytes = 36;
  __device__ static int code(const std::uint8_t* b, int i) { return b[4 + i / 16 * 8 + i % 8] >> 4 * (i % 16 / 8) & 15; }
  __device__ static void head(std::uint8_t* head, int row, const std::uint8_t* b, int n) {
    for (int run = 0; run < n / 16; ++run) head[16 * row + place_of_run(run)] = b[run / 4 * kBytes + run % 4];
  }
};

// The words of one lane in one chunk. code(row, run, column) is what planes hold.
template <class U, class Code>
__device__ __forceinline__ void put_codes(std::uint8_t* chunk, int lane, Code code) {
  if constexpr (U::kBits == 8) {
    for (int i = 0; i < 32; ++i) chunk[512 * (i / 16) + 16 * lane + i % 16] = static_cast<std::uint8_t>(code(i / 8 % 2, i / 16 * 2 + i / 4 % 2, i % 4));
  } else {
    constexpr int kRest = 2 * U::kTwos + U::kOnes;
    for (int i = 0; i < 16 && U::kFours; ++i) {  // word i / 4 = 2 * half + row
      const int row = i / 4 % 2, run = i / 8 * 2;
      chunk[16 * lane + i] = static_cast<std::uint8_t>(code(row, run, i % 4) >> kRest | code(row, run + 1, i % 4) >> kRest << 4);
    }
    for (int i = 0; i < 8 && U::kTwos; ++i) {
      int byte = 0;
      for (int run = 0; run < kInChunk; ++run) byte |= (code(i / 4, run, i % 4) >> U::kOnes & 3) << 2 * run;
      chunk[512 * U::kFours + 8 * lane + i] = static_cast<std::uint8_t>(byte);
    }
    for (int i = 0; i < 4 && U::kOnes; ++i) {
      int byte = 0;
      for (int bit = 0; bit < 8; ++bit) byte |= (code(bit / 4, bit % 4, i) & 1) << bit;
      chunk[512 * U::kFours + 256 * U::kTwos + 4 * lane + i] = static_cast<std::uint8_t>(byte);
    }
  }
}

// A block makes a unit: a warp a chunk, then a thread a row of scales.
template <Format kFormat>
__global__ void __launch_bounds__(32 * kUnitChunks) pack(const std::uint8_t* rows, std::int64_t n_rows, std::int64_t cols, std::uint8_t* to) {
  using S = Source<kFormat>;
  using U = Unit<kFormat>;
  static_assert(kUnitChunks * U::kCodeBytes + U::kHeadBytes == unit_bytes(kFormat));
  const std::int64_t tile = blockIdx.x, unit = blockIdx.y, row_bytes = cols / S::kValues * S::kBytes, first = unit * kUnitColumns;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  to += (tile * units_of(cols) + unit) * unit_bytes(kFormat);
  put_codes<U>(to + warp * U::kCodeBytes, lane, [&](int row, int run, int column) {
    const std::int64_t r = tile * kTileRows + lane / 4 + 8 * row, c = first + (2 * warp + run % 2 + run / 2 * 8) * kRun + 4 * (lane % 4) + column;
    if (r >= n_rows || c >= cols) return 0;
    return S::code(rows + r * row_bytes + c / S::kValues * S::kBytes, static_cast<int>(c % S::kValues));
  });
  std::uint8_t* head = to + kUnitChunks * U::kCodeBytes;
  for (int i = static_cast<int>(threadIdx.x); i < U::kHeadBytes; i += 32 * kUnitChunks) head[i] = 0;
  __syncthreads();
  const std::int64_t r = tile * kTileRows + threadIdx.x;
  if (threadIdx.x < kTileRows && r < n_rows) {
    S::head(head, static_cast<int>(threadIdx.x), rows + r * row_bytes + first / S::kValues * S::kBytes, static_cast<int>(min(cols - first, kUnitColumns)));
  }
}

struct Row {
  Format format;
  void (*kernel)(const std::uint8_t* rows, std::int64_t n_rows, std::int64_t cols, std::uint8_t* to);
};
#define FOREWORD_ROW(format) {Format::format, pack<Format::format>}
constexpr Row kFormats[] = {
    FOREWORD_ROW(q4_0), FOREWORD_ROW(q4_1), FOREWORD_ROW(q5_0), FOREWORD_ROW(q5_1), FOREWORD_ROW(q8_0), FOREWORD_ROW(q2_k), FOREWORD_ROW(q3_k),
    FOREWORD_ROW(q4_k), FOREWORD_ROW(q5_k), FOREWORD_ROW(q6_k), FOREWORD_ROW(iq4_nl), FOREWORD_ROW(iq4_xs), FOREWORD_ROW(mxfp4), FOREWORD_ROW(nvfp4),
};
#undef FOREWORD_ROW

}  // namespace

void launch_pack(Stream stream, const PackJob& job) {
  for (const Row& row : kFormats) {
    if (static_cast<std::int32_t>(row.format) != job.format || job.rows == 0 || job.cols == 0) continue;
    launch({static_cast<unsigned>(tiles_of(job.rows)), static_cast<unsigned>(units_of(job.cols))}, 32 * kUnitChunks, 0, stream, row.kernel, job.from, job.rows,
           job.cols, job.to);
  }
}

}  // namespace foreword::gpu::cuda
