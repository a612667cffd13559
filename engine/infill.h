#pragma once
// What stands between two texts, asked of models that were trained for it (fill in the middle; Bavarian et al. 2022).

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

struct Infill {
  struct File {
    std::string name, text;
  };
  std::string before, after;
  std::string name = {};          // of the file that is written; only where there are others
  std::vector<File> files = {};   // others of the same project, the least important first
};

/// The prompt, without BOS: the files behind each other, if the vocabulary has a mark for them (Qwen2.5-Coder's form; Hui et al. 2024),
/// then mark, before, mark, after, mark. `unsupported`: the vocabulary has not all three marks.
Result<std::vector<TokenId>> encode_infill(const Tokenizer& tokenizer, const Infill& infill);

}  // namespace foreword::engine
