#pragma once
// Regular expressions of `pattern` (ECMA-262 with the flag u, as JSON Schema has them) as languages. Pure.

#include <string_view>

#include "engine/schema/regular.h"

namespace foreword::engine {

/// Texts in which the expression is found anywhere. All of ECMA-262 but: looking around, backreferences, \b and \B, \p and \P, which are
/// `unsupported` and named. Lazy repetition is as greedy here, groups have no numbers. A { that begins no repetition stands for itself.
/// `invalid_argument`: no expression; `unsupported`: also one with too many states.
Result<Regular> regex_language(std::string_view pattern);

/// The same as a description, of the whole text instead of a part: for expressions of our own.
Result<Expression> regex_expression(std::string_view pattern);

}  // namespace foreword::engine
