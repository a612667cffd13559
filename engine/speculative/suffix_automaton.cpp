#include "engine/speculative/suffix_automaton.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr int kMarkedLinks = 32;  // how far up a new place is noted; beyond, an older one stays known

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

}  // namespace

void SuffixAutomaton::clear() {
  text_.clear();
  states_.assign(1, {});
  edges_.clear();
  table_.assign(1024, -1);
  last_ = 0;
  match_ = {};
}

std::size_t SuffixAutomaton::slot_of(std::int32_t state, std::int32_t token) const {
  const std::uint64_t key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(state)) << 32 | static_cast<std::uint32_t>(token);
  std::size_t slot = static_cast<std::size_t>(key * 0x9E3779B97F4A7C15ULL >> 20) & (table_.size() - 1);
  while (table_[slot] >= 0 && (edges_[at(table_[slot])].from != state || edges_[at(table_[slot])].token != token)) {
    slot = (slot + 1) & (table_.size() - 1);
  }
  return slot;
}

std::int32_t SuffixAutomaton::edge_of(std::int32_t state, std::int32_t token) const { return table_[slot_of(state, token)]; }

void SuffixAutomaton::add_edge(std::int32_t state, std::int32_t token, std::int32_t to) {
  if (2 * (edges_.size() + 1) > table_.size()) {
    table_.assign(2 * table_.size(), -1);
    for (std::size_t i = 0; i < edges_.size(); ++i) table_[slot_of(edges_[i].from, edges_[i].token)] = static_cast<std::int32_t>(i);
  }
  table_[slot_of(state, token)] = static_cast<std::int32_t>(edges_.size());
  edges_.push_back({state, token, to, states_[at(state)].first_edge});
  states_[at(state)].first_edge = static_cast<std::int32_t>(edges_.size() - 1);
}

void SuffixAutomaton::append(std::int32_t token) {
  const auto place = static_cast<std::int32_t>(text_.size());
  text_.push_back(token);
  const auto whole = static_cast<std::int32_t>(states_.size());
  states_.push_back({place + 1, 0, place, -1});
  std::int32_t state = last_, edge = -1;
  for (; state >= 0 && (edge = edge_of(state, token)) < 0; state = states_[at(state)].link) add_edge(state, token, whole);
  last_ = whole;

  if (state >= 0) {
    const std::int32_t next = edges_[at(edge)].to;
    if (states_[at(next)].length == states_[at(state)].length + 1) {
      states_[at(whole)].link = next;
    } else {
      const auto clone = static_cast<std::int32_t>(states_.size());
      states_.push_back({states_[at(state)].length + 1, states_[at(next)].link, states_[at(next)].last_end, -1});
      for (std::int32_t e = states_[at(next)].first_edge; e >= 0; e = edges_[at(e)].next) add_edge(clone, edges_[at(e)].token, edges_[at(e)].to);
      for (; state >= 0 && (edge = edge_of(state, token)) >= 0 && edges_[at(edge)].to == next; state = states_[at(state)].link) {
        edges_[at(edge)].to = clone;
      }
      states_[at(next)].link = states_[at(whole)].link = clone;
    }
  }

  const std::int32_t end = states_[at(whole)].link;
  match_ = {states_[at(end)].length, states_[at(end)].last_end, end};
  state = end;
  for (int i = 0; i < kMarkedLinks && state > 0; ++i, state = states_[at(state)].link) states_[at(state)].last_end = place;
}

std::vector<SuffixAutomaton::Continuation> SuffixAutomaton::continuations(std::size_t n, std::int32_t shortest) const {
  std::vector<Continuation> found;
  for (std::int32_t state = match_.state; found.size() < n && state > 0 && states_[at(state)].length >= shortest; state = states_[at(state)].link) {
    std::vector<Continuation> here;
    for (std::int32_t e = states_[at(state)].first_edge; e >= 0; e = edges_[at(e)].next) {
      const Edge& edge = edges_[at(e)];
      if (std::ranges::find(found, edge.token, &Continuation::token) != found.end()) continue;
      here.push_back({edge.token, states_[at(edge.to)].last_end, states_[at(state)].length});
    }
    std::ranges::sort(here, std::greater(), &Continuation::place);
    here.resize(std::min(here.size(), n - found.size()));
    found.insert(found.end(), here.begin(), here.end());
  }
  return found;
}

std::int64_t SuffixAutomaton::bytes() const {
  return static_cast<std::int64_t>(text_.capacity() * sizeof(text_[0]) + states_.capacity() * sizeof(State) +
                                   edges_.capacity() * sizeof(Edge) + table_.capacity() * sizeof(table_[0]));
}

}  // namespace foreword::engine
