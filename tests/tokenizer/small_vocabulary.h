#pragma once
// Small vocabularies for tests, made without a file.

#include <random>
#include <string>
#include <vector>

#include "engine/gguf/gguf.h"
#include "engine/tokenizer/byte_level.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/unicode.h"

namespace foreword::test {

/// A vocabulary as it would stand in a file.
struct SmallVocabulary {
  std::string model;
  std::string pre;
  std::vector<std::string> tokens;
  std::vector<std::int64_t> types;
  std::vector<double> scores;
  std::vector<std::string> merges;

  std::int64_t add(const std::string& text, std::int64_t type = 1, double score = 0) {
    tokens.push_back(text);
    types.push_back(type);
    scores.push_back(score);
    return static_cast<std::int64_t>(tokens.size()) - 1;
  }

  engine::Metadata metadata() const {
    engine::Metadata made;
    made.set("tokenizer.ggml.model", {model});
    made.set("tokenizer.ggml.tokens", {tokens});
    made.set("tokenizer.ggml.token_type", {types});
    made.set("tokenizer.ggml.scores", {scores});
    if (!pre.empty()) made.set("tokenizer.ggml.pre", {pre});
    if (model == "gpt2") made.set("tokenizer.ggml.merges", {merges});
    return made;
  }
};

inline engine::Tokenizer make_tokenizer(const engine::Metadata& metadata) {
  auto tokenizer = engine::Tokenizer::from_gguf(metadata);
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer.has_value() ? "" : tokenizer.error().message);
  return *std::move(tokenizer);
}

/// All bytes and `n_merges` random merges of what is there, most of them over the letters a to d and the space.
inline SmallVocabulary byte_level_vocabulary(const std::string& pre, int n_merges, std::mt19937& random) {
  SmallVocabulary made{.model = "gpt2", .pre = pre, .tokens = {}, .types = {}, .scores = {}, .merges = {}};
  std::vector<std::string> parts;
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    engine::append_utf8(text, engine::character_of_byte(static_cast<unsigned char>(byte)));
    made.add(text);
    if ((byte >= 'a' && byte <= 'd') || byte == ' ' || byte == 0xC3 || byte == 0xA9) parts.push_back(text);
  }
  for (int i = 0; i < n_merges; ++i) {
    const std::string left = parts[random() % parts.size()], right = parts[random() % parts.size()];
    made.merges.push_back(left + ' ' + right);
    parts.push_back(left + right);
    if (random() % 8 != 0) made.add(left + right);  // some results are no tokens
  }
  return made;
}

/// <unk>, <s>, </s>, all bytes, and `n_pieces` random pieces over the letters a to d and the space mark.
inline SmallVocabulary sentence_piece_vocabulary(int n_pieces, std::mt19937& random) {
  SmallVocabulary made{.model = "llama", .pre = "", .tokens = {}, .types = {}, .scores = {}, .merges = {}};
  made.add("<unk>", 2);
  made.add("<s>", 3);
  made.add("</s>", 3);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    made.add(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + '>', 6);
  }
  const std::vector<std::string> letters = {"a", "b", "c", "d", "\xE2\x96\x81", "\xC3\xA9"};
  for (const std::string& letter : letters) made.add(letter, 1, -100);
  for (int i = 0; i < n_pieces; ++i) {
    std::string piece;
    for (std::size_t n = 2 + random() % 4; n > 0; --n) piece += letters[random() % letters.size()];
    made.add(piece, 1, -static_cast<double>(random() % 20));  // equal scores happen
  }
  return made;
}

inline std::string random_text(const std::vector<std::string>& letters, std::size_t n, std::mt19937& random) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += letters[random() % letters.size()];
  return text;
}

inline std::string random_bytes(std::size_t n, std::mt19937& random) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += static_cast<char>(random());
  return text;
}

}  // namespace foreword::test
