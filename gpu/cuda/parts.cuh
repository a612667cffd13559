#pragma once
// What all products have in common: the weights of a launch, where the results go, and what is done with them.

#include "gpu/cuda/activations.cuh"
#include "gpu/cuda/lowering.h"
#include "gpu/cuda/rounding.cuh"

namespace foreword::gpu::cuda {

// A weight matrix that the input is multiplied with.
struct Part {
  const std::uint8_t* weight;
  std::int64_t rows, first_row, height;  // those that are wanted, of `height` that the matrix of each expert has
  const float* scale;
  std::int64_t n_scales;
  const float* bias;
  std::int64_t bias_stride;
  float* out;
  std::int64_t out_stride;
  unsigned first_block;
  Format format;
};

struct Target {
  Part parts[kMostParts];  // those that are not there begin behind the last block
  std::int64_t n_slots;
  const int *slot_row, *tile_expert;
  // Of kernels for one row a block row: the experts of result row r, or nullptr, and how many result rows have one input row.
  const int* experts;
  std::int64_t experts_stride, per_row, results_per_input;
  // Then; what is absent is not wanted.
  const float* gate;  // result *= sigmoid(gate of its row)
  std::int64_t gate_stride;
  const float *residual, *outer;  // sum = residual + factor * result, outer_sum = outer + outer_factor * sum
  float *sum, *outer_sum;
  std::int64_t residual_stride, sum_stride, outer_stride, outer_sum_stride;
  float factor, outer_factor;
  int activation;
  float* product;  // the activated result, or that of the first part activated times that of the second
  std::int64_t product_stride;
  Rounded made;    // of the product
  const float* weights;  // of the experts: their sum goes to `combined`, and is the result that the residual is added to
  std::int64_t weights_stride, combined_stride;
  float* combined;
};

__device__ __forceinline__ const Part& part_of(const Target& p) {
  return blockIdx.x < p.parts[1].first_block ? p.parts[0] : blockIdx.x < p.parts[2].first_block ? p.parts[1] : p.parts[2];
}

// A value of result row `to`, stored.
__device__ __forceinline__ float keep(const Target& p, const Part& part, std::int64_t to, std::int64_t row, int expert, float sum) {
  if (row >= part.rows) return 0;
  if (part.scale != nullptr) sum *= part.scale[part.n_scales == 1 ? 0 : expert];
  if (part.bias != nullptr) sum += part.bias[expert * part.bias_stride + row];
  if (p.gate != nullptr) sum *= sigmoid(p.gate[to * p.gate_stride]);
  part.out[to * part.out_stride + row] = sum;
  return sum;
}
__device__ __forceinline__ void keep_sum(const Target& p, std::int64_t to, std::int64_t row, float value) {
  if (p.sum == nullptr) return;
  const float sum = p.sum[to * p.sum_stride + row] = fmaf(p.factor, value, p.residual[to * p.residual_stride + row]);
  if (p.outer_sum != nullptr) p.outer_sum[to * p.outer_sum_stride + row] = fmaf(p.outer_factor, sum, p.outer[to * p.outer_stride + row]);
}

__device__ __forceinline__ void store(const Target& p, const Part& part, std::int64_t slot, std::int64_t row, int expert, float sum) {
  if (slot >= p.n_slots || row >= part.rows) return;
  const std::int64_t to = p.slot_row == nullptr ? slot : p.slot_row[slot];
  if (to >= 0) keep_sum(p, to, row, keep(p, part, to, row, expert, sum));
}

// What a block or a warp makes of result row blockIdx.y, all that follows included: dot(part, expert, input row) has, in the threads that
// keep one (`has`), the sum for weight row `row`. Returns the product, if there is one.
template <Way kWay, class Dot>
__device__ __forceinline__ float make_row(const Target& p, const Part& part, std::int64_t row, bool has, Dot dot) {
  has = has && row < part.rows;
  const auto value_of = [&](const Part& of, std::int64_t to) {
    const int expert = p.experts == nullptr ? 0 : p.experts[to / p.per_row * p.experts_stride + to % p.per_row];
    const float sum = dot(of, expert, to / p.results_per_input);
    return has ? keep(p, of, to, row, expert, sum) : 0;
  };
  const std::int64_t to = blockIdx.y;
  float value = 0;
  if constexpr (kWay == Way::combined) {
    for (std::int64_t j = 0; j < p.per_row; ++j) value = fmaf(p.weights[to * p.weights_stride + j], value_of(part, to * p.per_row + j), value);
    if (has) p.combined[to * p.combined_stride + row] = value;
  } else if constexpr (kWay == Way::gated) {
    const float gate = value_of(p.parts[0], to), up = value_of(p.parts[1], to);
    value = gated(p.activation, gate, up);
  } else {
    value = value_of(part, to);
    if (p.product != nullptr) value = activated(p.activation, value);
  }
  if (has) {
    if (p.product != nullptr) p.product[to * p.product_stride + row] = value;
    keep_sum(p, to, row, value);
  }
  return has ? value : 0;
}

/// Where each part's blocks begin, `rows` weight rows a block; says how many there are. Gated parts go together.
inline unsigned place_blocks(Target& p, Way way, std::int64_t rows) {
  unsigned n = 0;
  for (Part& part : p.parts) {
    part.first_block = n;
    if (way != Way::gated || &part == &p.parts[0]) n += blocks_for(part.rows, rows);
  }
  return n;
}

}  // namespace foreword::gpu::cuda
