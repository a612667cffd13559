#include "engine/speculative/draft_tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

template <class T>
void pick(std::vector<T>& values, const std::vector<std::int32_t>& order) {
  std::vector<T> picked;
  picked.reserve(order.size());
  for (const std::int32_t i : order) picked.push_back(std::move(values[at(i)]));
  values = std::move(picked);
}

}  // namespace

void DraftTree::clear(std::int32_t root_token) {
  token.assign(1, root_token);
  parent.assign(1, -1);
  depth.assign(1, 0);
  chance.assign(1, 1.0F);
  reach.assign(1, 1.0F);
  draw.assign(1, Draw::deterministic);
  draws.assign(1, {});
  claims.clear();
  ancestors.assign(1, 1);
  first_child_.assign(1, -1);
  next_sibling_.assign(1, -1);
  owner_.assign(1, -1);
}

bool DraftTree::is_ancestor(std::int32_t ancestor, std::int32_t node) const {
  return (ancestors[at(node * words_per_node() + ancestor / 64)] >> (ancestor % 64) & 1) != 0;
}

std::int32_t DraftTree::find(std::int32_t node, std::int32_t child_token) const {
  std::int32_t child = first_child_[at(node)];
  while (child >= 0 && token[at(child)] != child_token) child = next_sibling_[at(child)];
  return child;
}

std::vector<std::int32_t> DraftTree::children(std::int32_t node) const {
  std::vector<std::int32_t> found;
  for (std::int32_t child = first_child_[at(node)]; child >= 0; child = next_sibling_[at(child)]) found.push_back(child);
  std::ranges::sort(found);
  return found;
}

std::int32_t DraftTree::add(std::int32_t node, std::int32_t child_token, float chance_of_child, Draw kind, Claim claim) {
  check(node >= 0 && node < size(), "a child has a parent");
  check(chance_of_child >= 0 && chance_of_child <= 1, "a chance is a probability");
  claim.parent = node;
  claim.token = child_token;
  const std::int32_t known = find(node, child_token);
  const bool said = known >= 0 && std::ranges::any_of(claims, [&](const Claim& other) {
    return other.parent == node && other.token == child_token && other.drafter == claim.drafter;
  });
  if (said) return known;
  claims.push_back(claim);
  if (owner_[at(node)] < 0) {
    owner_[at(node)] = claim.drafter;
    draw[at(node)] = kind;
  } else if (owner_[at(node)] != claim.drafter || draw[at(node)] != kind) {
    draw[at(node)] = Draw::deterministic;
  }
  if (known >= 0) {
    float& known_chance = chance[at(known)];
    known_chance = 1 - (1 - known_chance) * (1 - chance_of_child);
    return known;
  }
  const std::int32_t child = size();
  token.push_back(child_token);
  parent.push_back(node);
  depth.push_back(static_cast<std::int16_t>(depth[at(node)] + 1));
  chance.push_back(chance_of_child);
  reach.push_back(0);
  draw.push_back(Draw::deterministic);
  draws.emplace_back();
  first_child_.push_back(-1);
  next_sibling_.push_back(first_child_[at(node)]);
  first_child_[at(node)] = child;
  owner_.push_back(-1);
  return child;
}

void DraftTree::weigh() {
  std::vector<float> total(token.size(), 0.0F);
  for (std::int32_t i = 1; i < size(); ++i) total[at(parent[at(i)])] += chance[at(i)];
  for (std::int32_t i = 1; i < size(); ++i) {
    const std::size_t p = at(parent[at(i)]);
    reach[at(i)] = reach[p] * chance[at(i)] / std::max(1.0F, total[p]);
  }
}

void DraftTree::cut_to_root() {
  for (std::vector<std::int32_t>* values : {&token, &parent, &first_child_, &next_sibling_}) values->resize(1);
  depth.resize(1);
  chance.resize(1);
  reach.resize(1);
  draw.resize(1);
  draws.resize(1);
  owner_.resize(1);
  first_child_[0] = next_sibling_[0] = -1;
  ancestors.assign(1, 1);
  std::erase_if(claims, [](const Claim& claim) { return claim.parent != 0; });
}

void DraftTree::trim(std::int32_t n) {
  if (n_drafted() == 0) return;
  if (n <= 0) return cut_to_root();
  std::vector<std::int32_t> order(at(n_drafted()));
  std::iota(order.begin(), order.end(), 1);
  std::ranges::stable_sort(order, [&](std::int32_t a, std::int32_t b) { return reach[at(a)] > reach[at(b)]; });
  order.resize(at(std::clamp(n, 0, n_drafted())));
  std::vector<std::uint8_t> kept(token.size(), 0);
  for (const std::int32_t i : order) kept[at(i)] = 1;

  std::vector<std::int32_t> layout, open{0}, new_id(token.size(), -1);
  while (!open.empty()) {
    const std::int32_t node = open.back();
    open.pop_back();
    new_id[at(node)] = static_cast<std::int32_t>(layout.size());
    layout.push_back(node);
    std::vector<std::int32_t> below = children(node);
    std::erase_if(below, [&](std::int32_t child) { return kept[at(child)] == 0; });
    std::ranges::stable_sort(below, [&](std::int32_t a, std::int32_t b) { return reach[at(a)] > reach[at(b)]; });
    open.insert(open.end(), below.rbegin(), below.rend());
  }

  pick(token, layout);
  pick(parent, layout);
  pick(depth, layout);
  pick(chance, layout);
  pick(reach, layout);
  pick(draw, layout);
  pick(draws, layout);
  pick(owner_, layout);
  for (std::int32_t& p : parent) p = p < 0 ? -1 : new_id[at(p)];
  std::erase_if(claims, [&](const Claim& claim) { return new_id[at(claim.parent)] < 0; });
  for (Claim& claim : claims) claim.parent = new_id[at(claim.parent)];

  const std::int32_t words = words_per_node();
  ancestors.assign(token.size() * at(words), 0);
  first_child_.assign(token.size(), -1);
  next_sibling_.assign(token.size(), -1);
  for (std::int32_t i = 0; i < size(); ++i) {
    if (const std::int32_t p = parent[at(i)]; p >= 0) {
      std::copy_n(ancestors.begin() + p * words, words, ancestors.begin() + i * words);
      next_sibling_[at(i)] = first_child_[at(p)];
      first_child_[at(p)] = i;
    }
    ancestors[at(i * words + i / 64)] |= 1ULL << (i % 64);
  }
}

std::string DraftTree::fault() const {
  const std::size_t n = token.size();
  if (n == 0 || parent.size() != n || depth.size() != n || chance.size() != n || reach.size() != n || draw.size() != n ||
      draws.size() != n || ancestors.size() != n * at(words_per_node())) {
    return "arrays of different lengths";
  }
  if (parent[0] != -1 || depth[0] != 0 || chance[0] != 1.0F || reach[0] != 1.0F) return "no proper root";
  std::vector<float> below(n, 0.0F);
  for (std::int32_t i = 1; i < size(); ++i) {
    const std::int32_t p = parent[at(i)];
    if (p < 0 || p >= i) return "a parent that does not come first";
    if (depth[at(i)] != depth[at(p)] + 1) return "a wrong depth";
    if (!(chance[at(i)] >= 0 && chance[at(i)] <= 1)) return "a chance outside [0, 1]";
    if (!(reach[at(i)] >= 0 && reach[at(i)] <= reach[at(p)])) return "a child that is reached more often than its parent";
    if (find(p, token[at(i)]) != i) return "two children with one token";
    below[at(p)] += reach[at(i)];
    for (std::int32_t j = 0; j < size(); ++j) {
      if (is_ancestor(j, i) != (j == i || is_ancestor(j, p))) return "wrong ancestors";
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (below[i] > reach[i] * 1.0001F) return "children that are reached more often than their parent";
    const SparseDistribution& q = draws[i].q;
    if (q.token.size() != q.p.size() || q.token.size() > 64) return "a draft distribution of a wrong size";
    if (!q.p.empty() && std::abs(std::accumulate(q.p.begin(), q.p.end(), 0.0) - 1) > 1e-4) return "a draft distribution that does not sum to 1";
    for (const std::int32_t drawn : draws[i].order) {
      if (std::ranges::find(q.token, drawn) == q.token.end()) return "a draw from outside its distribution";
    }
  }
  for (const Claim& claim : claims) {
    if (claim.parent < 0 || claim.parent >= size()) return "a claim without a parent";
  }
  return {};
}

}  // namespace foreword::engine
