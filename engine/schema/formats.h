#pragma once
// The table of `format`. Pure.

#include <optional>
#include <string_view>

#include "engine/schema/numbers.h"
#include "engine/schema/regular.h"

namespace foreword::engine {

/// A row: texts that surely have the format (an expression of the whole text; fewer than the format allows), or the numbers, or neither, where
/// the word only tells what a value means.
struct Format {
  std::string_view name;
  std::string_view expression = {};
  std::string_view least = {}, most = {};  // of whole numbers
};

/// nullptr: a format that is not known, or whose texts cannot be kept.
const Format* find_format(std::string_view name);
/// `format` has an expression.
Result<Regular> language_of(const Format& format);

}  // namespace foreword::engine
