#pragma once
// What operators, subscripts and attributes mean for values, as Python and Jinja have it.

#include <cstdint>
#include <string_view>

#include "engine/template/ast.h"
#include "engine/template/value.h"

namespace foreword::engine::jinja {

bool truth(const Value& value);
bool equal(Runtime& runtime, const Value& a, const Value& b);
/// a < b. Fails for kinds without an order between them.
bool less(Runtime& runtime, const Value& a, const Value& b);
bool compare(Runtime& runtime, CompareOperator op, const Value& a, const Value& b);
bool contains(Runtime& runtime, const Value& container, const Value& item);

Value binary(Runtime& runtime, BinaryOperator op, const Value& a, const Value& b);
Value negated(const Value& value);
Value positive(const Value& value);

/// len(). Fails where Python has none.
std::int64_t length(Runtime& runtime, const Value& value);
/// The items that a loop sees: of a list, the keys of a dict, the characters of a text, nothing of undefined. Uses a
/// lazy list up.
Values iterate(Runtime& runtime, const Value& value);
bool is_iterable(const Value& value);

/// value.name: methods first, then keys. Fails for undefined; a missing name gives undefined.
Value get_attribute(Runtime& runtime, const Value& value, std::string_view name);
/// value[key]: items first, then attributes. Fails for undefined; a missing key gives undefined.
Value get_item(Runtime& runtime, const Value& value, const Value& key);
/// value[start:stop:step], each of them a whole number, none or undefined (= left out).
Value get_slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop, const Value& step);

/// Kinds in words, for failures.
std::string_view kind_name(const Value& value);

}  // namespace foreword::engine::jinja
