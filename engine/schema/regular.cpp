#include "engine/schema/regular.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "engine/schema/subsets.h"

namespace foreword::engine {
namespace {

constexpr std::size_t kMostMerged = 300;  // states of automata that are made smaller; rounds grow with the states
constexpr int kMostRounds = 60;

const Error kTooLarge{ErrorCode::unsupported, "A pattern, or several that apply to the same text, would need too many states; make it shorter or its counts smaller."};

/// Adds an edge, joined with the last one where that goes on.
void add_edge(std::vector<Regular::Edge>& edges, Regular::Edge edge) {
  if (!edges.empty() && edges.back().to == edge.to && edges.back().last + 1 == edge.first) {
    edges.back().last = edge.last;
  } else {
    edges.push_back(edge);
  }
}

}  // namespace

char32_t next_char(std::string_view utf8, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return i < utf8.size() ? static_cast<unsigned char>(utf8[i]) : 0U; };
  const unsigned first = byte(at);
  const std::size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t c = n == 1 ? first : first & (0xFFU >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) c = c << 6 | (byte(at + i) & 0x3F);
  at += n;
  return c;
}

std::int64_t n_chars(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Regular::Regular(std::vector<State> states) : states_(std::move(states)) {
  drop_superfluous();
  merge_equal();
}

Regular Regular::all() {
  State state{true};
  const CharSet chars = CharSet::all();
  for (const CharSet::Range& range : chars.ranges()) state.edges.push_back({range.first, range.last, 0});
  return Regular({state});
}

bool Regular::is_all() const { return states_ == all().states_; }

Result<Regular> Regular::of(const Expression& expression) {
  auto states = subsets_of(expression, kMostStates);
  if (!states) return kTooLarge;
  return Regular(std::move(*states));
}

Regular Regular::of_states(std::vector<State> states) { return Regular(std::move(states)); }

Regular Regular::texts(const std::vector<std::string_view>& texts) {
  std::vector<std::map<char32_t, std::int32_t>> nodes(1);
  std::vector<State> states(1);
  for (const std::string_view text : texts) {
    std::int32_t node = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto [child, is_new] = nodes[static_cast<std::size_t>(node)].try_emplace(next_char(text, at), static_cast<std::int32_t>(nodes.size()));
      node = child->second;
      if (is_new) {
        nodes.emplace_back();
        states.emplace_back();
      }
    }
    states[static_cast<std::size_t>(node)].accepts = true;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto& [c, to] : nodes[i]) states[i].edges.push_back({c, c, to});
  }
  return Regular(std::move(states));
}

/// Both at once; -1 is the state of `other` from which nothing comes any more.
Result<Regular> Regular::product(const Regular& other, bool both) const {
  std::vector<State> made;
  if (empty()) return Regular(made);
  using Pair = std::pair<std::int32_t, std::int32_t>;
  struct Hash {
    std::size_t operator()(const Pair& pair) const { return static_cast<std::size_t>(pair.first) * 0x9E3779B97F4A7C15U + static_cast<std::size_t>(pair.second); }
  };
  std::unordered_map<Pair, std::int32_t, Hash> number;
  std::deque<Pair> waiting;
  const auto number_of = [&](Pair pair) {
    const auto [at, is_new] = number.try_emplace(pair, static_cast<std::int32_t>(number.size()));
    if (is_new) waiting.push_back(pair);
    return at->second;
  };
  number_of({0, other.empty() ? -1 : 0});
  for (; !waiting.empty(); waiting.pop_front()) {
    if (number.size() > kMostStates) return kTooLarge;
    const auto [a, b] = waiting.front();
    static const State kGone;
    const State& mine = states_[static_cast<std::size_t>(a)];
    const State& others = b < 0 ? kGone : other.states_[static_cast<std::size_t>(b)];
    State state{mine.accepts && others.accepts == both};
    auto at = others.edges.begin();
    for (const Edge& edge : mine.edges) {
      // The edge in pieces: where `other` goes along, and where it does not.
      for (char32_t from = edge.first; from <= edge.last;) {
        while (at != others.edges.end() && at->last < from) ++at;
        const bool inside = at != others.edges.end() && at->first <= from;
        const char32_t to = inside ? std::min(edge.last, at->last) : at == others.edges.end() ? edge.last : std::min<char32_t>(edge.last, at->first - 1);
        if (inside || !both) add_edge(state.edges, {from, to, number_of({edge.to, inside ? at->to : -1})});
        from = to + 1;
      }
    }
    made.push_back(std::move(state));
  }
  return Regular(std::move(made));
}

Result<Regular> Regular::common(const Regular& other) const { return product(other, true); }
Result<Regular> Regular::without(const Regular& other) const { return product(other, false); }

Result<Regular> Regular::of_length(std::int64_t least, std::int64_t most) const {
  if (empty()) return *this;
  const auto end = longest();
  if (least <= shortest()) least = 0;
  if (most >= 0 && end && *end <= most) most = -1;
  if (least == 0 && most < 0) return *this;
  const auto n = static_cast<std::int64_t>(kMostStates / states_.size());
  if (least >= n) return kTooLarge;
  most = most < 0 ? -1 : std::min(most, n - 1);
  // A state is a state and a count; counts beyond `cap` are all the same where there is no `most`.
  const std::int64_t cap = most < 0 ? least : most;
  const std::vector<std::int64_t> rest = to_the_end();
  const auto fits = [&](std::int32_t to, std::int64_t count) { return most < 0 || count + rest[static_cast<std::size_t>(to)] <= most; };
  std::vector<State> made(states_.size() * static_cast<std::size_t>(cap + 1));
  for (std::int64_t count = 0; count <= cap; ++count) {
    const std::int64_t then = most < 0 ? std::min(count + 1, cap) : count + 1;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      State& state = made[static_cast<std::size_t>(count) * states_.size() + i];
      state.accepts = states_[i].accepts && count >= least;
      for (const Edge& edge : states_[i].edges) {
        if (fits(edge.to, then)) state.edges.push_back({edge.first, edge.last, static_cast<std::int32_t>(then * static_cast<std::int64_t>(states_.size()) + edge.to)});
      }
    }
  }
  return Regular(std::move(made));
}

bool Regular::contains(std::string_view utf8) const {
  if (empty()) return false;
  std::int32_t state = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t c = next_char(utf8, at);
    const auto& edges = states_[static_cast<std::size_t>(state)].edges;
    const auto edge = std::ranges::find_if(edges, [&](const Edge& e) { return e.first <= c && c <= e.last; });
    if (edge == edges.end()) return false;
    state = edge->to;
  }
  return states_[static_cast<std::size_t>(state)].accepts;
}

/// By state, the characters of the shortest way to an end; of states that lead to none, -1.
std::vector<std::int64_t> Regular::to_the_end() const {
  std::vector<std::vector<std::int32_t>> from(states_.size());
  std::vector<std::int64_t> distance(states_.size(), -1);
  std::deque<std::int32_t> waiting;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    for (const Edge& edge : states_[i].edges) from[static_cast<std::size_t>(edge.to)].push_back(static_cast<std::int32_t>(i));
    if (!states_[i].accepts) continue;
    distance[i] = 0;
    waiting.push_back(static_cast<std::int32_t>(i));
  }
  for (; !waiting.empty(); waiting.pop_front()) {
    for (const std::int32_t before : from[static_cast<std::size_t>(waiting.front())]) {
      std::int64_t& known = distance[static_cast<std::size_t>(before)];
      if (known >= 0) continue;
      known = distance[static_cast<std::size_t>(waiting.front())] + 1;
      waiting.push_back(before);
    }
  }
  return distance;
}

std::int64_t Regular::shortest() const { return to_the_end()[0]; }

std::optional<std::int64_t> Regular::longest() const {
  // Kahn's order: what never gets free of what leads to it is on a circle.
  std::vector<std::int32_t> n_from(states_.size(), 0);
  for (const State& state : states_) {
    for (const Edge& edge : state.edges) ++n_from[static_cast<std::size_t>(edge.to)];
  }
  if (n_from[0] > 0) return std::nullopt;
  std::vector<std::int64_t> length(states_.size(), 0);
  std::vector<std::int32_t> ready = {0};
  std::int64_t most = 0;
  for (std::size_t at = 0; at < ready.size(); ++at) {
    const auto i = static_cast<std::size_t>(ready[at]);
    most = std::max(most, length[i]);
    for (const Edge& edge : states_[i].edges) {
      const auto to = static_cast<std::size_t>(edge.to);
      length[to] = std::max(length[to], length[i] + 1);
      if (--n_from[to] == 0) ready.push_back(edge.to);
    }
  }
  if (ready.size() < states_.size()) return std::nullopt;
  return most;
}

/// Keeps what can be reached and leads to an end.
void Regular::drop_superfluous() {
  if (states_.empty()) return;
  const std::vector<std::int64_t> rest = to_the_end();
  std::vector<std::int32_t> number(states_.size(), -1), order;
  const auto reach = [&](std::int32_t state) {
    std::int32_t& n = number[static_cast<std::size_t>(state)];
    if (n >= 0 || rest[static_cast<std::size_t>(state)] < 0) return;
    n = static_cast<std::int32_t>(order.size());
    order.push_back(state);
  };
  reach(0);
  for (std::size_t at = 0; at < order.size(); ++at) {
    for (const Edge& edge : states_[static_cast<std::size_t>(order[at])].edges) reach(edge.to);
  }
  std::vector<State> kept;
  for (const std::int32_t old : order) {
    State& state = states_[static_cast<std::size_t>(old)];
    State renumbered{state.accepts};
    for (const Edge& edge : state.edges) {
      if (const std::int32_t to = number[static_cast<std::size_t>(edge.to)]; to >= 0) add_edge(renumbered.edges, {edge.first, edge.last, to});
    }
    kept.push_back(std::move(renumbered));
  }
  states_ = std::move(kept);
}

/// Moore's algorithm: states are apart if they end differently or lead to states that are apart.
void Regular::merge_equal() {
  if (states_.size() < 2 || states_.size() > kMostMerged) return;
  std::vector<std::int32_t> group(states_.size());
  for (std::size_t i = 0; i < states_.size(); ++i) group[i] = states_[i].accepts ? 1 : 0;
  std::size_t n_groups = 0;
  std::vector<State> apart;
  for (int round = 0; round < kMostRounds; ++round) {
    apart.clear();
    std::map<std::vector<std::uint32_t>, std::int32_t> groups;
    std::vector<std::int32_t> next(states_.size());
    for (std::size_t i = 0; i < states_.size(); ++i) {
      State seen{states_[i].accepts};
      for (const Edge& edge : states_[i].edges) add_edge(seen.edges, {edge.first, edge.last, group[static_cast<std::size_t>(edge.to)]});
      std::vector<std::uint32_t> key = {seen.accepts ? 1U : 0U};
      for (const Edge& edge : seen.edges) key.insert(key.end(), {edge.first, edge.last, static_cast<std::uint32_t>(edge.to)});
      const auto [at, is_new] = groups.try_emplace(std::move(key), static_cast<std::int32_t>(groups.size()));
      if (is_new) apart.push_back(std::move(seen));
      next[i] = at->second;
    }
    const bool done = groups.size() == n_groups;
    n_groups = groups.size();
    group = std::move(next);
    if (!done) continue;
    states_ = std::move(apart);  // the first state's group is the first
    return;
  }
}

}  // namespace foreword::engine
