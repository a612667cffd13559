#pragma once
// Everything that a file says about its tokenizer, checked and corrected: what Tokenizer and StreamDecoder work on.

#include <memory>
#include <string>
#include <vector>

#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/special_tokens.h"
#include "engine/tokenizer/token_roles.h"
#include "engine/tokenizer/token_table.h"

namespace foreword::engine {

struct Tokenizer::Vocabulary {
  static Result<std::shared_ptr<const Vocabulary>> read(const Metadata& metadata);

  std::string model;
  TokenTable tokens;
  std::unique_ptr<const Segmenter> segmenter;  // refers to `tokens`
  SpecialTokens specials;
  TokenRoles roles;
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId unknown = kNoToken;
  bool names_bos = false, names_eos = false;  // the file does; else they are what is usual
  bool adds_bos = false;
  bool adds_eos = false;
  bool drops_first_space = false;  // decoding: the space that encoding put in front
  bool cleans_spaces = false;
  std::vector<TokenId> suppressed;

  /// Appends the bytes of one token. `first` of a text: its leading space goes if encoding put one there.
  void append_piece(TokenId id, bool first, bool show_special, std::string& out) const;
};

}  // namespace foreword::engine
