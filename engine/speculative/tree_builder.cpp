#include "engine/speculative/tree_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <queue>

namespace foreword::engine {
namespace {

constexpr std::size_t kMostGuesses = 64;
constexpr int kBranches = Children::kMost;  // children of a node that are ranked
constexpr int kDrawnBranches = 4;  // children of a node that are drawn

void normalise(std::vector<Guess>& guesses) {
  double total = 0;
  for (const Guess& guess : guesses) total += static_cast<double>(guess.p);
  for (Guess& guess : guesses) guess.p = static_cast<float>(static_cast<double>(guess.p) / total);
}

constexpr auto kLikelier = [](const Guess& a, const Guess& b) { return a.p != b.p ? a.p > b.p : a.token < b.token; };

/// The n best by log p + noise (modes with noise), or by p.
Children ranked(const std::vector<Guess>& guesses, int n, std::int64_t index, const DraftRules& rules,
                          std::uint8_t drafter, const Calibration& calibration) {
  const bool shared_noise = rules.mode == VerifyMode::gumbel && rules.noisy();
  struct Scored {
    double score;
    Guess guess;
    bool operator<(const Scored& other) const { return score != other.score ? score > other.score : guess.token < other.guess.token; }
  };
  std::array<Scored, Children::kMost + 1> scored;  // the best, and the one behind them
  const std::size_t most = static_cast<std::size_t>(n) + 1;
  std::size_t kept = 0;
  for (const Guess& guess : guesses) {
    Scored one{std::log(static_cast<double>(guess.p)), guess};
    if (shared_noise) one.score += gumbel_noise(rules.seed, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(guess.token));
    if (kept == most && !(one < scored[kept - 1])) continue;
    kept = std::min(kept + 1, most);
    std::size_t at = kept - 1;
    for (; at > 0 && one < scored[at - 1]; --at) scored[at] = scored[at - 1];
    scored[at] = one;
  }
  Children children;
  for (std::size_t rank = 0; rank < kept && rank < static_cast<std::size_t>(n); ++rank) {
    double margin = std::numeric_limits<double>::infinity();
    if (rank > 0 || kept > 1) margin = scored[0].score - scored[std::max<std::size_t>(rank, 1)].score;
    const bool by_margin = shared_noise || !rules.noisy();
    const std::uint8_t cell = by_margin ? margin_cell(static_cast<int>(rank), margin, rules.noisy())
                                        : chance_cell(static_cast<double>(scored[rank].guess.p));
    children.add({scored[rank].guess.token, calibration.chance(drafter, cell), cell});
  }
  return children;
}

/// n draws; guesses are the whole distribution, likeliest first.
Children drawn(DraftTree& tree, std::int32_t node, const std::vector<Guess>& guesses, int n, const DraftRules& rules,
                         std::uint8_t drafter, const Calibration& calibration) {
  const Draw kind = draw_for(rules.mode);
  NodeDraws draws;
  for (const Guess& guess : guesses) {
    draws.q.token.push_back(guess.token);
    draws.q.p.push_back(guess.p);
  }
  std::vector<Guess> rest = guesses;
  Children children;
  double untaken = 1;  // expected share of texts in which all earlier draws were refused
  for (int i = 0; i < n && !rest.empty(); ++i) {
    double total = 0;
    for (const Guess& guess : rest) total += static_cast<double>(guess.p);
    std::size_t chosen = 0;
    if (kind != Draw::top_then_sample || i + 1 == n || rest.size() == 1) {
      const auto counter = static_cast<std::uint32_t>(node * kBranches + i);
      double u = total * philox_uniform(rules.seed, static_cast<std::uint32_t>(rules.index), counter, kDraftStream);
      while (chosen + 1 < rest.size() && (u -= static_cast<double>(rest[chosen].p)) >= 0) ++chosen;
    }
    const Guess guess = rest[chosen];
    const double chance = untaken * static_cast<double>(guess.p) / total;
    untaken -= chance;
    draws.order.push_back(guess.token);
    if (kind != Draw::iid) rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(chosen));
    if (std::find_if(children.begin(), children.end(), [&](const Child& one) { return one.token == guess.token; }) != children.end()) continue;
    const std::uint8_t cell = chance_cell(chance);
    children.add({guess.token, calibration.chance(drafter, cell), cell});
  }
  tree.draw[static_cast<std::size_t>(node)] = kind;
  tree.draws[static_cast<std::size_t>(node)] = std::move(draws);
  return children;
}

}  // namespace

void temper(std::vector<Guess>& guesses, float temperature) {
  if (temperature <= 0 || temperature == 1.0F) return;
  for (Guess& guess : guesses) guess.p = std::max(std::pow(guess.p, 1 / temperature), std::numeric_limits<float>::min());
}

Children choose_children(DraftTree& tree, std::int32_t node, std::vector<Guess>& guesses, int n,
                                   const DraftRules& rules, std::uint8_t drafter, const Calibration& calibration) {
  if (guesses.empty()) return {};
  if (!is_rejection(rules.mode)) {
    normalise(guesses);
    return ranked(guesses, n, rules.index + tree.depth[static_cast<std::size_t>(node)], rules, drafter, calibration);
  }
  std::ranges::sort(guesses, kLikelier);
  if (guesses.size() > kMostGuesses) guesses.resize(kMostGuesses);
  normalise(guesses);
  return drawn(tree, node, guesses, std::min(n, kDrawnBranches), rules, drafter, calibration);
}

std::int32_t add_child(DraftTree& tree, std::int32_t node, const Child& child, const DraftRules& rules, std::uint8_t drafter) {
  return tree.add(node, child.token, child.chance, draw_for(rules.mode), {.drafter = drafter, .cell = child.cell});
}

void grow(DraftTree& tree, const GuessSource& source, const DraftRules& rules, std::uint8_t drafter,
          const Calibration& calibration) {
  struct Slot {
    float reach;
    std::int32_t order;  // of equals the one that was found first
    std::int32_t node;
    Child child;
    bool operator<(const Slot& other) const { return reach != other.reach ? reach < other.reach : order > other.order; }
  };
  std::priority_queue<Slot> slots;
  std::vector<Guess> guesses;
  std::int32_t found = 0;
  const auto look_below = [&](std::int32_t node, float reach) {
    guesses.clear();
    source(tree, node, guesses);
    for (const Child& child : choose_children(tree, node, guesses, kBranches, rules, drafter, calibration)) {
      if (reach * child.chance >= rules.min_reach) slots.push({reach * child.chance, found++, node, child});
    }
  };

  if (rules.max_nodes <= 0 || rules.max_depth <= 0) return;
  look_below(0, 1);
  for (int added = 0; added < rules.max_nodes && !slots.empty(); ++added) {
    const Slot slot = slots.top();
    slots.pop();
    const std::int32_t child = add_child(tree, slot.node, slot.child, rules, drafter);
    if (added + 1 < rules.max_nodes && slot.reach > rules.level.row / 2 && tree.depth[static_cast<std::size_t>(child)] < rules.max_depth) look_below(child, slot.reach);
  }
}

}  // namespace foreword::engine
