// Products on the int8 matrix instruction, straight from the file's blocks: a warp multiplies 16 weight rows by tiles of 8 input rows.
// The input is rounded to 8 bits for each run of 16 columns (gpu/cpu/activations.h), the dot of a run is an exact integer, and what
// is left is adding floats: the columns are cut into units of 256, the units dealt to 8 classes in turn, each class summed run after
// run, and the classes added in order. One row and a thousand follow that order, so a row's bits depend on no other row.

#include "gpu/cuda/codes.cuh"
#include "gpu/cuda/lowering.h"

namespace foreword::gpu::cuda {
namespace {

constexpr int kTile = 8;      // input rows of one matrix_product
constexpr int kClasses = 8;
constexpr int kUnitRuns = 16;
constexpr float kSmallestStep = 1.17549435e-38f;  // below: the run counts as zeros

// Rounded input: for each tile of 8 slots, each term and each run: 8 x 16 codes; and 8 steps {d, d * sum of the codes}.
struct Rounded {
  int* codes;     // [tiles][terms][runs][8][4 words]
  float2* steps;  // [tiles][terms][runs][8]
  std::int64_t runs;
  int terms;
};

__global__ void round_input(const float* x, std::int64_t stride, std::int64_t rows_per_input, const int* slot_row, std::int64_t n_slots, Rounded out) {
  const std::int64_t at = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x, run = at % out.runs, slot = at / out.runs;
  if (slot >= (n_slots + kTile - 1) / kTile * kTile) return;
  std::int64_t row = slot < n_slots ? slot : -1;
  if (slot_row != nullptr && row >= 0) row = slot_row[slot];
  float rest[kRun];
  float largest = 0;
  for (int i = 0; i < kRun; ++i) {
    rest[i] = row < 0 ? 0 : x[row / rows_per_input * stride + run * kRun + i];
    largest = fmaxf(largest, fabsf(rest[i]));
  }
  for (int term = 0; term < out.terms; ++term) {
    float d = largest / 127.0f;
    d = d < kSmallestStep ? 0 : d;
    const float inverse = d > 0 ? 1.0f / d : 0;
    int words[4] = {}, sum = 0;
    largest = 0;
    for (int i = 0; i < kRun; ++i) {
      const float rounded = rintf(rest[i] * inverse);
      const int code = static_cast<int>(fminf(fmaxf(rounded, -127.0f), 127.0f));
      words[i / 4] |= (code & 255) << 8 * (i % 4);
      sum += code;
      rest[i] = fmaf(-d, rounded, rest[i]);
      largest = fmaxf(largest, fabsf(rest[i]));
    }
    const std::int64_t place = ((slot / kTile * out.terms + term) * out.runs + run) * kTile + slot % kTile;
    for (int i = 0; i < 4; ++i) out.codes[4 * place + i] = words[i];
    out.steps[place] = float2{d, d * static_cast<float>(sum)};
  }
}

struct Product {
  const std::uint8_t* weight;
  std::int64_t rows, row_bytes, expert_bytes;
  Rounded x;
  std::int64_t n_slots;
  const int *slot_row, *tile_expert;
  const float* scale;
  std::int64_t n_scales;
  const float* bias;
  std::int64_t bias_stride;
  float* out;
  std::int64_t out_stride;
};

__device__ __forceinline__ void store(const Product& p, std::int64_t slot, std::int64_t row, int expert, float sum) {
  if (slot >= p.n_slots || row >= p.rows) return;
  const std::int64_t to = p.slot_row == nullptr ? slot : p.slot_row[slot];
  if (to < 0) return;
  if (p.scale != nullptr) sum *= p.scale[p.n_scales == 1 ? 0 : expert];
  if (p.bias != nullptr) sum += p.bias[expert * p.bias_stride + row];
  p.out[to * p.out_stride + row] = sum;
}

// Adds units class, class + 8, .. of 16 * kRowTiles weight rows times 8 * kColumnTiles slots to sums.
template <Format kFormat, int kRowTiles, int kColumnTiles>
__device__ __forceinline__ void add_class(const Product& p, const std::uint8_t* const (&rows)[2 * kRowTiles], std::int64_t first_tile, int of_class,
                                          float (&sums)[kRowTiles][kColumnTiles][4]) {
  using Chunk = cuda::Chunk<kFormat>;
  constexpr int kRuns = Chunk::kRuns, kChunks = kUnitRuns / kRuns;
  const int lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const std::int64_t n_chunks = p.x.runs / kRuns;
  for (std::int64_t unit = of_class; unit * kChunks < n_chunks; unit += kClasses) {
#pragma unroll
    for (int in_unit = 0; in_unit < kChunks; ++in_unit) {
      const std::int64_t chunk = unit * kChunks + in_unit;
      if (chunk >= n_chunks) break;
      const std::int64_t block = chunk / Chunk::kPerBlock * Chunk::kBlockBytes;
      Codes<kRuns> codes[2 * kRowTiles];
#pragma unroll
      for (int r = 0; r < 2 * kRowTiles; ++r) Chunk::read(rows[r] + block, in_unit % Chunk::kPerBlock, t, codes[r]);
      for (int term = 0; term < p.x.terms; ++term) {
#pragma unroll
        for (int run = 0; run < kRuns; ++run) {
#pragma unroll
          for (int column = 0; column < kColumnTiles; ++column) {
            const std::int64_t place = (((first_tile + column) * p.x.terms + term) * p.x.runs + chunk * kRuns + run) * kTile;
            const int b = p.x.codes[4 * (place + g) + t];
            const float4 steps = *reinterpret_cast<const float4*>(p.x.steps + place + 2 * t);  // of slots 2t and 2t + 1
#pragma unroll
            for (int r = 0; r < kRowTiles; ++r) {
              int c[4];
              matrix_product(c, codes[2 * r].words[run], codes[2 * r + 1].words[run], b);
              float(&sum)[4] = sums[r][column];
#pragma unroll
              for (int i = 0; i < 4; ++i) {
                const Codes<kRuns>& w = codes[2 * r + i / 2];
                sum[i] = fmaf(w.scale[run] * (i % 2 == 0 ? steps.x : steps.z), static_cast<float>(c[i]), sum[i]);
                if (Chunk::kHasMin) sum[i] = fmaf(-w.min[run], i % 2 == 0 ? steps.y : steps.w, sum[i]);
              }
            }
          }
        }
      }
    }
  }
}

template <int kRowTiles>
__device__ __forceinline__ void find_rows(const Product& p, std::int64_t first_row, int expert, const std::uint8_t* (&rows)[2 * kRowTiles]) {
  const int g = static_cast<int>(threadIdx.x) % 32 / 4;
  for (int r = 0; r < 2 * kRowTiles; ++r) {
    const std::int64_t row = first_row + 8 * r + g;
    rows[r] = p.weight + expert * p.expert_bytes + (row < p.rows ? row : p.rows - 1) * p.row_bytes;
  }
}

// Few input rows: the warps of a block take a class each of the same 16 weight rows.
template <Format kFormat, int kColumnTiles>
__global__ void __launch_bounds__(32 * kClasses) multiply_few(Product p) {
  __shared__ float parts[kClasses][kTile * kColumnTiles][16];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * 16, first_tile = std::int64_t{blockIdx.y} * kColumnTiles;
  const int expert = p.tile_expert == nullptr ? 0 : p.tile_expert[first_tile];
  if (expert < 0) return;
  const std::uint8_t* rows[2];
  find_rows<1>(p, first_row, expert, rows);
  float sums[1][kColumnTiles][4] = {};
  add_class<kFormat, 1, kColumnTiles>(p, rows, first_tile, warp, sums);
  for (int column = 0; column < kColumnTiles; ++column) {
    for (int i = 0; i < 4; ++i) parts[warp][kTile * column + 2 * t + i % 2][g + i / 2 * 8] = sums[0][column][i];
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < 16 * kTile * kColumnTiles; i += 32 * kClasses) {
    float sum = 0;
    for (int of_class = 0; of_class < kClasses; ++of_class) sum += parts[of_class][i / 16][i % 16];
    store(p, first_tile * kTile + i / 16, first_row + i % 16, expert, sum);
  }
}

// Many input rows: each warp has its own 32 weight rows and 32 slots and goes through the classes one after the other.
constexpr int kManyRows = 2, kManyColumns = 4, kWarpsDown = 4, kWarpsAcross = 2;
template <Format kFormat>
__global__ void __launch_bounds__(32 * kWarpsDown * kWarpsAcross) multiply_many(Product p) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const std::int64_t first_row = (std::int64_t{blockIdx.x} * kWarpsDown + warp % kWarpsDown) * 16 * kManyRows;
  const std::int64_t first_tile = (std::int64_t{blockIdx.y} * kWarpsAcross + warp / kWarpsDown) * kManyColumns;
  if (first_row >= p.rows || first_tile * kTile >= p.n_slots) return;
  const std::uint8_t* rows[2 * kManyRows];
  find_rows<kManyRows>(p, first_row, 0, rows);
  float totals[kManyRows][kManyColumns][4] = {};
  for (int of_class = 0; of_class < kClasses; ++of_class) {
    float sums[kManyRows][kManyColumns][4] = {};
    add_class<kFormat, kManyRows, kManyColumns>(p, rows, first_tile, of_class, sums);
#pragma unroll
    for (int r = 0; r < kManyRows; ++r) {
#pragma unroll
      for (int column = 0; column < kManyColumns; ++column) {
#pragma unroll
        for (int i = 0; i < 4; ++i) totals[r][column][i] += sums[r][column][i];
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kManyRows; ++r) {
#pragma unroll
    for (int column = 0; column < kManyColumns; ++column) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        store(p, (first_tile + column) * kTile + 2 * t + i % 2, first_row + 16 * r + g + i / 2 * 8, 0, totals[r][column][i]);
      }
    }
  }
}

template <Format kFormat>
void launch_product(Lowering& to, Product p) {
  p.row_bytes = p.x.runs / (Chunk<kFormat>::kRuns * Chunk<kFormat>::kPerBlock) * Chunk<kFormat>::kBlockBytes;
  p.expert_bytes = p.rows * p.row_bytes;
  const unsigned row_blocks = blocks_for(p.rows, 16);
  const auto few = [&](int tiles, auto kernel) { to.launch({row_blocks, blocks_for(p.n_slots, kTile * tiles)}, 32 * kClasses, 0, kernel, p); };
  if (p.tile_expert != nullptr || p.n_slots <= kTile) return few(1, multiply_few<kFormat, 1>);
  if (p.n_slots <= 2 * kTile) return few(2, multiply_few<kFormat, 2>);
  if (p.n_slots <= 4 * kTile) return few(4, multiply_few<kFormat, 4>);
  to.launch({blocks_for(p.rows, 16 * kManyRows * kWarpsDown), blocks_for(p.n_slots, kTile * kManyColumns * kWarpsAcross)},
            32 * kWarpsDown * kWarpsAcross, 0, multiply_many<kFormat>, p);
}

struct Row {
  Format format;
  void (*launch)(Lowering& to, Product p);
};
constexpr Row kFormats[] = {
    {Format::q4_0, launch_product<Format::q4_0>}, {Format::q5_0, launch_product<Format::q5_0>}, {Format::q8_0, launch_product<Format::q8_0>},
    {Format::q4_k, launch_product<Format::q4_k>}, {Format::q5_k, launch_product<Format::q5_k>}, {Format::q6_k, launch_product<Format::q6_k>},
};

bool same(const View& a, const View& b) { return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.stride == b.stride; }

Rounded round(Lowering& to, const LinearOp& op, const Grouping& grouping) {
  Rounded x{nullptr, nullptr, op.w.cols / kRun, op.w.two_terms ? 2 : 1};
  // A block of kernels takes whole groups of tiles; what it reads behind the last slot is never stored.
  const std::int64_t n_tiles = (grouping.n_slots + 63) / 64 * 8, places = n_tiles * kTile * x.terms * x.runs;
  const bool kept = grouping.slot_row == nullptr && to.input.memory != nullptr && same(to.input.source, op.x) && to.input.terms == x.terms;
  std::byte* memory = to.input.memory;
  if (!kept) {
    to.rounded.used = 0;
    memory = to.rounded.take(places * (kRun + static_cast<std::int64_t>(sizeof(float2))));
    to.input = {op.x, x.terms, grouping.n_slots, grouping.slot_row == nullptr ? memory : nullptr};
  }
  x.codes = reinterpret_cast<int*>(memory);
  x.steps = reinterpret_cast<float2*>(memory + places * kRun);
  if (!kept) {
    const std::int64_t threads = (grouping.n_slots + kTile - 1) / kTile * kTile * x.runs;
    to.launch({blocks_for(threads, 128)}, 128, 0, round_input, static_cast<const float*>(op.x.data), op.x.stride, op.out.rows / op.x.rows,
              grouping.slot_row, grouping.n_slots, x);
  }
  return x;
}

}  // namespace

void lower(Lowering& to, const LinearOp& op) {
  if (op.out.rows == 0) return;
  const Row* row = nullptr;
  for (const Row& each : kFormats) row = static_cast<std::int32_t>(each.format) == op.w.format ? &each : row;
  const bool experts = op.experts.data != nullptr;
  const std::int64_t tile = row != nullptr ? kTile : op.x.rows == 1 ? 1 : kTile;
  const Grouping grouping = experts ? group_by_expert(to, op, tile) : Grouping{op.out.rows, tile, nullptr, nullptr};
  if (row == nullptr) return lower_float_product(to, op, grouping);
  Product p{};
  p.x = round(to, op, grouping);
  p.weight = op.w.data;
  p.rows = op.w.rows;
  p.n_slots = grouping.n_slots;
  p.slot_row = grouping.slot_row;
  p.tile_expert = grouping.tile_expert;
  p.scale = op.w.scale;
  p.n_scales = op.w.n_scales;
  p.bias = static_cast<const float*>(op.bias.data);
  p.bias_stride = op.bias.stride;
  p.out = static_cast<float*>(op.out.data);
  p.out_stride = op.out.stride;
  row->launch(to, p);
}

}  // namespace foreword::gpu::cuda
