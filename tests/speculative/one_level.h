#pragma once
// One node, its children and a target: the pairs of distributions that rules of verification are tried on, and the ways to
// find children. Token id = index.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "engine/speculative/verify.h"

namespace foreword::engine {

using Chances = std::vector<double>;

inline Chances normalised(Chances p) {
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= total;
  return p;
}
inline Chances tempered(Chances p, double temperature) {
  for (double& x : p) x = std::pow(x, 1 / temperature);
  return normalised(p);
}

struct Pair {
  std::string name;
  Chances p, q;
};

inline std::vector<Pair> pairs() {
  const Chances p = normalised({.05083, .17351, .05331, .04624, .01729, .05442, .45351, .15089});
  const Chances near = normalised({.07507, .14760, .05023, .03762, .00385, .07076, .46197, .15290});
  const Chances hard = normalised({.01102, .01013, .03975, .07801, .26898, .15331, .37974, .05905});
  Chances cut = p, masked = p;
  Chances sorted = p;
  std::ranges::sort(sorted, std::greater());
  for (double& x : cut) x = x < sorted[3] ? 0 : x;
  for (const std::size_t i : {2U, 3U, 4U, 6U}) masked[i] = 0;
  return {{"near", p, near},
          {"near, T=.6", tempered(p, .6), tempered(near, .6)},
          {"flat, T=2", tempered(p, 2), tempered(near, 2)},
          {"hard", p, hard},
          {"p cut", normalised(cut), near},
          {"masked", normalised(masked), near}};
}

inline std::vector<float> logits_of(const Chances& p) {
  std::vector<float> logits;
  for (const double x : p) logits.push_back(static_cast<float>(std::log(x)));
  return logits;
}

inline SamplingParams no_steps(std::uint64_t seed) {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  params.seed = seed;
  return params;
}

inline SparseDistribution sparse(const Chances& q) {
  SparseDistribution sparse_q;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q[i] <= 0) continue;
    sparse_q.token.push_back(static_cast<std::int32_t>(i));
    sparse_q.p.push_back(static_cast<float>(q[i]));
  }
  return sparse_q;
}

/// A sample of q, which need not sum to 1.
inline std::int32_t sample(const Chances& q, double u) {
  u *= std::accumulate(q.begin(), q.end(), 0.0);
  std::size_t last = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q[i] <= 0) continue;
    last = i;
    if ((u -= q[i]) < 0) break;
  }
  return static_cast<std::int32_t>(last);
}

/// k tokens as `kind` says, with noise of (seed, index).
inline std::vector<std::int32_t> find_children(Draw kind, Chances q, int k, std::uint64_t seed, std::uint32_t index) {
  std::vector<std::int32_t> found;
  const auto by_key = [&](auto key, int n) {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < q.size(); ++i) {
      if (q[i] > 0) ids.push_back(static_cast<std::int32_t>(i));
    }
    std::ranges::sort(ids, std::greater(), key);
    ids.resize(std::min(ids.size(), static_cast<std::size_t>(n)));
    return ids;
  };
  const auto chance = [&](std::int32_t i) { return q[static_cast<std::size_t>(i)]; };
  const auto u = [&](int draw) { return philox_uniform(seed, index, static_cast<std::uint32_t>(draw), kDraftStream); };
  if (kind == Draw::deterministic) return by_key(chance, k);
  if (kind == Draw::gumbel) {
    return by_key([&](std::int32_t i) { return std::log(chance(i)) + gumbel_noise(seed, index, static_cast<std::uint32_t>(i)); }, k);
  }
  if (kind == Draw::top_then_sample) found = by_key(chance, k - 1);
  for (const std::int32_t token : found) q[static_cast<std::size_t>(token)] = 0;
  while (static_cast<int>(found.size()) < k) {
    if (std::accumulate(q.begin(), q.end(), 0.0) <= 0) break;
    found.push_back(sample(q, u(static_cast<int>(found.size()))));
    if (kind == Draw::without_replacement) q[static_cast<std::size_t>(found.back())] = 0;
  }
  return found;
}

inline DraftTree one_level(Draw kind, const std::vector<std::int32_t>& order, const SparseDistribution& q) {
  DraftTree tree(0);
  for (const std::int32_t token : order) tree.add(0, token, 0.5F, kind, {});
  if (kind != Draw::deterministic && kind != Draw::gumbel) tree.draws[0] = {order, q};
  return tree;
}

}  // namespace foreword::engine
