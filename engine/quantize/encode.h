#pragma once
// Floats to weight formats: encoders of our own, the other direction of gpu::FormatInfo::decode. Each block's scales are
// searched for the least weighted squared error, measured with the scales that the file can really hold. Layouts:
// docs/formats.md.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/base/result.h"
#include "gpu/format.h"

namespace foreword::engine {

/// The formats that encode() writes: F32, F16, BF16, Q4_0, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K.
bool can_encode(gpu::Format format);
/// Their names, "F32, F16, ...", for a sentence.
std::string encodable_names();

/// What stands in for `wanted` where its blocks do not divide a row of `row_length` values (the rule that other makers of
/// files follow): Q4_K by Q5_0, Q5_K by Q5_1, Q6_K by Q8_0, and all of them by F16. `wanted` must be encodable.
gpu::Format format_for_row(gpu::Format wanted, std::int64_t row_length);

/// Encodes whole rows of `row_length` values, a multiple of the block length. `importance`: one weight >= 0 for each column
/// (the mean square of what the column is multiplied with), or empty: all count alike. `out` is exactly as long as the
/// rows are in the format. Rows are shared among `n_threads` threads; the bytes do not depend on their number.
///
/// The result decodes to finite numbers: values beyond a format's reach are cut to its largest. `invalid_argument` names
/// the first row (from 0) that holds an infinity or a NaN. Wrong sizes are our own mistake: check().
Result<void> encode(gpu::Format format, std::int64_t row_length, std::span<const float> values,
                    std::span<const float> importance, std::span<std::byte> out, int n_threads = 1);

}  // namespace foreword::engine
