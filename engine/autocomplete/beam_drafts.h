#pragma once
// Drafts that begin with different first words, as batched ones, and are then searched for with a few beams each: a group of
// diverse beam search a draft. While its beams differ, a draft tells the words that they have in common.

#include "engine/autocomplete/batched_drafts.h"
#include "engine/autocomplete/diverse_beam.h"

namespace foreword::engine {

struct BeamShape {
  std::size_t width = 2;  // beams a draft
  double lambda = 0.5;    // nats
};

class BeamDrafts final : public BatchedDrafts {
 public:
  BeamDrafts(DraftGround& ground, KvCache& cache, const BeamShape& shape = {}) : BatchedDrafts(ground, cache), shape_(shape) {}

  Result<void> branch(SequenceId prefix, std::span<const float> logits) override;
  void take(std::int64_t batch_row, std::span<const float> logits) override;
  Result<void> end_step() override;
  std::vector<Draft> drafts() const override;
  /// First words are known, and the drafts are those of their groups.
  bool searching() const { return !choosing(); }

 private:
  /// What a row of the last step may go on with.
  struct Offer {
    std::size_t row;
    std::vector<BeamCandidate> candidates;  // scores of single tokens
  };
  void begin_search();
  void search();
  void settle_group(std::int32_t id);
  double searched(const Row& row) const;

  BeamShape shape_;
  std::vector<std::int32_t> order_;  // of the groups: ids of drafts by rank
  std::vector<Offer> offers_;
};

}  // namespace foreword::engine
