#pragma once
// Drafts that begin with different first words and go on greedily, a row of the batch each. What a row becomes behind its first
// word does not depend on the others. First words are searched for: rows begin with different tokens, and where one of them could
// well become another word, that is a row too. Beside the greedy draft stay those from which most is expected: the chance of the
// first word times the characters that taking it saves.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/autocomplete/draft_producer.h"
#include "engine/sampling/log_sum.h"

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
  void release(Row& row);
  /// Whether the first words are still being compared.
  bool choosing() const { return !chosen_; }

  std::vector<Row> rows_;
  std::vector<float> masked_, aside_;  // logits without what may not be chosen
  Said said_, said_aside_;             // what they were mixed with

 private:
  /// A row that says another word than the one it comes from.
  struct Turn {
    SequenceId from;
    GrowingDraft draft;
  };
  std::size_t n_others() const { return static_cast<std::size_t>(ground_.limits.count - 1); }
  /// The row goes on with the likeliest token, or ends. ends: log of the chance that its word is whole.
  void choose(Row& row, std::span<const float> chances, const LogSum& sum, float ends);
  float look_aside(const Row& row, std::span<const float> chances, const LogSum& sum, const Said& said, TokenId taken);
  void take_turns();
  void narrow();
  void drop_losers();
  double worth(const Row& row) const;
  std::string word_of(const Row& row) const;

  std::vector<Turn> turns_;  // of this step
  std::int32_t next_id_ = 0;
  bool chosen_ = false;
};

}  // namespace foreword::engine
