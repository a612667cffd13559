#pragma once
// Approximate drafts: one row a step for all of them (superposition.h), and at the end one exact pass over what they say, so that
// their scores are the model's own. Nothing is told before that. They cannot be extended: their pages hold mixtures.

#include <memory>
#include <vector>

#include "engine/autocomplete/draft_producer.h"
#include "engine/autocomplete/superposition.h"

namespace foreword::engine {

/// What is longer goes wrong too often.
inline constexpr std::int64_t kMostSuperposedTokens = 8;

class SuperposedDrafts final : public DraftProducer {
 public:
  SuperposedDrafts(DraftGround& ground, KvCache& cache);
  ~SuperposedDrafts() override;

  Result<void> branch(SequenceId prefix, std::span<const float> logits) override;
  Result<void> add_rows(Batch& batch) override;
  void take(std::int64_t batch_row, std::span<const float> logits) override;
  Result<void> end_step() override;
  bool running() const override { return phase_ == Phase::mixing || phase_ == Phase::scoring; }
  std::vector<Draft> drafts() const override { return drafts_; }
  void extend(std::int64_t) override {}
  void keep_only(std::span<const std::int32_t> ids) override;

 private:
  enum class Phase : std::uint8_t { fresh, mixing, scoring, done };
  /// A token of the tree that all lines make together; the first tokens have no parent.
  struct Node {
    std::int32_t parent = -1;
    TokenId token = 0;
    std::string bytes;   // up to and with it
    float log_prob = 0;  // exact
    std::int64_t batch_row = -1;
  };
  Superposition::Verdict judge(std::span<const TokenId> ids, TokenId next) const;
  void mix(std::span<const float> logits);
  void begin_scoring();
  void score_children(std::int32_t parent, std::span<const float> logits);
  void finish();

  Superposition lines_;
  Phase phase_ = Phase::fresh;
  SequenceId prefix_ = -1, mixed_ = -1;
  std::int64_t n_tokens_ = 0;          // of the lines that go on
  std::int64_t batch_row_ = -1;        // of the mixture
  std::vector<float> first_logits_, masked_;
  std::vector<float> line_;            // logits of what may follow one of them
  std::vector<Superposition::Line> ranked_;
  std::vector<std::vector<std::int32_t>> paths_;  // of them through nodes_
  std::vector<Node> nodes_;
  std::vector<Draft> drafts_;
};

}  // namespace foreword::engine
