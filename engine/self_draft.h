#pragma once
// The model drafts for itself with some of its layers left out (Zhang et al. 2023). It reads the text's own pages of the KV cache;
// what its rows write lies behind them and is written over by the pass that verifies. Engine desk only.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/speculative/small_model.h"

namespace foreword::engine {

class SelfDraft final : public DraftModel {
 public:
  /// target must outlive it. What to leave out is what the model's book says; else it is chosen, as long as in_time says yes, and
  /// told to the book: first evenly spread masks that keep first and last (Liu et al. 2024), then the best of them with a layer less
  /// or another one. in_time is asked after every few tokens. `cancelled`: go_on, asked between layers, said no.
  static Result<std::unique_ptr<SelfDraft>> open(LoadedModel& target, const std::function<bool()>& in_time, const std::function<bool()>& go_on = {});

  /// The sequence that holds the text which is followed, all but its last token.
  void use(SequenceId sequence) { sequence_ = sequence; }
  /// By layer: 1 is left out.
  const std::vector<std::uint8_t>& skipped() const { return skipped_; }

  void follow(std::span<const std::int32_t> text, std::size_t kept) override;
  bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) override;
  std::int64_t bytes() const override { return 0; }

 private:
  explicit SelfDraft(LoadedModel& target) : target_(target), skipped_(static_cast<std::size_t>(target.model().config.n_layers), 0) {}
  Result<void> choose(const std::function<bool()>& in_time, const std::function<bool()>& go_on);

  LoadedModel& target_;
  std::vector<std::uint8_t> skipped_;
  SequenceId sequence_ = -1;
  std::int64_t length_ = 0;  // of the text
};

/// Tokens a second, in those of plain decoding, of chains of the best depth: share: of a pass that a drafted token costs; accepted: the
/// chance of a drafted token.
double self_draft_gain(double accepted, double share);

}  // namespace foreword::engine
