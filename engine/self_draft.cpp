#include "engine/self_draft.h"

#include <algorithm>
#include <chrono>

#include "engine/second_model.h"
#include "engine/self_test.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;
using Mask = std::vector<std::uint8_t>;

constexpr std::int64_t kChain = 4;       // tokens drafted in a row while a mask is tried
constexpr std::int64_t kMostTokens = 256;
constexpr double kRowShare = .05;        // what another row adds to a pass, of its time

struct Trial {
  double accepted = 0, seconds = 0;  // share of the tokens; of a drafted one, of a plain pass
  double gain() const { return self_draft_gain(accepted, seconds); }
};

/// Reads the text with all layers, in chains, and before each chain once with the mask: how often they agree on the next token.
class Examiner {
 public:
  Examiner(LoadedModel& model, std::vector<TokenId> text, const std::function<bool()>& in_time, const std::function<bool()>& go_on)
      : model_(model), text_(std::move(text)), in_time_(in_time), go_on_(go_on) {}

  /// By as much of the text as there is time for, a chain at least.
  Result<Trial> examine(const Mask& mask) {
    const SequenceId sequence = model_.cache().add_sequence();
    const auto trial = examine(mask, sequence);
    model_.cache().remove_sequence(sequence);
    return trial;
  }

 private:
  Result<Trial> examine(const Mask& mask, SequenceId sequence) {
    double with_mask = 0, whole = 0;
    std::int64_t n_equal = 0, n = 0;
    for (std::size_t at = 0; at + kChain <= text_.size() && (n == 0 || in_time_()); at += kChain) {
      Batch batch;
      for (std::int64_t i = 0; i < kChain; ++i) batch.add(text_[at + static_cast<std::size_t>(i)], sequence, static_cast<std::int32_t>(i - 1), true);
      std::vector<std::ptrdiff_t> guessed, meant;
      const auto best_into = [](std::vector<std::ptrdiff_t>& to) {
        return [&to](std::int64_t, std::span<const float> row) { to.push_back(std::ranges::max_element(row) - row.begin()); };
      };
      const auto begin = Clock::now();
      FW_TRY(model_.forward().run(batch, best_into(guessed), {.go_on = go_on_, .skipped = mask}));
      const auto middle = Clock::now();
      FW_TRY(model_.forward().run(batch, best_into(meant), {.go_on = go_on_}));
      whole += std::chrono::duration<double>(Clock::now() - middle).count();
      with_mask += std::chrono::duration<double>(middle - begin).count();
      FW_TRY(model_.cache().commit(sequence, kChain));
      for (std::size_t i = 0; i < meant.size(); ++i) n_equal += guessed[i] == meant[i] ? 1 : 0;
      n += kChain;
    }
    if (n == 0) return Trial{};
    return Trial{static_cast<double>(n_equal) / static_cast<double>(n), with_mask / whole};
  }

  LoadedModel& model_;
  std::vector<TokenId> text_;
  const std::function<bool()>& in_time_;
  const std::function<bool()>& go_on_;
};

/// Keeps first and last and, evenly spread, so many in all.
Mask spread(std::size_t n_layers, std::size_t kept) {
  Mask mask(n_layers, 1);
  for (std::size_t i = 0; i < kept; ++i) mask[kept == 1 ? 0 : i * (n_layers - 1) / (kept - 1)] = 0;
  return mask;
}

}  // namespace

double self_draft_gain(double accepted, double share) {
  double best = 1, tokens = 1, power = 1;
  for (int depth = 1; depth <= 8; ++depth) {
    power *= accepted;
    tokens += power;
    best = std::max(best, tokens / (depth * share + 1 + kRowShare * depth));
  }
  return best;
}

Result<std::unique_ptr<SelfDraft>> SelfDraft::open(LoadedModel& target, const std::function<bool()>& in_time, const std::function<bool()>& go_on) {
  auto draft = std::unique_ptr<SelfDraft>(new SelfDraft(target));
  if (std::vector<std::uint8_t> known = target.known_skipped(); !known.empty()) {
    draft->skipped_ = std::move(known);
    return draft;
  }
  FW_TRY(draft->choose(in_time, go_on));
  target.keep_skipped(draft->skipped_);
  return draft;
}

Result<void> SelfDraft::choose(const std::function<bool()>& in_time, const std::function<bool()>& go_on) {
  std::vector<TokenId> text = target_.tokenizer()->encode(self_test_text(), {});
  text.resize(std::min({text.size(), static_cast<std::size_t>(kMostTokens), static_cast<std::size_t>(target_.model().context / 2)}));
  Examiner examiner(target_, std::move(text), in_time, go_on);
  const std::size_t n_layers = skipped_.size();
  skipped_ = spread(n_layers, std::max<std::size_t>(1, n_layers / 2));
  double best = 0;
  const auto attempt = [&](const Mask& mask) -> Result<bool> {
    FW_ASSIGN(const Trial trial, examiner.examine(mask));
    const double value = trial.gain() + 1e-3 * trial.accepted;  // where none pays, the one that is right most often
    if (value <= best) return false;
    best = value;
    skipped_ = mask;
    return true;
  };
  for (const std::size_t kept : {n_layers / 2, n_layers * 2 / 3, n_layers / 3, n_layers * 5 / 6}) {
    if (kept < 1 || !in_time()) continue;
    FW_TRY(attempt(spread(n_layers, kept)));
  }
  for (bool better = true; better && in_time();) {
    better = false;
    const Mask from = skipped_;
    for (std::size_t layer = 0; layer < n_layers && in_time(); ++layer) {
      Mask other = from;
      other[layer] ^= 1;
      if (std::ranges::count(other, 0) == 0 || std::ranges::count(other, 1) == 0) continue;
      FW_ASSIGN(const bool wins, attempt(other));
      better |= wins;
    }
  }
  return {};
}

void SelfDraft::follow(std::span<const std::int32_t> text, std::size_t) { length_ = std::ssize(text); }

bool SelfDraft::score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) {
  if (sequence_ < 0 || target_.cache().length(sequence_) + 1 != length_) return false;
  const std::int64_t most = std::min(target_.forward().max_rows(), target_.model().context - length_ + 1);
  const auto level = LevelRows::of(tree, nodes, sequence_, most, wish, {});
  if (!level) return false;
  const auto n_vocab = static_cast<std::size_t>(target_.tokenizer()->size());
  return target_.forward()
      .run(level->batch, [&](std::int64_t row, const LogitRow& logits) { sink(level->node_of[static_cast<std::size_t>(row)], logits.first(n_vocab)); },
           {.skipped = skipped_})
      .has_value();
}

}  // namespace foreword::engine
