#pragma once
// Remembers for every token what the target last thought would follow it, also in rows that were drafted in vain (Token
// Recycling; Luo et al. 2025), and grows trees from these lists.

#include <vector>

#include "engine/speculative/drafter.h"

namespace foreword::engine {

class Recycling : public Drafter {
 public:
  explicit Recycling(std::int32_t vocabulary);

  void follow(std::span<const std::int32_t> text, std::size_t kept) override;
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override;
  /// A token that occurs in several rows of a pass: the row that was walked counts, else the first.
  void observe(std::int32_t token, bool walked, std::span<const Candidate> best) override;
  std::int64_t bytes() const override;

 private:
  std::vector<std::int32_t> next_;    // [vocabulary, kBestOfRow], -1: none
  std::vector<std::uint8_t> chance_;  // [vocabulary, kBestOfRow], p = 2^(-chance / 16) of the best one's
  std::vector<std::int32_t> seen_;    // tokens of this pass
};

}  // namespace foreword::engine
