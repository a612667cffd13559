#pragma once
// From records to the plain structs that the plugin is given (abi.h).

#include <functional>
#include <optional>

#include "gpu/cuda/abi.h"
#include "gpu/cuda/weights.h"
#include "gpu/records/records.h"

namespace foreword::gpu {

/// Where a weight lies on the device; nullptr: it cannot be brought there.
using FindWeight = std::function<const std::uint8_t*(const WeightMatrix& weight, WeightUse use)>;

/// The op that a record is; nothing where one of its weights is not to be had. Equal records are equal bytes.
std::optional<cuda::Op> op_of(const Record& record, const FindWeight& find);

/// Rows of a tensor and of as many bytes in host memory.
cuda::Copy rows_of(const Tensor& tensor, std::byte* host);

}  // namespace foreword::gpu
