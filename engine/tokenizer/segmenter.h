#pragma once
// What the two tokenizer algorithms share. Immutable after creation.

#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/token_table.h"
#include "engine/tokenizer/word_cache.h"

namespace foreword::engine {

class Segmenter {
 public:
  virtual ~Segmenter() = default;
  /// Appends the ids of a stretch without special tokens. `fresh`: it begins the text or follows a special token.
  virtual void encode(std::string_view stretch, bool fresh, WordCache& cache, std::vector<TokenId>& ids) const = 0;
  /// Appends the bytes that a normal token stands for.
  virtual void decode_normal(std::string_view token_text, std::string& out) const = 0;
};

}  // namespace foreword::engine
