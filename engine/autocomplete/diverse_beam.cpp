#include "engine/autocomplete/diverse_beam.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace foreword::engine {

std::vector<std::vector<BeamCandidate>> diverse_step(std::span<const std::vector<BeamCandidate>> groups, std::size_t width, double lambda) {
  std::map<TokenId, int> taken;
  std::vector<std::vector<BeamCandidate>> result;
  for (std::vector<BeamCandidate> group : groups) {
    for (BeamCandidate& each : group) {
      if (const auto before = taken.find(each.token); before != taken.end()) each.score -= lambda * before->second;
    }
    const auto n = static_cast<std::ptrdiff_t>(std::min(width, group.size()));
    std::ranges::partial_sort(group, group.begin() + n, [](const BeamCandidate& a, const BeamCandidate& b) {
      return std::tuple(-a.score, a.parent, a.token) < std::tuple(-b.score, b.parent, b.token);
    });
    group.resize(static_cast<std::size_t>(n));
    for (const BeamCandidate& each : group) ++taken[each.token];
    result.push_back(std::move(group));
  }
  return result;
}

}  // namespace foreword::engine
