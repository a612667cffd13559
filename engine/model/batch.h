#pragma once
// Rows of tokens for one pass: what everybody who reads or writes text adds to.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/kv/kv_cache.h"
#include "engine/sampling/logit_row.h"

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
  /// The other's rows behind these.
  void append(const Batch& other);
  void clear();
};

/// Called for each row whose logits are wanted, in row order: index of the row in the batch, its vocab_size logits (valid
/// only during the call).
using LogitSink = std::function<void(std::int64_t row, const LogitRow& logits)>;

}  // namespace foreword::engine
