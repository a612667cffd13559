#pragma once
// The tokens of a vocabulary: text, type and score of each id, and the way back from text to id.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

/// Numbers as in `tokenizer.ggml.token_type`.
enum class TokenType : std::uint8_t { undefined, normal, unknown, control, user_defined, unused, byte };

/// Not movable: the index looks into the texts.
class TokenTable {
 public:
  TokenTable() = default;
  TokenTable(const TokenTable&) = delete;
  TokenTable& operator=(const TokenTable&) = delete;

  /// Missing types are `normal`, missing scores 0; both otherwise have at least as many entries as `texts`.
  void fill(const std::vector<std::string>& texts, const std::vector<std::int64_t>* types,
            const std::vector<double>* scores);

  std::int64_t size() const { return static_cast<std::int64_t>(types_.size()); }
  bool has(TokenId id) const { return id >= 0 && id < size(); }
  std::string_view text(TokenId id) const;  // "" outside the vocabulary
  TokenType type(TokenId id) const { return has(id) ? types_[index(id)] : TokenType::undefined; }
  void set_type(TokenId id, TokenType type) { types_[index(id)] = type; }
  float score(TokenId id) const { return scores_[index(id)]; }

  /// The lowest id with this text, or kNoToken.
  TokenId find(std::string_view text) const;
  /// All ids with this text, rising.
  std::vector<TokenId> find_all(std::string_view text) const;
  std::size_t longest_text() const { return longest_text_; }

 private:
  static std::size_t index(TokenId id) { return static_cast<std::size_t>(id); }

  std::string all_texts_;
  std::vector<std::size_t> ends_;
  std::vector<TokenType> types_;
  std::vector<float> scores_;
  std::unordered_map<std::string_view, TokenId> ids_;
  std::vector<TokenId> repeated_;  // ids whose text a lower id has
  std::size_t longest_text_ = 0;
};

/// The byte that a text like "<0x0A>" stands for, or -1.
int byte_of_token_text(std::string_view text);

}  // namespace foreword::engine
