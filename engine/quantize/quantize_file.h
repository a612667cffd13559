#pragma once
// A model file written anew with its weights in other formats. Everything else is copied as it is: metadata byte for byte
// and in order, tensors in order.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/quantize/plan.h"
#include "gpu/format.h"

namespace foreword::engine {

struct QuantizeOptions {
  gpu::Format format{};           // encodable
  std::vector<TensorRule> rules;  // see plan_formats()
  int n_threads = 1;
};

struct QuantizedTensor {
  std::string name;
  gpu::Format from{}, to{};
  std::int64_t n_values = 0;
  std::uint64_t bytes = 0;    // in the new file
  double error = 0;           // sum of squared differences to the old weights
  double energy = 0;          // sum of the old weights' squares; 0 if the tensor was copied
};

struct QuantizedFile {
  std::vector<QuantizedTensor> tensors;  // in file order
  std::uint64_t bytes_before = 0, bytes = 0;
  /// Matrices that were stored in blocks already and got another format: their errors add up.
  std::int64_t n_twice = 0;
};

/// Reads `in` (any part of a split model means all of it) and writes one file `out`, beside it first, so that `out` is
/// either as it was or complete. Some ten MB of memory, whatever the model's size. general.file_type becomes
/// that of options.format, general.quantization_version 2; keys of a split model's parts are left out.
/// `progress` is called before each tensor with the number of tensors done.
/// `invalid_argument`: `out` is (a part of) `in`, a folder, a device or a pipe. `not_found`: a rule without a tensor. `corrupt`: a tensor
/// holds an infinity or a NaN. `unsupported`: a tensor's name that no reader takes. `io`, and what GgufFile::open() says.
Result<QuantizedFile> quantize_file(const std::filesystem::path& in, const std::filesystem::path& out,
                                    const QuantizeOptions& options,
                                    const std::function<void(std::size_t done, std::size_t total)>& progress = {});

}  // namespace foreword::engine
