#pragma once
// From rows of logits on the device to whoever wants them: no more is read back than was wished for, or is asked for later.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/sampling/logit_row.h"
#include "gpu/backend.h"

namespace foreword::engine {

class LogitReader {
 public:
  /// Working memory for so many rows at once. The backend must outlive it.
  static Result<LogitReader> create(gpu::Backend& backend, std::int64_t max_rows, std::int64_t vocab_size);

  /// given: f32 rows that have been recorded but not computed, with a wish for each. Runs what was recorded, then calls the sink row by
  /// row, with the number of the row; what it gets is valid during the call. The device's errors.
  Result<void> hand_out(const gpu::Tensor& given, std::span<const LogitWish> wishes, const std::function<void(std::int64_t row, const LogitRow& logits)>& sink);

 private:
  explicit LogitReader(gpu::Backend& backend) : backend_(&backend) {}

  gpu::Backend* backend_;
  std::int64_t most_ = 0;  // of the best; 0: every row is at hand where the device has it
  std::unique_ptr<gpu::Buffer> best_;  // ids of all rows, then values
  std::vector<float> whole_;           // of rows that were read whole
};

}  // namespace foreword::engine
