#include "engine/tokenizer/sentence_piece.h"

#include <algorithm>
#include <cstdint>
#include <queue>

namespace foreword::engine {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

/// Bytes of the character that a lead byte announces; stray continuation bytes count as one.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(length, text.size() - at);
}

/// A space that a broken character swallows stays the byte that it is: as a mark torn into bytes it would never become
/// a space again.
std::string with_space_marks(std::string_view text, bool prefix) {
  std::string marked;
  marked.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
  if (prefix) marked += kSpaceMark;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_bytes(text, at);
    marked += text[at] == ' ' ? kSpaceMark : text.substr(at, length);
    at += length;
  }
  return marked;
}

struct Piece {
  std::size_t begin;
  std::uint32_t bytes;  // 0: merged into its left neighbour
  std::uint32_t previous, next;
};

struct Pair {
  float score;
  std::uint32_t left;
  std::uint32_t bytes;  // of both pieces when it was proposed; pieces only grow, so another sum means it is stale

  bool operator<(const Pair& other) const {  // as a max-heap wants it: highest score, then leftmost, comes first
    return score != other.score ? score < other.score : left > other.left;
  }
};

}  // namespace

SentencePiece::SentencePiece(const TokenTable& tokens, TokenId unknown, bool add_space_prefix)
    : tokens_(tokens), add_space_prefix_(add_space_prefix) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    TokenId id = tokens.find(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + '>');
    if (id == kNoToken) id = tokens.find(std::string(1, static_cast<char>(byte)));
    byte_tokens_[byte] = id == kNoToken ? unknown : id;
  }
  for (TokenId id = 0; id < tokens.size(); ++id) {
    const std::string_view text = tokens.text(id);
    for (std::size_t at = text.find(kSpaceMark, 1); at != text.npos; at = text.find(kSpaceMark, at + 1)) {
      before_space_[static_cast<unsigned char>(text[at - 1])] = true;
    }
  }
}

void SentencePiece::encode(std::string_view stretch, bool fresh, WordCache& cache, std::vector<TokenId>& ids) const {
  const std::string text = with_space_marks(stretch, fresh && add_space_prefix_);
  // Before a space mark that no token joins to what stands there the text falls apart: merges on one side never see
  // the other, so the words can be merged one by one, with the same outcome as all at once.
  std::size_t word = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_bytes(text, at);
    const bool is_mark = std::string_view(text).substr(at, length) == kSpaceMark;
    if (is_mark && at > word && !before_space_[static_cast<unsigned char>(text[at - 1])]) {
      encode_word(std::string_view(text).substr(word, at - word), cache, ids);
      word = at;
    }
    at += length;
  }
  if (word < text.size()) encode_word(std::string_view(text).substr(word), cache, ids);
}

void SentencePiece::encode_word(std::string_view word, WordCache& cache, std::vector<TokenId>& ids) const {
  if (cache.append_known(word, ids)) return;
  const std::size_t begin = ids.size();
  merge(word, ids);
  cache.remember(word, begin, ids);
}

TokenId SentencePiece::find_piece(std::string_view text) const {
  const TokenId id = tokens_.find(text);
  const TokenType type = tokens_.type(id);
  return type == TokenType::control || type == TokenType::unknown || type == TokenType::byte ? kNoToken : id;
}

void SentencePiece::merge(std::string_view word, std::vector<TokenId>& ids) const {
  constexpr std::uint32_t kEnd = UINT32_MAX;
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = character_bytes(word, at);
    const auto i = static_cast<std::uint32_t>(pieces.size());
    const bool is_last = at + length == word.size();
    pieces.push_back({at, static_cast<std::uint32_t>(length), i == 0 ? kEnd : i - 1, is_last ? kEnd : i + 1});
    at += length;
  }

  std::priority_queue<Pair> pairs;
  const auto propose = [&](std::uint32_t left) {
    const std::uint32_t right = left == kEnd ? kEnd : pieces[left].next;
    if (right == kEnd) return;
    const std::uint32_t bytes = pieces[left].bytes + pieces[right].bytes;
    if (bytes > tokens_.longest_text()) return;
    const TokenId joined = find_piece(word.substr(pieces[left].begin, bytes));
    if (joined != kNoToken) pairs.push({tokens_.score(joined), left, bytes});
  };
  for (std::uint32_t i = 0; i < pieces.size(); ++i) propose(i);
  while (!pairs.empty()) {
    const Pair best = pairs.top();
    pairs.pop();
    Piece& left = pieces[best.left];
    if (left.bytes == 0 || left.next == kEnd) continue;
    Piece& right = pieces[left.next];
    if (left.bytes + right.bytes != best.bytes) continue;
    left.bytes = best.bytes;
    left.next = right.next;
    right.bytes = 0;
    if (left.next != kEnd) pieces[left.next].previous = best.left;
    propose(left.previous);
    propose(best.left);
  }

  for (std::uint32_t i = 0; i != kEnd; i = pieces[i].next) {
    const std::string_view text = word.substr(pieces[i].begin, pieces[i].bytes);
    const TokenId id = find_piece(text);
    if (id != kNoToken) {
      ids.push_back(id);
      continue;
    }
    for (const char c : text) {
      const TokenId byte_token = byte_tokens_[static_cast<unsigned char>(c)];
      if (byte_token != kNoToken) ids.push_back(byte_token);
    }
  }
}

void SentencePiece::decode_normal(std::string_view token_text, std::string& out) const {
  std::size_t done = 0;
  for (std::size_t at = token_text.find(kSpaceMark); at != token_text.npos; at = token_text.find(kSpaceMark, done)) {
    out += token_text.substr(done, at - done);
    out += ' ';
    done = at + kSpaceMark.size();
  }
  out += token_text.substr(done);
}

}  // namespace foreword::engine
