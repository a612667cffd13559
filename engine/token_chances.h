#pragma once
// How likely tokens were, for whoever wants to know beside the text (OpenAI's "logprobs"). Pure.

#include <string>
#include <vector>

#include "engine/sampling/logit_row.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

/// As the model's row of logits has it: natural logarithm of softmax, before penalties, truncation, temperature and forms.
struct TokenChance {
  TokenId token = kNoToken;
  std::string bytes = {};  // that it stands for, of a special token its name; not always whole characters
  float log_p = 0;         // -inf: impossible; NaN: nothing stands before it
};

/// A token of a text, and what else could have stood there.
struct TokenChances {
  TokenChance chosen;
  std::vector<TokenChance> best = {};  // the likeliest, falling, ties to the lower id; none of them impossible
  std::int64_t begin = 0;              // bytes of the text before it
};

/// Most of the best that can be asked for.
inline constexpr int kMostChances = 20;

/// The bytes that a token stands for, of a special one its name.
std::string bytes_of(const Tokenizer& tokenizer, TokenId token);

/// row: of the token's place, cut to the vocabulary.
TokenChances chances_of(const Tokenizer& tokenizer, const LogitRow& row, TokenId chosen, int n_best);
/// Of a token that begins its text.
TokenChances chances_of_first(const Tokenizer& tokenizer, TokenId token);

}  // namespace foreword::engine
