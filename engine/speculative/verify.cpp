#include "engine/speculative/verify.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

constexpr bool kLegal[5][kVerifyModes] = {
    // gumbel, match, reject_iid, reject_without_replacement, k_seq, greedy_then_sample
    {true, true, false, false, false, false},  // deterministic
    {true, true, false, false, false, false},  // gumbel
    {true, true, true, false, true, false},    // iid
    {true, true, false, true, false, false},   // without_replacement
    {true, true, false, false, false, true},   // top_then_sample
};
constexpr Draw kDrawFor[kVerifyModes] = {Draw::gumbel, Draw::deterministic, Draw::iid,
                                         Draw::without_replacement, Draw::iid, Draw::top_then_sample};

struct Share {
  std::int32_t token;
  double p;
};
/// By token id; sums to 1.
using Law = std::vector<Share>;

double chance_of(const Law& law, std::int32_t token) {
  const auto found = std::ranges::lower_bound(law, token, {}, &Share::token);
  return found != law.end() && found->token == token ? found->p : 0.0;
}

Law law_of(const SparseDistribution& q) {
  Law law;
  for (std::size_t i = 0; i < q.token.size(); ++i) law.push_back({q.token[i], static_cast<double>(q.p[i])});
  std::ranges::sort(law, {}, &Share::token);
  return law;
}

/// False, and nothing changed, if nothing is left.
bool normalise(Law& law) {
  double total = 0;
  for (const Share& share : law) total += share.p;
  if (!(total > 0)) return false;
  for (Share& share : law) share.p /= total;
  return true;
}

/// p becomes what is left of it when q's part is taken away; stays as it is if that is nothing but rounding.
void take_away(Law& p, const Law& q) {
  Law rest = p;
  for (Share& share : rest) share.p = std::max(share.p - chance_of(q, share.token), 0.0);
  if (normalise(rest)) p = std::move(rest);
}

void remove(Law& law, std::int32_t token) {
  std::erase_if(law, [&](const Share& share) { return share.token == token; });
  normalise(law);
}

/// The noise of one index: tries and the last choice.
struct Noise {
  std::uint64_t seed;
  std::uint32_t index;

  double of_try(std::size_t number) const { return philox_uniform(seed, index, static_cast<std::uint32_t>(number), kTryStream); }
  std::int32_t choose(const Law& law) const {
    std::int32_t chosen = -1;
    double best = -std::numeric_limits<double>::infinity();
    for (const Share& share : law) {
      if (share.p <= 0) continue;
      const double score = std::log(share.p) + gumbel_noise(seed, index, static_cast<std::uint32_t>(share.token));
      if (score > best) {
        best = score;
        chosen = share.token;
      }
    }
    return chosen;
  }
};

std::int32_t reject(Law& p, const NodeDraws& draws, Draw kind, const Noise& noise) {
  Law q = law_of(draws.q);
  for (std::size_t i = 0; i < draws.order.size(); ++i) {
    const std::int32_t token = draws.order[i];
    if (noise.of_try(i) * chance_of(q, token) < chance_of(p, token)) return token;
    take_away(p, q);
    if (kind == Draw::without_replacement) remove(q, token);
  }
  return noise.choose(p);
}

std::int32_t greedy_then_sample(Law& p, const NodeDraws& draws, Draw, const Noise& noise) {
  Law q = law_of(draws.q);
  const std::size_t last = draws.order.size() - 1;
  for (std::size_t i = 0; i < last; ++i) {
    const std::int32_t token = draws.order[i];
    if (noise.of_try(i) < chance_of(p, token)) return token;
    remove(p, token);
    remove(q, token);
  }
  const std::int32_t token = draws.order[last];
  if (noise.of_try(last) * chance_of(q, token) < chance_of(p, token)) return token;
  take_away(p, q);
  return noise.choose(p);
}

/// sum of min(q, p / rho)
double overlap(const Law& p, const Law& q, double rho) {
  double sum = 0;
  for (const Share& share : p) sum += std::min(chance_of(q, share.token), share.p / rho);
  return sum;
}

std::int32_t k_seq(Law& p, const NodeDraws& draws, Draw, const Noise& noise) {
  const Law q = law_of(draws.q);
  const double k = static_cast<double>(draws.order.size());
  double low = 1, rho = k;  // the root lies between; rho >= root keeps the rest below non-negative
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + rho) / 2;
    const double beta = overlap(p, q, middle);
    (1 - std::pow(1 - beta, k) > middle * beta ? low : rho) = middle;
  }
  for (std::size_t i = 0; i < draws.order.size(); ++i) {
    const std::int32_t token = draws.order[i];
    if (noise.of_try(i) * rho * chance_of(q, token) < chance_of(p, token)) return token;
  }
  const double beta = overlap(p, q, rho);
  const double given = beta > 0 ? (1 - std::pow(1 - beta, k)) / beta : 0;
  Law rest = p;
  for (Share& share : rest) share.p = std::max(share.p - std::min(chance_of(q, share.token), share.p / rho) * given, 0.0);
  if (!normalise(rest)) rest = p;
  return noise.choose(rest);
}

using Rule = std::int32_t (*)(Law& p, const NodeDraws&, Draw, const Noise&);
constexpr Rule kRules[kVerifyModes] = {nullptr, nullptr, reject, reject, k_seq, greedy_then_sample};

}  // namespace

bool legal(Draw draw, VerifyMode mode) { return kLegal[static_cast<int>(draw)][static_cast<int>(mode)]; }
Draw draw_for(VerifyMode mode) { return kDrawFor[static_cast<int>(mode)]; }

Walk::Walk(const DraftTree& tree, VerifyMode mode, Sampler& sampler, Place place)
    : tree_(&tree), mode_(mode), sampler_(&sampler), place_(std::move(place)) {
  if (!is_rejection(mode)) return;
  for (std::size_t i = 0; i < tree.token.size(); ++i) {
    check(tree.draws[i].order.empty() || legal(tree.draw[i], mode), "drafted tokens were found in a way that their verification allows");
    if (i == 0) continue;
    const std::vector<std::int32_t>& order = tree.draws[static_cast<std::size_t>(tree.parent[i])].order;
    check(std::ranges::find(order, tree.token[i]) != order.end(), "a drafted token is one of its parent's draws");
  }
}

void Walk::take(const LogitRow& logits) {
  check(node_ >= 0, "a walk that is done takes no more logits");
  const std::int64_t index = place_.index + std::ssize(result_.tokens);
  const std::span<const Candidate> left = sampler_->distribution(place_.rule != nullptr ? place_.rule->allowed(logits) : logits, *place_.text, place_.banned);
  const NodeDraws& draws = tree_->draws[static_cast<std::size_t>(node_)];

  std::int32_t token = -1;
  if (is_rejection(mode_) && !draws.order.empty() && !left.empty()) {
    std::vector<double> p;
    sampler_->probabilities(left, p);
    Law law;
    for (std::size_t i = 0; i < left.size(); ++i) law.push_back({left[i].token, p[i]});
    std::ranges::sort(law, {}, &Share::token);
    token = kRules[static_cast<int>(mode_)](law, draws, tree_->draw[static_cast<std::size_t>(node_)],
                                            {sampler_->params().seed, static_cast<std::uint32_t>(index)});
  } else {
    token = sampler_->draw(left, index);
  }

  result_.path.push_back(node_);
  if (token < 0) {
    result_.exhausted = true;
    node_ = -1;
    return;
  }
  result_.tokens.push_back(token);
  place_.text->push_back(token);
  if (place_.rule != nullptr) place_.rule->take(token);
  const bool ends = (place_.ends && place_.ends(token)) || (place_.rule != nullptr && place_.rule->finished());
  node_ = ends ? -1 : tree_->find(node_, token);
}

}  // namespace foreword::engine
