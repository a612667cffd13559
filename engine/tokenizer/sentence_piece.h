#pragma once
// The `llama` model: SentencePiece BPE by scores, bytes as a last resort (Kudo and Richardson 2018).

#include <array>

#include "engine/tokenizer/segmenter.h"

namespace foreword::engine {

class SentencePiece final : public Segmenter {
 public:
  /// `tokens` outlives this. `unknown` may be kNoToken: bytes without a token are then dropped.
  SentencePiece(const TokenTable& tokens, TokenId unknown, bool add_space_prefix);

  void encode(std::string_view stretch, bool fresh, WordCache& cache, std::vector<TokenId>& ids) const override;
  void decode_normal(std::string_view token_text, std::string& out) const override;

 private:
  void encode_word(std::string_view word, WordCache& cache, std::vector<TokenId>& ids) const;
  /// The token that such a piece of a text is, or kNoToken: never one that only templates write, nor one that stands for a byte.
  TokenId find_piece(std::string_view text) const;
  void merge(std::string_view word, std::vector<TokenId>& ids) const;

  const TokenTable& tokens_;
  bool add_space_prefix_;
  std::array<TokenId, 256> byte_tokens_;
  std::array<bool, 256> before_space_{};  // some token has a space mark behind a character that ends in this byte
};

}  // namespace foreword::engine
