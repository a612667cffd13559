#include "engine/tokenizer/special_tokens.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace foreword::engine {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

SpecialTokens::SpecialTokens(std::vector<SpecialToken> tokens) : tokens_(std::move(tokens)) {
  // What is longer is no token that a template writes, and every place would be compared with all of it.
  constexpr std::size_t kLongest = 1024;
  std::erase_if(tokens_, [](const SpecialToken& token) { return token.text.size() > kLongest; });
  std::sort(tokens_.begin(), tokens_.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text.size() != b.text.size() ? a.text.size() > b.text.size() : a.id < b.id;
  });
  // Of those that are alike in all but their ids only the first can be found.
  std::set<std::tuple<std::string, SpecialToken::Writer, bool>> seen;
  std::erase_if(tokens_, [&](const SpecialToken& token) { return !seen.insert({token.text, token.writer, token.strips_right}).second; });
  roots_.fill(kNone);
  otherwise_.assign(tokens_.size(), kNone);
  for (auto i = static_cast<std::uint32_t>(tokens_.size()); i-- > 0;) {
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
    if (node != kNone) otherwise_[i] = std::exchange(nodes_[node].token, i);
  }
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    if (otherwise_[i] != kNone) continue;  // another token with the same text
    std::uint32_t node = kNone;
    for (std::size_t at = 0; at + 1 < tokens_[i].text.size(); ++at) {
      node = child(node, static_cast<unsigned char>(tokens_[i].text[at]));
      if (nodes_[node].token != kNone) otherwise_[i] = nodes_[node].token;
    }
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
  // tokens; one whose end was taken by a longer token tries again with what else may stand there.
  std::map<std::uint32_t, std::vector<std::size_t>> candidates;
  const auto propose = [&](std::uint32_t token, std::size_t at) {
    while (token != kNone && !allowed(tokens_[token], at, at + tokens_[token].text.size())) token = otherwise_[token];
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
        propose(otherwise_[next.key()], at);
        continue;
      }
      if (token.strips_right) {
        while (end < text.size() && !taken[end] && is_blank(text[end])) ++end;
      }
      for (std::size_t i = at; i < end; ++i) taken[i] = true;
      hits.push_back({at, end, token.id});
    }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.begin < b.begin; });
  return hits;
}

}  // namespace foreword::engine
