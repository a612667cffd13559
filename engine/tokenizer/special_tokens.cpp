#include "engine/tokenizer/special_tokens.h"

#include <algorithm>
#include <map>

namespace foreword::engine {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

SpecialTokens::SpecialTokens(std::vector<SpecialToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text.size() != b.text.size() ? a.text.size() > b.text.size() : a.id < b.id;
  });
  roots_.fill(kNone);
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    std::uint32_t node = kNone;
    for (const char c : tokens_[i].text) {
      const auto byte = static_cast<unsigned char>(c);
      std::uint32_t next = child(node, byte);
      if (next == kNone) {
        next = static_cast<std::uint32_t>(nodes_.size());
        nodes_.push_back({kNone, node == kNone ? kNone : nodes_[node].child, kNone, byte});
        (node == kNone ? roots_[byte] : nodes_[node].child) = next;
      }
      node = next;
    }
    if (node != kNone && nodes_[node].token == kNone) nodes_[node].token = i;
  }
  for (const SpecialToken& token : tokens_) {
    std::uint32_t node = kNone, best = kNone;
    for (std::size_t at = 0; at + 1 < token.text.size(); ++at) {
      node = child(node, static_cast<unsigned char>(token.text[at]));
      if (nodes_[node].token != kNone) best = nodes_[node].token;
    }
    shorter_.push_back(best);
  }
}

std::uint32_t SpecialTokens::child(std::uint32_t node, unsigned char byte) const {
  if (node == kNone) return roots_[byte];
  std::uint32_t next = nodes_[node].child;
  while (next != kNone && nodes_[next].byte != byte) next = nodes_[next].sibling;
  return next;
}

std::vector<SpecialTokens::Hit> SpecialTokens::find(std::string_view text, const Allowed& allowed) const {
  // Every place is a candidate with the longest token that stands there. Candidates are settled in the order of the
  // tokens; one whose end was taken by a longer token tries again with its next shorter token.
  std::map<std::uint32_t, std::vector<std::size_t>> candidates;
  const auto propose = [&](std::uint32_t token, std::size_t at) {
    while (token != kNone && !allowed(tokens_[token], at, at + tokens_[token].text.size())) token = shorter_[token];
    if (token != kNone) candidates[token].push_back(at);
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::uint32_t node = roots_[static_cast<unsigned char>(text[at])], longest = kNone;
    for (std::size_t i = at + 1; node != kNone; ++i) {
      if (nodes_[node].token != kNone) longest = nodes_[node].token;
      if (i == text.size()) break;
      node = child(node, static_cast<unsigned char>(text[i]));
    }
    if (longest != kNone) propose(longest, at);
  }

  std::vector<Hit> hits;
  std::vector<bool> taken(candidates.empty() ? 0 : text.size());
  while (!candidates.empty()) {
    auto next = candidates.extract(candidates.begin());
    const SpecialToken& token = tokens_[next.key()];
    std::vector<std::size_t>& places = next.mapped();
    if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
    for (const std::size_t at : places) {
      // What was taken before is at least as long, so it cannot lie inside without covering an end.
      if (taken[at]) continue;
      std::size_t end = at + token.text.size();
      if (taken[end - 1]) {
        propose(shorter_[next.key()], at);
        continue;
      }
      if (token.strips_right) {
        while (end < text.size() && !taken[end] && is_blank(text[end])) ++end;
      }
      std::fill(taken.begin() + static_cast<std::ptrdiff_t>(at), taken.begin() + static_cast<std::ptrdiff_t>(end), true);
      hits.push_back({at, end, token.id});
    }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.begin < b.begin; });
  return hits;
}

}  // namespace foreword::engine
