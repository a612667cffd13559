#include "engine/speculative/foreseen.h"

#include "engine/sampling/token_rule.h"

namespace foreword::engine {
namespace {

/// That a token is spelled as foreseen: the text is forced, where it is cut into tokens is not.
constexpr double kSpelledSo = .9;

}  // namespace

void Foreseen::propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  std::vector<std::int32_t> tokens;
  rules.rule->foresee(tokens);
  const std::uint8_t cell = chance_cell(kSpelledSo);
  const float chance = calibration.chance(self, cell);
  std::int32_t node = 0;
  float reach = 1;
  for (std::size_t i = 0; i < tokens.size() && static_cast<int>(i) < rules.max_depth; ++i) {
    reach *= chance;
    if (reach < rules.min_reach) return;
    node = tree.add(node, tokens[i], chance, Draw::deterministic, {.drafter = self, .cell = cell});
  }
}

}  // namespace foreword::engine
