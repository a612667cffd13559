#pragma once
// Everything built in that a template can call by name: filters, tests, methods and globals, each a row of a table.

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/template/value.h"

namespace foreword::engine::jinja {

struct CallArguments {
  Values positional;
  std::vector<std::pair<std::string_view, Value>> named;

  const Value* find(std::string_view name) const;
};

struct Function {
  std::string_view name;
  /// Names of the parameters; "?" before the first one that may be missing, "*" alone takes whatever comes. `call`
  /// then gets one positional argument a parameter (undefined where missing) and no named ones.
  std::string_view parameters;
  Value (*call)(Runtime& runtime, const Value& self, const CallArguments& arguments);
};

/// Binds the arguments to the parameters and calls. `self` is a filter's input, a test's subject, a method's object.
Value call(Runtime& runtime, const Function& function, const Value& self, CallArguments arguments);

// nullptr if there is none of that name.
const Function* find_filter(std::string_view name);
const Function* find_test(std::string_view name);
const Function* find_method(Kind kind, std::string_view name);
std::span<const Function> global_functions();

// The tables behind them, one a file.
std::span<const Function> text_filters();
std::span<const Function> list_filters();
std::span<const Function> value_filters();
std::span<const Function> text_methods();

// How functions read their arguments; `otherwise` stands for a missing one.
std::int64_t whole_or(const Value& value, std::int64_t otherwise);
bool truth_or(const Value& value, bool otherwise);
/// A text argument's value; fails for other kinds. The result lives as long as the runtime.
const Text& text_argument(const Value& value);

/// The value at a path like "function.name" or 0, as filters with `attribute` look it up.
Value get_path(Runtime& runtime, const Value& value, const Value& path);

}  // namespace foreword::engine::jinja
