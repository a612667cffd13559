#include "engine/grammar/token_trie.h"

#include <algorithm>

namespace foreword::engine {
namespace {

/// Longer tokens are left out: no vocabulary has them but by mistake.
constexpr std::size_t kLongest = 1024;

std::string bytes_of(const Tokenizer& tokenizer, TokenId id) {
  std::string bytes;
  if (tokenizer.is_control(id)) return kControlMark + std::string(tokenizer.text(id));
  tokenizer.append_bytes(id, bytes);
  // A lone byte that happens to be the mark is no part of any text.
  return bytes.find(kControlMark) == std::string::npos ? bytes : std::string();
}

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  const auto n = static_cast<TokenId>(tokenizer.size());
  begin_.push_back(0);
  for (TokenId id = 0; id < n; ++id) {
    const bool ends = tokenizer.is_end_of_generation(id);
    if (ends) ends_.push_back(id);
    if (!ends && std::ranges::find(tokenizer.suppressed(), id) == tokenizer.suppressed().end()) {
      if (const std::string bytes = bytes_of(tokenizer, id); bytes.size() <= kLongest) bytes_ += bytes;
    }
    begin_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    if (begin_[begin_.size() - 2] != begin_.back()) sorted_.push_back(id);
  }
  std::ranges::sort(sorted_, [&](TokenId a, TokenId b) { return bytes(a) != bytes(b) ? bytes(a) < bytes(b) : a < b; });
  std::string_view last;
  std::vector<std::uint32_t> open;  // the nodes of its beginnings
  const auto close = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back()) nodes_[open.back()].skip = static_cast<std::uint32_t>(nodes_.size());
  };
  for (std::size_t i = 0; i < sorted_.size(); ++i) {
    const std::string_view now = bytes(sorted_[i]);
    close(static_cast<std::size_t>(std::ranges::mismatch(last, now).in1 - last.begin()));
    for (std::size_t depth = open.size(); depth < now.size(); ++depth) {
      open.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<std::uint32_t>(i), static_cast<std::uint16_t>(depth), static_cast<std::uint8_t>(now[depth])});
    }
    // Only the last of its nodes has tokens, which are those up to where the next one begins.
    deepest_ = std::max(deepest_, now.size());
    last = now;
  }
  close(0);
}

std::string_view TokenTrie::bytes(std::int32_t token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= n_tokens()) return {};
  const auto i = static_cast<std::size_t>(token);
  return std::string_view(bytes_).substr(begin_[i], begin_[i + 1] - begin_[i]);
}

void TokenTrie::mark_allowed(Matcher& matcher, Matcher::State state, TokenMask& mask) const {
  mask.assign((n_tokens() + 63) / 64, 0);
  std::vector<Matcher::State> states(deepest_ + 1, Matcher::kDead);
  states[0] = state;
  for (std::size_t i = 0; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const Matcher::State next = matcher.next(states[node.depth], node.byte);
    if (next == Matcher::kDead) {
      i = node.skip;
      continue;
    }
    states[node.depth + 1U] = next;
    for (std::uint32_t t = node.first, end = node.first + n_here(i); t < end; ++t) {
      const auto token = static_cast<std::size_t>(sorted_[t]);
      mask[token >> 6] |= std::uint64_t{1} << (token & 63);
    }
    ++i;
  }
}

std::int32_t TokenTrie::first_of(std::string_view text) const {
  // Behind a line's end no space is put before it, and none of its own is lost.
  const std::string line = "\n" + std::string(text);
  bool inside = false;
  for (const TokenId token : tokenizer_.encode(line, {})) {
    const std::string_view bytes = this->bytes(token);
    if (inside) return !bytes.empty() && text.starts_with(bytes) ? token : kNoToken;
    inside = bytes.ends_with('\n');
  }
  return kNoToken;
}

}  // namespace foreword::engine
