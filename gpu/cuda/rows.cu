// Ops that make rows from rows: embedding, norms, rotation by position, activations, sums, picking.

#include <algorithm>

#include "gpu/cuda/activations.cuh"
#include "gpu/cuda/lowering.h"
#include "gpu/cuda/norms.cuh"
#include "gpu/cuda/values.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kThreads = 256;

// ---- embed

template <Format kFormat>
__global__ void embed(const std::uint8_t* table, std::int64_t table_rows, std::int64_t cols, const int* ids, std::int64_t ids_stride, std::int64_t n_rows,
                      float* out, std::int64_t out_stride, Books books) {
  using V = Values<kFormat>;
  const std::int64_t chunks = (cols + 7) / 8, at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x, row = at / chunks, c = at % chunks;
  if (row >= n_rows) return;
  const int id = ids[row * ids_stride];
  if (id < 0 || id >= table_rows) return;
  const std::int64_t row_bytes = V::kValues == 8 ? cols * (V::kBytes / 8) : cols / V::kValues * V::kBytes;
  const std::uint8_t* from = table + id * row_bytes;
  float v[8] = {};
  if constexpr (V::kValues == 8) {
    for (int j = 0; j < 8 && 8 * c + j < cols; ++j) v[j] = V::one(from + c * V::kBytes, j);
  } else {
    constexpr int kChunks = V::kValues / 8;
    V::read(books, from + c / kChunks * V::kBytes, static_cast<int>(c % kChunks), v);
  }
  for (int j = 0; j < 8 && 8 * c + j < cols; ++j) out[row * out_stride + 8 * c + j] = v[j];
}

template <Format kFormat>
void launch_embed(Lowering& to, const EmbedOp& op) {
  to.launch({blocks_for(op.out.rows * ((op.out.cols + 7) / 8), kThreads)}, kThreads, 0, embed<kFormat>, op.table.data, op.table.rows, op.table.cols,
            static_cast<const int*>(op.ids.data), op.ids.stride, op.out.rows, static_cast<float*>(op.out.data), op.out.stride, to.books);
}

struct EmbedRow {
  Format format;
  void (*launch)(Lowering& to, const EmbedOp& op);
};
#define FOREWORD_ROW(format) {Format::format, launch_embed<Format::format>}
constexpr EmbedRow kFormats[] = {
    FOREWORD_ROW(f32),    FOREWORD_ROW(f16),     FOREWORD_ROW(bf16),   FOREWORD_ROW(q4_0),  FOREWORD_ROW(q4_1),    FOREWORD_ROW(q5_0),  FOREWORD_ROW(q5_1),
    FOREWORD_ROW(q8_0),   FOREWORD_ROW(q2_k),    FOREWORD_ROW(q3_k),   FOREWORD_ROW(q4_k),  FOREWORD_ROW(q5_k),    FOREWORD_ROW(q6_k),  FOREWORD_ROW(iq4_nl),
    FOREWORD_ROW(iq4_xs), FOREWORD_ROW(iq2_xxs), FOREWORD_ROW(iq2_xs), FOREWORD_ROW(iq2_s), FOREWORD_ROW(iq3_xxs), FOREWORD_ROW(iq3_s), FOREWORD_ROW(iq1_s),
    FOREWORD_ROW(iq1_m),  FOREWORD_ROW(tq1_0),   FOREWORD_ROW(tq2_0),  FOREWORD_ROW(q1_0),  FOREWORD_ROW(mxfp4),   FOREWORD_ROW(nvfp4),
};
#undef FOREWORD_ROW

// ---- norms

struct Norm {
  const float* x;
  std::int64_t x_stride;
  const float *weight, *bias;
  float* out;
  std::int64_t out_stride, group, groups_per_row, n_groups;
  bool whole_weight, centre;
  float eps;
  // Then sum = residual + factor * out, and the norm of that; absent: not wanted.
  const float* residual;
  float* sum;
  std::int64_t residual_stride, sum_stride;
  float factor, next_eps;
  const float *next_weight, *next_bias;
  float* next_out;
  std::int64_t next_stride;
  Rounded rounded;  // of the last of these; codes = nullptr: not wanted; else a group is a row, and groups behind the last are slots of zeros
  unsigned shares;  // blocks of a group, each for some of its columns
  Ahead ahead;
};

template <bool kBlock>
__global__ void __launch_bounds__(kBlock ? kNormThreads : kThreads) norm(Norm p) {
  constexpr int kStep = kBlock ? kNormThreads : 32;
  const unsigned own = gridDim.x - p.ahead.blocks;
  if (blockIdx.x >= own) return fetch_ahead(p.ahead, blockIdx.x - own);
  const std::int64_t at = kBlock ? blockIdx.x / p.shares : std::int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  const int me = static_cast<int>(threadIdx.x) % kStep, share = kBlock ? static_cast<int>(blockIdx.x % p.shares) : 0;
  const int cols = static_cast<int>(p.group), width = kBlock ? (cols / static_cast<int>(p.shares) + 31) / 32 * 32 : cols;
  const int begin = share * width, end = min(cols, begin + width);  // of this block
  // Columns in steps of whole warps.
  const auto round_all = [&](const auto& value_at) {
    for (int c = begin + me; c - me % 32 < end; c += kStep) round_run(c < end ? value_at(c) : 0, static_cast<unsigned>(at), static_cast<unsigned>(c) / kRun, p.rounded);
  };
  if (at >= p.n_groups) {  // a whole warp, or a whole block
    if (p.rounded.codes != nullptr && at < slots_in_tiles(p.n_groups)) round_all([](int) { return 0.0f; });
    return;
  }
  const std::int64_t row = at / p.groups_per_row, first = at % p.groups_per_row * p.group;
  const float* x = p.x + row * p.x_stride + first;
  float* last = p.out + row * p.out_stride + first;
  const float* weight = p.weight + (p.whole_weight ? first : 0);
  const float* bias = p.bias == nullptr ? nullptr : p.bias + (p.whole_weight ? first : 0);
  Moments moments = moments_of<kBlock>(p.group, p.centre, p.eps, [&](std::int64_t c) { return x[c]; });
  if (p.sum != nullptr) {  // a thread reads only what it has written itself
    const float* residual = p.residual + row * p.residual_stride + first;
    float* sum = p.sum + row * p.sum_stride + first;
    for (std::int64_t c = me; c < p.group; c += kStep) {
      const float value = moments.normed(x[c], weight[c], bias == nullptr ? nullptr : bias + c);
      last[c] = value;
      sum[c] = fmaf(p.factor, value, residual[c]);
    }
    x = last = sum;
    if (p.next_out != nullptr) {
      moments = moments_of<kBlock>(p.group, p.centre, p.next_eps, [&](std::int64_t c) { return sum[c]; });
      weight = p.next_weight;
      bias = p.next_bias;
      last = p.next_out + row * p.next_stride;
    }
    kBlock ? __syncthreads() : __syncwarp();
  }
  const bool made = p.sum != nullptr && p.next_out == nullptr;
  const auto value_at = [&](std::int64_t c) { return made ? x[c] : moments.normed(x[c], weight[c], bias == nullptr ? nullptr : bias + c); };
  if (p.rounded.codes == nullptr) {
    for (int c = begin + me; !made && c < end; c += kStep) last[c] = value_at(c);
    return;
  }
  round_all([&](int c) { return last[c] = value_at(c); });
}

// ---- rope

__global__ void rope(float* x, std::int64_t stride, std::int64_t n_heads, std::int64_t head_dim, std::int64_t n_rot, bool adjacent, const float* cos_sin,
                     std::int64_t cos_sin_stride, std::int64_t n) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= n) return;
  const std::int64_t pairs = n_rot / 2, i = at % pairs, head = at / pairs % n_heads, row = at / pairs / n_heads;
  float* values = x + row * stride + head * head_dim;
  float& first = values[adjacent ? 2 * i : i];
  float& second = values[adjacent ? 2 * i + 1 : i + pairs];
  const float c = cos_sin[row * cos_sin_stride + 2 * i], s = cos_sin[row * cos_sin_stride + 2 * i + 1], a = first, b = second;
  first = a * c - b * s;
  second = a * s + b * c;
}

// ---- element by element

template <int kKind>
__device__ __forceinline__ float element(float x, float y, float factor, int activation) {
  if constexpr (kKind == kOpGlu) return gated(activation, x, y);
  if constexpr (kKind == kOpActivate) return activated(activation, x);
  if constexpr (kKind == kOpAdd) return fmaf(factor, y, x);
  if constexpr (kKind == kOpScale) return factor * x;
  if constexpr (kKind == kOpSoftcap) return factor * tanhf(x / factor);
  return x * sigmoid(y);
}

template <int kKind>
__global__ void elementwise(const float* x, std::int64_t x_stride, const float* y, std::int64_t y_stride, float* out, std::int64_t out_stride, std::int64_t cols,
                            std::int64_t n, float factor, int activation) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x, row = at / cols, c = at % cols;
  if (at >= n) return;
  const float other = y == nullptr ? 0 : y[row * y_stride + (kKind == kOpSigmoidGate ? 0 : c)];
  out[row * out_stride + c] = element<kKind>(x[row * x_stride + c], other, factor, activation);
}

// The same, with the result rounded for products: a row's columns in blocks along x.
template <int kKind>
__global__ void elementwise_rounded(const float* x, std::int64_t x_stride, const float* y, std::int64_t y_stride, float* out, std::int64_t out_stride,
                                    std::int64_t n_rows, float factor, int activation, Rounded rounded) {
  const std::int64_t c = std::int64_t{blockIdx.x} * kThreads + threadIdx.x, row = blockIdx.y;
  float value = 0;
  if (row < n_rows && c < rounded.runs * kRun) {
    out[row * out_stride + c] = value = element<kKind>(x[row * x_stride + c], y == nullptr ? 0 : y[row * y_stride + c], factor, activation);
  }
  round_run(value, blockIdx.y, static_cast<unsigned>(c) / kRun, rounded);
}

template <int kKind>
void launch_elementwise(Lowering& to, const ElementwiseOp& op, std::int64_t terms) {
  if (terms > 0) {
    const Rounded rounded = room_for_rounded(to, op.out, op.out.cols, terms, op.out.rows);
    return to.launch({blocks_for(op.out.cols, kThreads), static_cast<unsigned>(slots_in_tiles(op.out.rows))}, kThreads, 0, elementwise_rounded<kKind>,
                     static_cast<const float*>(op.x.data), op.x.stride, static_cast<const float*>(op.y.data), op.y.stride, static_cast<float*>(op.out.data),
                     op.out.stride, op.out.rows, op.factor, op.activation, rounded);
  }
  const std::int64_t n = op.out.rows * op.out.cols;
  to.launch({blocks_for(n, kThreads)}, kThreads, 0, elementwise<kKind>, static_cast<const float*>(op.x.data), op.x.stride, static_cast<const float*>(op.y.data),
            op.y.stride, static_cast<float*>(op.out.data), op.out.stride, op.out.cols, n, op.factor, op.activation);
}

__global__ void gather(const float* x, std::int64_t x_stride, std::int64_t x_rows, const int* rows, std::int64_t rows_stride, float* out,
                       std::int64_t out_stride, std::int64_t cols, std::int64_t n) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x, row = at / cols, c = at % cols;
  if (at >= n) return;
  const int from = rows[row * rows_stride];
  if (from >= 0 && from < x_rows) out[row * out_stride + c] = x[from * x_stride + c];
}

}  // namespace

void lower(Lowering& to, const EmbedOp& op) {
  for (const EmbedRow& row : kFormats) {
    if (static_cast<std::int32_t>(row.format) == op.table.format) row.launch(to, op);
  }
}

void lower(Lowering& to, const NormOp& op, std::int64_t terms) {
  if (op.x2.data != nullptr) {
    NormOp second = op, first = op;
    second.x = op.x2, second.weight = op.weight2, second.bias = op.bias2, second.out = op.out2, second.group = op.group2;
    first.x2 = second.x2 = {};
    lower(to, first, 0);
    return lower(to, second, 0);
  }
  Norm p{};
  p.x = static_cast<const float*>(op.x.data);
  p.x_stride = op.x.stride;
  p.weight = static_cast<const float*>(op.weight.data);
  p.bias = static_cast<const float*>(op.bias.data);
  p.out = static_cast<float*>(op.out.data);
  p.out_stride = op.out.stride;
  p.group = op.group;
  p.groups_per_row = op.x.cols / op.group;
  p.n_groups = p.groups_per_row * op.x.rows;
  p.whole_weight = op.weight.cols != op.group;
  p.centre = op.centre != 0;
  p.eps = op.eps;
  p.residual = static_cast<const float*>(op.residual.data);
  p.residual_stride = op.residual.stride;
  p.sum = static_cast<float*>(op.sum.data);
  p.sum_stride = op.sum.stride;
  p.factor = op.factor;
  p.next_weight = static_cast<const float*>(op.next_weight.data);
  p.next_bias = static_cast<const float*>(op.next_bias.data);
  p.next_out = static_cast<float*>(op.next_out.data);
  p.next_stride = op.next_out.stride;
  p.next_eps = op.next_eps;
  std::int64_t n = p.n_groups;
  if (terms > 0 && op.group == op.x.cols) {
    const View& made = made_by(op);
    p.rounded = room_for_rounded(to, made, made.cols, terms, made.rows);
    n = slots_in_tiles(n);
  }
  // Blocks that share a group all read the whole of it.
  constexpr std::int64_t kMostShares = 8, kShareColumns = 512, kEnoughBlocks = 256;
  p.shares = 1;
  if (op.sum.data == nullptr && !overlap(op.x, op.out)) {
    p.shares = static_cast<unsigned>(std::clamp<std::int64_t>(std::min(kEnoughBlocks / n, op.group / kShareColumns), 1, kMostShares));
  }
  p.ahead = to.ahead;
  if (op.group > kWarpGroup) return to.launch({static_cast<unsigned>(n) * p.shares + p.ahead.blocks}, kNormThreads, 0, norm<true>, p);
  to.launch({blocks_for(n, kThreads / 32) + p.ahead.blocks}, kThreads, 0, norm<false>, p);
}

void lower(Lowering& to, const RopeOp& op) {
  for (std::int64_t i = 0; i < op.n; ++i) {
    const View& x = op.x[i];
    const std::int64_t n_heads = x.cols / op.head_dim, n = x.rows * n_heads * op.n_rot / 2;
    to.launch({blocks_for(n, kThreads)}, kThreads, 0, rope, static_cast<float*>(x.data), x.stride, n_heads, op.head_dim, op.n_rot, op.adjacent != 0,
              static_cast<const float*>(op.cos_sin.data), op.cos_sin.stride, n);
  }
}

void lower(Lowering& to, const ElementwiseOp& op, OpKind kind, std::int64_t terms) {
  switch (kind) {
    case kOpGlu: return launch_elementwise<kOpGlu>(to, op, terms);
    case kOpActivate: return launch_elementwise<kOpActivate>(to, op, terms);
    case kOpAdd: return launch_elementwise<kOpAdd>(to, op, terms);
    case kOpScale: return launch_elementwise<kOpScale>(to, op, terms);
    case kOpSoftcap: return launch_elementwise<kOpSoftcap>(to, op, terms);
    default: return launch_elementwise<kOpSigmoidGate>(to, op, 0);
  }
}

void lower(Lowering& to, const GatherOp& op) {
  const std::int64_t n = op.out.rows * op.out.cols;
  to.launch({blocks_for(n, kThreads)}, kThreads, 0, gather, static_cast<const float*>(op.x.data), op.x.stride, op.x.rows, static_cast<const int*>(op.rows.data),
            op.rows.stride, static_cast<float*>(op.out.data), op.out.stride, op.out.cols, n);
}

}  // namespace foreword::gpu::cuda
