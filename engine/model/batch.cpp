#include "engine/model/batch.h"

#include <algorithm>

namespace foreword::engine {

std::int32_t Batch::add(std::int32_t token_id, SequenceId sequence_id, std::int32_t parent_row, LogitWish wish) {
  token.push_back(token_id);
  parent.push_back(parent_row);
  sequence.push_back(sequence_id);
  logits.push_back(wish);
  return static_cast<std::int32_t>(token.size() - 1);
}

void Batch::append(const Batch& other) {
  const auto first = static_cast<std::int32_t>(size());
  token.insert(token.end(), other.token.begin(), other.token.end());
  std::ranges::transform(other.parent, std::back_inserter(parent), [first](std::int32_t row) { return row < 0 ? row : row + first; });
  sequence.insert(sequence.end(), other.sequence.begin(), other.sequence.end());
  logits.insert(logits.end(), other.logits.begin(), other.logits.end());
  for (const Mix& mix : other.mixes) mixes.push_back({mix.row + first, mix.tokens, mix.weights});
}

void Batch::clear() { *this = Batch(); }

}  // namespace foreword::engine
