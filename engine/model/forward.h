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
#include "engine/model/batch.h"
#include "engine/model/model.h"
#include "gpu/backend.h"

namespace foreword::engine {

/// Rows of one sequence that go through the layers in several passes, riding with the rows of others, which share each weight
/// that is read, or alone. Between two of its passes its sequence stays as it is: nothing else is committed or reserved there
/// nor cut off (KvCache::revision()); its pages may move.
struct Passenger {
  Batch batch;                        // no mixtures
  std::int64_t next_layer = 0;        // those before it are done
  std::int64_t revision = 0;          // of its sequence
  std::vector<float> attention = {};  // of its last row, by block, in the head and layer that gave most so far
};

/// What a pass may do otherwise than all of the model in one go.
struct PassOptions {
  std::function<bool()> go_on = {};            // asked between layers; false gives the pass up before any logits come
  std::span<const std::uint8_t> skipped = {};  // [n_layers], 1: the layer does nothing; empty: none
  /// Rides through the layers from its next one on. One at a time: its stream is kept for it until the next that begins.
  Passenger* passenger = nullptr;
  /// Asked before each layer that the passenger would go through, when all before it are computed; false: it gets off until a
  /// later pass. Empty: it rides to the end.
  std::function<bool(std::int64_t layer)> rides = {};
};

class Forward {
 public:
  /// Working memory for passes of at most max_rows rows. model, cache and backend must outlive it.
  static Result<Forward> create(gpu::Backend& backend, const Model& model, KvCache& cache, std::int64_t max_rows);
  Forward(Forward&&) noexcept;
  Forward& operator=(Forward&&) noexcept;
  ~Forward();

  /// Runs the batch. Row i of a sequence takes slot length + (its number among the sequence's rows); the slots are
  /// written but not committed: the caller commits what it accepts. A passenger that has gone through all layers then
  /// gives its logits, too, as rows behind the batch's, which may be empty where there is a passenger. Errors:
  /// `invalid_argument` for a token outside the vocabulary, `out_of_memory` for a full cache, `cancelled` where it was
  /// given up, and the device's. After `cancelled` the passenger keeps the layers that it got through.
  Result<void> run(const Batch& batch, const LogitSink& sink, const PassOptions& options = {});

  /// A passenger of these rows, whose slots follow what their sequence holds now.
  Passenger passenger(Batch rows) const;
  /// Whether the passenger's sequence is as it was then. If not, nothing can come of it any more.
  bool can_go_on(const Passenger& passenger) const;

  std::int64_t max_rows() const;
  std::int64_t n_layers() const;

 private:
  struct Impl;
  explicit Forward(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreword::engine
