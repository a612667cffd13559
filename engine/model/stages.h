#pragma once
// The stages of a pass on the device: tokens become a stream, layers change it, the head reads it. Holds the memory that a
// stage needs for itself and no pass from one to the next. Records; only head() submits.

#include <optional>
#include <span>
#include <vector>

#include "engine/model/layer_inputs.h"
#include "engine/model/logit_reader.h"

namespace foreword::engine {

class Stages {
 public:
  /// For at most max_rows rows at once. All must outlive the stages.
  Stages(gpu::Backend& backend, const Model& model, const KvCache& cache, std::int64_t max_rows)
      : backend_(backend), model_(model), cache_(cache), max_rows_(max_rows) {}
  Result<void> allocate();

  // stream [rows, hidden_size], here and below: one row for each of the batch.
  void embed(const LayerInputs& inputs, std::span<const Batch::Mix> mixes, const gpu::Tensor& stream);
  void layer(std::int64_t il, const LayerInputs& inputs, const gpu::Tensor& stream);
  struct Wanted {
    std::int32_t row;  // of the stream
    LogitWish wish;
  };
  /// Output norm, head and final scaling for these rows, a few at a time.
  Result<void> head(const gpu::Tensor& stream, std::span<const Wanted> wanted, const LogitSink& sink);

 private:
  Result<void> hand_out_states(const gpu::Tensor& states, const std::function<void(std::int64_t row, const LogitRow&)>& sink);
  void norm(const Norm& norm, const gpu::Tensor& in, std::int64_t group, const gpu::Tensor& out);
  void linear(const Linear& linear, const gpu::Tensor& in, const gpu::Tensor& out);
  void attention(std::int64_t il, const gpu::Tensor& in, const LayerInputs& inputs, const gpu::Tensor& out);
  void feed_forward(const Layer& layer, const gpu::Tensor& in, const gpu::Tensor& out);
  void mixture(const Layer& layer, const gpu::Tensor& in, const gpu::Tensor& out);
  void mix(const Batch::Mix& mix, const gpu::Tensor& row);

  gpu::Backend& backend_;
  const Model& model_;
  const KvCache& cache_;
  std::int64_t max_rows_;

  Scratch normed_, q_, k_, v_, heads_, branch_, gate_, up_, logits_, hidden_;
  Scratch router_, experts_, expert_weights_, expert_gate_, expert_up_, expert_out_, shared_gate_;
  Scratch mixed_, wanted_;
  std::optional<LogitReader> reader_;
};

}  // namespace foreword::engine
