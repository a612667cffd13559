#include "engine/speculative/foreseen.h"

#include "engine/base/check.h"
#include "engine/sampling/token_rule.h"

namespace foreword::engine {
namespace {

/// That a token is chosen as foreseen. The last one may go on beyond what is forced.
constexpr double kSure = .99, kLast = .8;

}  // namespace

void Foreseen::propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  check(rules.rule != nullptr, "only a text that is held to a rule can be foreseen");
  std::vector<std::int32_t> tokens;
  rules.rule->foresee(tokens);
  std::int32_t node = 0;
  float reach = 1;
  for (std::size_t i = 0; i < tokens.size() && static_cast<int>(i) < rules.max_depth; ++i) {
    const std::uint8_t cell = chance_cell(i + 1 < tokens.size() ? kSure : kLast);
    const float chance = calibration.chance(self, cell);
    reach *= chance;
    if (reach < rules.min_reach) return;
    node = tree.add(node, tokens[i], chance, Draw::deterministic, {.drafter = self, .cell = cell});
  }
}

}  // namespace foreword::engine
