#include "engine/autocomplete/draft_plan.h"

#include <algorithm>

#include "engine/autocomplete/superposed_drafts.h"

namespace foreword::engine {
namespace {

// T(all rows) / T(one row) up to which all drafts are worth it, and from which on only one is.
constexpr double kCheap = 1.3, kDear = 2;

}  // namespace

DraftLimits planned(DraftLimits wanted, const DraftConditions& conditions) {
  const double ratio = conditions.all_rows / conditions.one_row;
  const bool in_time = static_cast<double>(wanted.max_tokens) * conditions.all_rows <= conditions.deadline;
  if (in_time || ratio <= kCheap) return wanted;
  if (ratio < kDear) {
    wanted.count = std::min(wanted.count, 2);
  } else if (conditions.approximate && wanted.count > 1) {
    wanted.method = DraftMethod::superposed;
    wanted.max_tokens = std::min(wanted.max_tokens, kMostSuperposedTokens);
  } else {
    wanted.count = 1;
  }
  return wanted;
}

}  // namespace foreword::engine
