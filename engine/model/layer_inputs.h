#pragma once
// What the layers read of a batch besides its stream, on the device: where rows stand, what they see, where they are kept.

#include <vector>

#include "engine/model/batch_layout.h"
#include "engine/model/model.h"
#include "engine/model/scratch.h"

namespace foreword::engine {

/// Views of one batch's inputs.
struct LayerInputs {
  gpu::Tensor token, position, cos_sin_global, cos_sin_local;
  struct Sight {
    gpu::Tensor slot;
    gpu::AttentionRows rows;
  } global, local;  // of the layers without and with a window

  /// The first n rows, which see max_slots slots at most.
  LayerInputs first(std::int64_t n, std::int64_t max_slots) const;
};

/// The memory behind them. One batch at a time.
class LayerInputsMemory {
 public:
  Result<void> allocate(gpu::Backend& backend, const Model& model, const KvCache& cache, std::int64_t max_rows);
  /// backend, model and cache as above.
  LayerInputs upload(gpu::Backend& backend, const Model& model, const Batch& batch, const BatchLayout& layout) const;

 private:
  Scratch token_, position_, slot_, sequence_, prefix_slots_, extra_begin_, extra_slots_, table_, cos_sin_global_, cos_sin_local_;
  Scratch window_slot_, window_table_;
  Scratch watch_, shares_;  // where pages may be sent down
};

}  // namespace foreword::engine
