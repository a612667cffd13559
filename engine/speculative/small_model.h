#pragma once
// A second, smaller model of the same vocabulary drafts: its tree grows level by level, one pass of the draft model for all
// nodes of a level. In the mode without replacement the levels are a stochastic beam (RSD-S; Jeon et al. 2024; Kool et al.
// 2019): whole paths are drawn without replacement.

#include <functional>
#include <span>
#include <vector>

#include "engine/speculative/drafter.h"

namespace foreword::engine {

/// What the drafter needs of the model. It has a KV cache of its own, in which it keeps the text that it follows; the rows of
/// a tree are forgotten when the text goes on.
class DraftModel {
 public:
  using Sink = std::function<void(std::int32_t node, const LogitRow& logits)>;

  virtual ~DraftModel() = default;
  /// The text is now this; its first `kept` tokens are those of the last call. Its last token is the root of the next tree.
  virtual void follow(std::span<const std::int32_t> text, std::size_t kept) = 0;
  /// Tokens that it has not read yet, of those before the root, and reading some of them.
  virtual std::int64_t backlog() const { return 0; }
  virtual void catch_up() {}
  /// The logits after these nodes, which are one level of the tree: their parents were asked for in the calls before. Every
  /// node's, in this order; false if the model cannot go on, and then nothing is drafted below.
  virtual bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) = 0;
  virtual std::int64_t bytes() const = 0;
};

class SmallModel : public Drafter {
 public:
  /// `model` must outlive the drafter.
  explicit SmallModel(DraftModel& model) : model_(&model) {}

  void follow(std::span<const std::int32_t> text, std::size_t kept) override { model_->follow(text, kept); }
  std::int64_t backlog() const override { return model_->backlog(); }
  void catch_up() override { model_->catch_up(); }
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override;
  std::int64_t bytes() const override { return model_->bytes(); }

 private:
  void grow_levels(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree);
  void grow_beam(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree);

  void guess(const LogitRow& logits, const DraftRules& rules);
  LogitWish wish(const DraftRules& rules) const;

  DraftModel* model_;
  Sampler sampler_{SamplingParams{}};
  LargeLogits large_;
  std::vector<double> p_;
  std::vector<Guess> guesses_;  // of the row in hand
};

/// One element of a stochastic beam.
struct BeamPath {
  std::int32_t node;
  double log_q;  // of the path
  double key;    // perturbed: paths in falling order of it are draws without replacement
};
/// The keys of a path's continuations, given the path's own. log_q: of each token after the path; noise: Gumbel, one each.
std::vector<double> perturbed_keys(const BeamPath& path, std::span<const double> log_q, std::span<const double> noise);

}  // namespace foreword::engine
