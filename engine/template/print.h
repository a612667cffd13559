#pragma once
// Values as text, the way Python writes them: str(), repr(), json.dumps() and "%" formatting.

#include <string>

#include "engine/template/value.h"

namespace foreword::engine::jinja {

/// repr() of a float: the shortest digits that give the same number back, exponent form outside 1e-4 .. 1e16.
std::string real_text(double value);

/// str(): a text as it is, undefined as nothing, containers with the repr() of their items.
void print(Runtime& runtime, const Value& value, Text& out);
void print_repr(Runtime& runtime, const Value& value, Text& out);
Text to_text(Runtime& runtime, const Value& value);

struct JsonStyle {
  bool indented = false;
  std::string indent;  // of one level
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// json.dumps() without HTML escapes. Fails for undefined and functions.
void print_json(Runtime& runtime, const Value& value, const JsonStyle& style, Text& out);

/// format % arguments; a tuple gives several, a dict named ones.
Text format_percent(Runtime& runtime, const Text& format, const Value& arguments);

}  // namespace foreword::engine::jinja
