#include "engine/speculative/recycling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace foreword::engine {

Recycling::Recycling(std::int32_t vocabulary)
    : next_(static_cast<std::size_t>(vocabulary) * kBestOfRow, -1), chance_(static_cast<std::size_t>(vocabulary) * kBestOfRow) {}

void Recycling::follow(std::span<const std::int32_t>, std::size_t) { seen_.clear(); }

void Recycling::observe(std::int32_t token, bool walked, std::span<const Candidate> best) {
  const std::size_t row = static_cast<std::size_t>(token) * kBestOfRow;
  if (token < 0 || row >= next_.size() || (!walked && std::ranges::find(seen_, token) != seen_.end())) return;
  seen_.push_back(token);
  const std::size_t n = std::min<std::size_t>(best.size(), kBestOfRow);
  for (std::size_t i = 0; i < n; ++i) {
    next_[row + i] = best[i].token;
    const float bits = best[i].logit < best.front().logit ? (best.front().logit - best[i].logit) * std::numbers::log2e_v<float> : 0;
    chance_[row + i] = static_cast<std::uint8_t>(std::min(16 * bits + .5F, 255.0F));
  }
  std::fill(next_.begin() + static_cast<std::ptrdiff_t>(row + n), next_.begin() + static_cast<std::ptrdiff_t>(row + kBestOfRow), -1);
}

void Recycling::propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  const GuessSource remembered = [&](const DraftTree& grown, std::int32_t node, std::vector<Guess>& guesses) {
    const std::size_t row = static_cast<std::size_t>(grown.token[static_cast<std::size_t>(node)]) * kBestOfRow;
    for (std::size_t i = row; i < row + kBestOfRow && i < next_.size() && next_[i] >= 0; ++i) {
      guesses.push_back({next_[i], std::exp2(-static_cast<float>(chance_[i]) / 16)});
    }
    temper(guesses, rules.temperature);
  };
  grow(tree, remembered, rules, self, calibration);
}

std::int64_t Recycling::bytes() const {
  return static_cast<std::int64_t>(next_.capacity() * sizeof(next_[0]) + chance_.capacity() + seen_.capacity() * sizeof(seen_[0]));
}

}  // namespace foreword::engine
