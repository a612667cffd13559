#pragma once
// A draft, what limits one, and the ways to make several: plain structs.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

/// Why a draft goes no further.
enum class DraftEnd : std::uint8_t { running, sentence, line, end_of_text, length, unsure };
std::string_view name_of(DraftEnd end);  // "running", "sentence", ...

/// How drafts are made; a row of draft_methods() each.
enum class DraftMethod : std::uint8_t { batched, beam, superposed };

struct DraftMethodRow {
  DraftMethod method;
  std::string_view name;   // of --method
  std::string_view about;  // a few words for a list
  bool exact;              // scores are those of the model, and a draft does not depend on the others' number
};
std::span<const DraftMethodRow> draft_methods();
const DraftMethodRow& row_of(DraftMethod method);
std::optional<DraftMethod> draft_method_from_name(std::string_view name);

struct DraftLimits {
  std::int32_t count = 3;        // drafts wanted
  std::int64_t max_tokens = 12;  // of each; extend() raises it
  double least_mean_log_prob = -std::numeric_limits<double>::infinity();  // nats a token; below: cut at the last word above it
  double least_share = 0.1;      // a token less likely than this share of the mean of those before it ends its draft; 0 = off
  DraftMethod method = DraftMethod::batched;
};

struct Draft {
  std::int32_t id = 0;         // its rank at the first token: 0 is the greedy one. Superposed: its rank
  std::string text;            // whole words only while it runs; what follows the text before the caret
  std::vector<TokenId> ids;    // all tokens, those of a piece of a word that was held back included
  std::vector<float> log_probs;  // of each of them
  double score = 0;            // mean of log_probs, nats a token
  DraftEnd end = DraftEnd::running;
};

}  // namespace foreword::engine
