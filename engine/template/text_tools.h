#pragma once
// String operations that filters and methods share. All keep the origin of every byte.

#include <cstdint>
#include <limits>

#include "engine/template/value.h"

namespace foreword::engine::jinja {

inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

enum class Side : std::uint8_t { left, right, both };
/// Without the characters of `chars` (undefined or none: white space) at its ends.
Value strip(Runtime& runtime, const Text& text, const Value& chars, Side side);
Value replace(Runtime& runtime, const Text& text, const Text& from, const Text& to, std::int64_t count);
/// At white space (separator undefined or none) or at a text, at most `count` times, from the left or the right.
Values split(Runtime& runtime, const Text& text, const Value& separator, std::int64_t count, Side from);
Values split_lines(Runtime& runtime, const Text& text, bool keep_ends);
Value upper(Runtime& runtime, const Text& text);
Value lower(Runtime& runtime, const Text& text);
Value capitalize(Runtime& runtime, const Text& text);
/// Items as texts with `separator` between them.
Value join(Runtime& runtime, const Values& items, const Text& separator);
Value center(Runtime& runtime, const Text& text, std::int64_t width);

}  // namespace foreword::engine::jinja
