#pragma once
// Drafts that begin with different first words and go on greedily, a row of the batch each. What a row becomes does not depend
// on the others.

#include "engine/autocomplete/draft_producer.h"

namespace foreword::engine {

class BatchedDrafts : public DraftProducer {
 public:
  BatchedDrafts(DraftGround& ground, KvCache& cache) : DraftProducer(ground, cache) {}
  ~BatchedDrafts() override;

  Result<void> branch(SequenceId prefix, std::span<const float> logits) override;
  Result<void> add_rows(Batch& batch) override;
  void take(std::int64_t batch_row, std::span<const float> logits) override;
  Result<void> end_step() override;
  bool running() const override;
  std::vector<Draft> drafts() const override;
  void extend(std::int64_t max_tokens) override;
  void keep_only(std::span<const std::int32_t> ids) override;

 protected:
  struct Row : GrowingDraft {
    SequenceId sequence = -1;
    std::int64_t batch_row = -1;
    double penalty = 0;  // of beams: nats that the search has taken off
  };
  /// The row goes on with the likeliest token, or ends.
  void choose(Row& row, std::span<const float> logits);
  void release(Row& row);
  /// Whether the first words are still being compared.
  bool choosing() const { return !chosen_; }

  std::vector<Row> rows_;
  std::vector<float> masked_;  // logits without what may not be chosen

 private:
  void drop_losers();
  bool chosen_ = false;
};

}  // namespace foreword::engine
