#pragma once
// One encoder a format: x holds the block's finite values, w their weights (>= 0, not all 0), out the block's bytes, zeroed.
// Private to engine/quantize.

#include <cstdint>

namespace foreword::engine::encode_block {

using Encoder = void(const float* x, const float* w, std::uint8_t* out);

// encode_plain.cpp
Encoder f32, f16, bf16, q4_0, q5_0, q5_1, q8_0;
// encode_k.cpp
Encoder q4_k, q5_k, q6_k;

/// The bits of the half nearest to `value`, finite, at `to`.
void store_half(float value, std::uint8_t* to);

}  // namespace foreword::engine::encode_block
