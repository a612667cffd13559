#pragma once
// Tokens with a job, found by key or by their published texts: end of generation, fill in the middle. Corrects types
// that files often get wrong.

#include <string_view>
#include <vector>

#include "engine/gguf/gguf.h"
#include "engine/tokenizer/token_table.h"

namespace foreword::engine {

struct TokenRoles {
  FillInMiddle fill_in_middle;
  std::vector<TokenId> end_of_generation;  // rising
  std::vector<TokenId> shown_control;      // control in the file, user-defined now: only templates should write them
};

/// Reads the ids of roles and changes types in `tokens`. `eos` may be kNoToken.
Result<TokenRoles> read_roles(const Metadata& metadata, TokenId eos, TokenTable& tokens);

/// The id under `tokenizer.ggml.` + `name`; `otherwise` if there is none, or (with a warning) one outside the
/// vocabulary.
Result<TokenId> read_token_id(const Metadata& metadata, std::string_view name, TokenId otherwise,
                              const TokenTable& tokens);

}  // namespace foreword::engine
