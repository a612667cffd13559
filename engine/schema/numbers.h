#pragma once
// Numbers within bounds as languages of their spellings. Pure.

#include <optional>
#include <vector>

#include "engine/schema/decimal.h"
#include "engine/schema/regular.h"

namespace foreword::engine {

struct Bound {
  Decimal value;
  bool exclusive = false;
  bool operator==(const Bound&) const = default;
};

/// What a number must be.
struct NumberForm {
  bool whole = true, broken = true;  // may have no fraction but zero; may have another
  std::optional<Bound> least, most;
  std::vector<Decimal> steps;  // a multiple of each; above zero

  bool bounded() const { return least || most || !steps.empty() || whole != broken; }
  /// No number at all is within the bounds; what `steps` allow is not looked at.
  bool contradicts_itself() const;
  bool allows(const Decimal& number) const;
};

/// Spellings without an exponent, of at most kMostDigits digits in front of the point (or as many as the bounds have) and behind it; whole
/// numbers without a point where fractions are excluded; no negative zero. `unsupported`: steps that need too many states.
Result<Regular> number_language(const NumberForm& form);
constexpr int kMostDigits = 18;
/// All spellings of a number without an exponent, with any zeros at their ends.
Result<Regular> spellings_of(const Decimal& number);

}  // namespace foreword::engine
