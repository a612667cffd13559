#include "engine/speculative/small_model.h"

#include <algorithm>
#include <cmath>

#include "engine/speculative/top_tokens.h"

namespace foreword::engine {
namespace {

constexpr std::int32_t kMostGuesses = 16;  // more make hardly a difference, and looking for them takes as long as a layer
constexpr int kLevelBranches = 8;
constexpr int kWidestBeam = 8;
constexpr float kWorthARow = .05F;  // reach of a node, on a usual machine

}  // namespace

std::vector<double> perturbed_keys(const BeamPath& path, std::span<const double> log_q, std::span<const double> noise) {
  std::vector<double> keys;
  double best = -INFINITY;
  for (std::size_t i = 0; i < log_q.size(); ++i) {
    keys.push_back(path.log_q + log_q[i] + noise[i]);
    best = std::max(best, keys.back());
  }
  // Shifted so that their maximum is the path's own key, without leaving the truncated Gumbel law.
  for (double& key : keys) {
    const double v = path.key - key + std::log1p(-std::exp(key - best));
    key = path.key - std::max(0.0, v) - std::log1p(std::exp(-std::abs(v)));
  }
  return keys;
}

LogitWish SmallModel::wish(const DraftRules& rules) const {
  return rules.noisy() && rules.sampling != nullptr ? sampler_.wish(0) : LogitWish::best(kBestOfRow);
}

/// What the draft model thinks comes next, through the steps that the target's logits will go through; without noise its likeliest.
void SmallModel::guess(const LogitRow& logits, const DraftRules& rules) {
  guesses_.clear();
  if (!rules.noisy() || rules.sampling == nullptr) return top_tokens(logits, kBestOfRow, large_, guesses_);
  std::span<const Candidate> left = sampler_.distribution(logits, {}, {});
  sampler_.probabilities(left, p_);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (p_[i] > 1e-30) guesses_.push_back({left[i].token, static_cast<float>(p_[i])});
  }
}

void SmallModel::propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  if (rules.max_nodes <= 0) return;
  if (rules.sampling != nullptr) {
    SamplingParams few = *rules.sampling;
    few.top_k = few.top_k > 0 ? std::min(few.top_k, kMostGuesses) : kMostGuesses;
    sampler_.use(few);
  }
  if (rules.mode == VerifyMode::reject_without_replacement) {
    grow_beam(rules, self, calibration, tree);
  } else {
    grow_levels(rules, self, calibration, tree);
  }
}

void SmallModel::grow_levels(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  struct Slot {
    float reach;
    std::int32_t node;
    Child child;
  };
  std::vector<std::int32_t> level{0};
  std::vector<float> reach_of{1};  // of the level's nodes
  std::vector<float> reached;      // of all
  int left = rules.max_nodes;
  for (int depth = 0; depth < rules.max_depth && left > 0 && !level.empty(); ++depth) {
    float surplus = 0;
    for (const float reach : reach_of) surplus += rules.level.surplus(reach);
    // Told a number, it goes on until so many are worth a row; what is hardly reached only fills up.
    const bool has_enough = std::ranges::count_if(reached, [](float reach) { return reach >= kWorthARow; }) >= rules.least_nodes;
    if (depth > 0 && ((has_enough && surplus < rules.level.pass) || !rules.goes_on())) return;
    std::vector<Slot> slots;
    const bool scored = model_->score(tree, level, wish(rules), [&](std::int32_t node, const LogitRow& logits) {
      guess(logits, rules);
      const float reach = reach_of[static_cast<std::size_t>(std::ranges::find(level, node) - level.begin())];  // rows may come in another order
      for (const Child& child : choose_children(tree, node, guesses_, kLevelBranches, rules, self, calibration)) {
        if (reach * child.chance >= rules.min_reach) slots.push_back({reach * child.chance, node, child});
      }
    });
    if (!scored) return;
    std::ranges::stable_sort(slots, std::greater(), &Slot::reach);
    // Half of what is left goes to each level, so that the likeliest paths become deep.
    slots.resize(std::min(slots.size(), static_cast<std::size_t>(std::max(1, (left + 1) / 2))));
    level.clear();
    reach_of.clear();
    for (const Slot& slot : slots) {
      const std::int32_t child = add_child(tree, slot.node, slot.child, rules, self);
      reached.push_back(slot.reach);
      if (rules.level.surplus(slot.reach) <= 0 && (!level.empty() || rules.least_nodes == 0)) continue;
      level.push_back(child);
      reach_of.push_back(slot.reach);
    }
    left -= static_cast<int>(slots.size());
  }
}

void SmallModel::grow_beam(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  const int width = std::clamp(rules.max_nodes / 4, 1, kWidestBeam);
  std::vector<BeamPath> beam{{0, 0, 0}};
  int left = rules.max_nodes;
  for (int depth = 0; depth < rules.max_depth && left > 0 && !beam.empty(); ++depth) {
    struct Continuation {
      BeamPath path;  // node: of the parent
      std::int32_t token;
      double chance;  // of the token after the parent
    };
    std::vector<Continuation> all;
    if (depth > 0 && !rules.goes_on()) return;
    std::vector<std::int32_t> level;
    for (const BeamPath& path : beam) level.push_back(path.node);
    std::size_t asked = 0;
    const bool scored = model_->score(tree, level, wish(rules), [&](std::int32_t node, const LogitRow& logits) {
      const BeamPath& path = beam[asked++];
      guess(logits, rules);
      NodeDraws draws;
      std::vector<double> log_q, noise;
      double total = 0;
      for (const Guess& guess : guesses_) total += static_cast<double>(guess.p);
      for (const Guess& guess : guesses_) {
        draws.q.token.push_back(guess.token);
        draws.q.p.push_back(static_cast<float>(static_cast<double>(guess.p) / total));
        log_q.push_back(std::log(static_cast<double>(draws.q.p.back())));
        noise.push_back(gumbel_noise(rules.seed, static_cast<std::uint32_t>(rules.index), static_cast<std::uint32_t>(guess.token),
                                     kDraftStream + 1 + static_cast<std::uint32_t>(node)));
      }
      const std::vector<double> keys = perturbed_keys(path, log_q, noise);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        all.push_back({{node, path.log_q + log_q[i], keys[i]}, draws.q.token[i], std::exp(log_q[i])});
      }
      tree.draws[static_cast<std::size_t>(node)] = std::move(draws);
    });
    if (!scored) return;
    std::ranges::sort(all, [](const Continuation& a, const Continuation& b) {
      return a.path.key != b.path.key ? a.path.key > b.path.key : a.token < b.token;
    });
    all.resize(std::min(all.size(), static_cast<std::size_t>(std::min(width, left))));
    beam.clear();
    for (const Continuation& next : all) {
      tree.draws[static_cast<std::size_t>(next.path.node)].order.push_back(next.token);
      const std::uint8_t cell = chance_cell(next.chance);
      const std::int32_t child = add_child(tree, next.path.node, {next.token, calibration.chance(self, cell), cell}, rules, self);
      beam.push_back({child, next.path.log_q, next.path.key});
    }
    left -= static_cast<int>(all.size());
  }
}

}  // namespace foreword::engine
