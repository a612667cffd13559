#pragma once
// What the rule that the answer is held to leaves hardly any choice about: names and signs of a form. One path, as the rule spells it.

#include "engine/speculative/drafter.h"

namespace foreword::engine {

class Foreseen : public Drafter {
 public:
  void follow(std::span<const std::int32_t>, std::size_t) override {}
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override;
  std::int64_t bytes() const override { return 0; }
};

}  // namespace foreword::engine
