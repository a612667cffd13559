#pragma once
// Which tensor of a model gets which format.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "gpu/format.h"

namespace foreword::engine {

/// A person's wish for some tensors. `pattern` is a tensor's name, in which each * stands for any characters.
struct TensorRule {
  std::string pattern;
  gpu::Format format;  // encodable
};

/// The formats of file.tensors(), in their order, for a model in `wanted` (encodable):
///
/// - Matrices, that is tensors NAME.weight of two or more dimensions, get `wanted`.
/// - The output matrix (output.weight; token_embd.weight where it serves as both) gets Q6_K if `wanted` has four bits: its
///   error goes straight into the probabilities.
/// - All else that is stored as F32, F16 or BF16 gets F32: vectors, biases, and the matrices that are small and sensitive
///   (norms, routers of experts, positions, rope factors). What is stored in other formats stays as it is.
/// - The last rule whose pattern fits a matrix comes first of all; a sensitive matrix follows only its exact name.
/// - A matrix whose rows the format's blocks do not divide gets what format_for_row() says.
///
/// `not_found` names the first rule that fits no matrix.
Result<std::vector<gpu::Format>> plan_formats(const GgufFile& file, gpu::Format wanted, std::span<const TensorRule> rules);

/// general.file_type of a model that is mostly in this encodable format (ggml's numbers).
std::uint32_t file_type_of(gpu::Format format);

/// Whether `name` fits a rule's pattern.
bool fits_pattern(std::string_view pattern, std::string_view name);

}  // namespace foreword::engine
