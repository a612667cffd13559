#pragma once
// From a Batch to what the device needs: positions, slots, visible slots of every row. Pure arithmetic, no device.

#include <cstdint>
#include <vector>

#include "engine/model/batch.h"

namespace foreword::engine {

/// See gpu::AttentionRows for the meaning of the arrays. What begins with window_ is for the layers with a window, and empty if there
/// are none.
struct BatchLayout {
  std::vector<std::int32_t> table, window_table;  // [n_sequences, max_blocks]
  std::int64_t n_sequences = 0, max_blocks = 0;
  std::vector<std::int32_t> sequence;      // [rows] row of `table`
  std::vector<std::int32_t> position;      // [rows]
  std::vector<std::int32_t> slot, window_slot;    // [rows] block * 64 + slot in the block, where K and V are written
  std::vector<std::int32_t> prefix_slots;  // [rows]
  std::vector<std::int32_t> extra_begin;   // [rows + 1]
  std::vector<std::int32_t> extra_slots;   // slot numbers in the row's sequence
  std::vector<std::int32_t> watch;                // [rows] of the last row of a sequence its row of `table`, else -1
  std::vector<SequenceId> sequences;              // of the rows of `table`

  /// The most slots that any of the first n rows sees.
  std::int64_t max_slots(std::int64_t n) const;
};

/// The cache must have reserved the slots.
BatchLayout lay_out(const Batch& batch, const KvCache& cache);

}  // namespace foreword::engine
