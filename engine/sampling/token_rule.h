#pragma once
// What may be said next, where not everything may: a grammar, for one. Asked with every token that is chosen, before any step of the
// sampler, so that these see a row without what is forbidden.

#include <cstdint>
#include <vector>

#include "engine/sampling/logit_row.h"

namespace foreword::engine {

class TokenRule {
 public:
  virtual ~TokenRule() = default;
  /// The row with what may not come next at -inf; valid until the next call and as long as `row`.
  virtual LogitRow allowed(const LogitRow& row) = 0;
  /// This token was chosen.
  virtual void take(std::int32_t token) = 0;
  /// Nothing can follow.
  virtual bool finished() const = 0;
  /// Appends tokens that come next because nothing else can; instead of the last one, one that goes on beyond it may.
  virtual void foresee(std::vector<std::int32_t>& tokens) = 0;
};

}  // namespace foreword::engine
