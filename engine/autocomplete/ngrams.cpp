#include "engine/autocomplete/ngrams.h"

#include <algorithm>
#include <array>
#include <limits>

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

}  // namespace

bool Ngrams::follows_less(std::uint32_t a, std::uint32_t b) const {
  for (std::uint32_t back = 1; back < kOrder; ++back) {
    const TokenId of_a = text_[a - back], of_b = text_[b - back];
    if (of_a != of_b) return of_a < of_b;
    if (of_a == kNoToken) break;
  }
  return text_[a] != text_[b] ? text_[a] < text_[b] : a < b;
}

void Ngrams::add(std::span<const std::vector<TokenId>> texts) {
  const auto n_old = std::ssize(places_);
  for (const std::vector<TokenId>& text : texts) {
    text_.push_back(kNoToken);
    for (const TokenId token : text) {
      places_.push_back(static_cast<std::uint32_t>(text_.size()));
      text_.push_back(token);
      ++counts_[token];
    }
  }
  const auto less = [this](std::uint32_t a, std::uint32_t b) { return follows_less(a, b); };
  std::sort(places_.begin() + n_old, places_.end(), less);
  std::inplace_merge(places_.begin(), places_.begin() + n_old, places_.end(), less);
}

void Ngrams::clear() {
  text_.clear();
  places_.clear();
  counts_.clear();
}

/// Of order_, in which a token may stand often, each with its share of what is left. Both lists are by token, so that a frequent
/// word with its thousands of successors costs no search for each.
void Ngrams::add_order(double& rest) const {
  if (order_.empty()) return;
  std::ranges::sort(order_, {}, &Next::token);
  std::size_t kinds = 0;
  double all = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    all += order_[i].chance;
    if (kinds > 0 && order_[kinds - 1].token == order_[i].token) order_[kinds - 1].chance += order_[i].chance;
    else order_[kinds++] = order_[i];
  }
  order_.resize(kinds);
  const double known = rest / (all + static_cast<double>(kinds));
  const std::size_t n_before = next_.size();
  std::size_t at = 0;
  for (const Next& each : order_) {
    while (at < n_before && next_[at].token < each.token) ++at;
    if (at < n_before && next_[at].token == each.token) next_[at].chance += known * each.chance;
    else next_.push_back({each.token, known * each.chance});
  }
  std::ranges::inplace_merge(next_, next_.begin() + static_cast<std::ptrdiff_t>(n_before), {}, &Next::token);
  rest = known * static_cast<double>(kinds);
}

std::span<const Ngrams::Next> Ngrams::after(std::span<const TokenId> before, std::span<const float> logits, bool alone) const {
  next_.clear();
  double rest = 1;
  const auto possible = [&](TokenId token) { return static_cast<std::size_t>(token) < logits.size() && logits[static_cast<std::size_t>(token)] != kNothing; };
  std::array<std::pair<std::size_t, std::size_t>, kOrder> ranges{};
  ranges[0] = {0, places_.size()};
  std::size_t longest = 0;
  for (std::size_t n = 1; n < kOrder && n <= before.size(); ++n) {
    const TokenId wanted = before[before.size() - n];
    const auto inside = std::span(places_).subspan(ranges[n - 1].first, ranges[n - 1].second - ranges[n - 1].first);
    const auto same = std::ranges::equal_range(inside, wanted, {}, [&](std::uint32_t place) { return text_[place - n]; });
    if (same.empty()) break;
    const auto begin = ranges[n - 1].first + static_cast<std::size_t>(same.begin() - inside.begin());
    ranges[n] = {begin, begin + same.size()};
    longest = n;
  }
  for (std::size_t n = longest; n > 0; --n) {
    order_.clear();
    for (std::size_t i = ranges[n].first; i < ranges[n].second; ++i) {
      if (const TokenId token = text_[places_[i]]; possible(token)) order_.push_back({token, 1});
    }
    add_order(rest);
  }
  if (alone) {
    order_.clear();
    for (const auto& [token, count] : counts_) {
      if (possible(token)) order_.push_back({token, static_cast<double>(count)});
    }
    add_order(rest);
  }
  return next_;
}

}  // namespace foreword::engine
