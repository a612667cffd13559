#pragma once
// Keys and values of one slot, decoded.

#include "gpu/cuda/pages.cuh"

namespace foreword::gpu::cuda {

// A row of a page to floats in shared memory, by the lanes of a warp. `to` has its columns filled up to a multiple of 4 with zeros.
__device__ inline void load_line(const Line& line, int dim, float* to) {
  const int lane = static_cast<int>(threadIdx.x) % 32, group = group_of(dim);
  const auto* words = reinterpret_cast<const unsigned*>(line.codes);
  switch (static_cast<KvFormat>(line.format)) {
    case KvFormat::f16:
      if (dim % 2 == 0) {
        for (int i = lane; i < dim / 2; i += 32) {
          const unsigned word = words[i];
          to[2 * i] = half_bits_to_float(static_cast<std::uint16_t>(word & 0xffffu));
          to[2 * i + 1] = half_bits_to_float(static_cast<std::uint16_t>(word >> 16));
        }
      } else {
        for (int i = lane; i < dim; i += 32) to[i] = half_bits_to_float(reinterpret_cast<const std::uint16_t*>(line.codes)[i]);
      }
      break;
    case KvFormat::q8:
      for (int i = lane; i < dim / 4; i += 32) {
        const unsigned word = words[i];
        const float d = half_bits_to_float(line.scales[4 * i / group]);
        for (int j = 0; j < 4; ++j) to[4 * i + j] = d * static_cast<float>(static_cast<std::int8_t>(word >> 8 * j & 255u));
      }
      break;
    case KvFormat::q4h:
      for (int i = lane; i < dim / 8; i += 32) {
        const int in_group = i % (group / 8), g = i / (group / 8);
        const unsigned word = words[i];
        const float d = half_bits_to_float(line.scales[g]);
        float* at = to + g * group + 4 * in_group;
        for (int j = 0; j < 4; ++j) {
          at[j] = d * static_cast<float>(static_cast<int>(word >> 8 * j & 15u) - 8);
          at[j + group / 2] = d * static_cast<float>(static_cast<int>(word >> (8 * j + 4) & 15u) - 8);
        }
      }
      break;
    case KvFormat::q2h:
      for (int i = lane; i < dim / 16; i += 32) {
        const int in_group = i % (group / 16), g = i / (group / 16);
        const unsigned word = words[i];
        const float d = half_bits_to_float(line.scales[g]);
        float* at = to + g * group + 4 * in_group;
        for (int j = 0; j < 4; ++j) {
          for (int part = 0; part < 4; ++part) {
            const int code = static_cast<int>(word >> (8 * j + 2 * part) & 3u);
            at[j + part * (group / 4)] = d * static_cast<float>(code < 2 ? 89 * code - 127 : 89 * code - 140);
          }
        }
      }
      break;
    default:
      for (int i = lane; i < dim; i += 32) to[i] = reinterpret_cast<const float*>(line.codes)[i];
  }
  if (lane < (4 - dim % 4) % 4) to[dim + lane] = 0;
}

}  // namespace foreword::gpu::cuda
