#pragma once
// How byte-level vocabularies cut a text into words before merging: the file's `tokenizer.ggml.pre` names a row.

#include <functional>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/tokenizer/word_pattern.h"

namespace foreword::engine {

/// What a `tokenizer.ggml.pre` name stands for; keys of the file override the defaults for BOS.
struct PreTokenizer {
  std::string_view name;
  std::string_view rule;
  bool adds_bos = false;
  bool whole_word_first = false;  // a word that is a token is not merged from its bytes
  bool keeps_spaces = false;      // decoding whole texts does not tidy spaces before punctuation
  bool no_bos_id = false;         // no BOS unless the file names one
};

/// The row of that name, or nullptr.
const PreTokenizer* find_pre_tokenizer(std::string_view pre);

/// The expressions of one rule, in order: each cuts every piece that the one before left, and matches as well as what
/// lies between them are pieces.
class WordCutter {
 public:
  explicit WordCutter(std::string_view rule);  // a name from the table

  using Emit = std::function<void(std::u32string_view word)>;
  /// Calls `emit` with the words from left to right; together they are the text.
  void cut(std::u32string_view text, const Emit& emit) const { cut(text, emit, 0); }

 private:
  void cut(std::u32string_view text, const Emit& emit, std::size_t depth) const;

  std::vector<WordPattern> patterns_;
};

}  // namespace foreword::engine
