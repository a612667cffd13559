#pragma once
// One forward pass for everything: prefill is a chain of rows, decode is one row, a draft is a tree, suggestions are a
// bush. Rows attend to their sequence's cached tokens and to their ancestors in the batch.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/model.h"
#include "engine/sampling/logit_row.h"
#include "gpu/backend.h"

namespace foreword::engine {

/// Rows in topological order, flat arrays.
struct Batch {
  std::vector<std::int32_t> token;         // vocabulary ids
  std::vector<std::int32_t> parent;        // row of the token before this one, or -1: it follows the cached tokens
  std::vector<SequenceId> sequence;        // a row has its parent's sequence
  std::vector<LogitWish> logits;           // what is wanted of each row's
  /// A row that reads a mixture of embeddings instead of its token's, which is the first of these.
  struct Mix {
    std::int32_t row = 0;
    std::vector<std::int32_t> tokens;
    std::vector<float> weights;  // of each
  };
  std::vector<Mix> mixes;

  std::int64_t size() const { return std::ssize(token); }
  /// Returns the row's index.
  std::int32_t add(std::int32_t token_id, SequenceId sequence_id, std::int32_t parent_row, LogitWish wish);
  void clear();
};

/// Called for each row whose logits are wanted, in row order: index of the row in the batch, its vocab_size logits (valid
/// only during the call).
using LogitSink = std::function<void(std::int64_t row, const LogitRow& logits)>;

/// What a pass may do otherwise than all of the model in one go.
struct PassOptions {
  std::function<bool()> go_on = {};            // asked between layers; false gives the pass up before any logits come
  std::span<const std::uint8_t> skipped = {};  // [n_layers], 1: the layer does nothing; empty: none
};

class Forward {
 public:
  /// Working memory for batches of at most max_rows rows. model, cache and backend must outlive it.
  static Result<Forward> create(gpu::Backend& backend, const Model& model, KvCache& cache, std::int64_t max_rows);
  Forward(Forward&&) noexcept;
  Forward& operator=(Forward&&) noexcept;
  ~Forward();

  /// Runs the batch. Row i of a sequence takes slot length + (its number among the sequence's rows); the slots are
  /// written but not committed: the caller commits what it accepts. Errors: `invalid_argument` for a token outside the
  /// vocabulary, `out_of_memory` for a full cache, `cancelled` where it was given up, and the device's.
  Result<void> run(const Batch& batch, const LogitSink& sink, const PassOptions& options = {});

  std::int64_t max_rows() const;

 private:
  struct Impl;
  explicit Forward(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreword::engine
