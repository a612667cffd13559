#pragma once

#include <cstdint>
#include <span>

namespace foreword::gpu {

/// The k largest of one row as Backend::top_k says. ids, values: k each.
void top_k_row(std::span<const float> x, std::int64_t k, std::int32_t* ids, float* values);

}  // namespace foreword::gpu
