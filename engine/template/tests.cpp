// The tests behind `is`: rows that answer with a boolean.

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/template/functions.h"
#include "engine/template/operators.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {
namespace {

using Arguments = CallArguments;

template <Kind kKind>
Value is_kind(Runtime&, const Value& self, const Arguments&) {
  return Value::of(self.is(kKind));
}

Value is_defined(Runtime&, const Value& self, const Arguments&) { return Value::of(!self.is(Kind::undefined)); }

template <bool kWanted>
Value is_boolean_value(Runtime&, const Value& self, const Arguments&) {
  return Value::of(self.is(Kind::boolean) && self.boolean == kWanted);
}

Value is_number(Runtime&, const Value& self, const Arguments&) { return Value::of(self.is_number()); }

Value is_iterable_value(Runtime&, const Value& self, const Arguments&) {
  return Value::of(is_iterable(self) || self.is(Kind::loop));
}

/// What has a length and subscripts. Undefined has both, as far as Jinja can see.
Value is_sequence(Runtime&, const Value& self, const Arguments&) {
  if (self.is(Kind::list)) return Value::of(self.list->is_indexable());
  return Value::of(is_iterable(self));
}

/// What has a __call__, which undefined has too: it fails when it is called.
Value is_callable(Runtime&, const Value& self, const Arguments&) {
  return Value::of(self.is(Kind::function) || self.is(Kind::macro) || self.is(Kind::undefined));
}

template <CompareOperator kOp>
Value compares(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return Value::of(compare(runtime, kOp, self, arguments.positional[0]));
}

Value same_as(Runtime&, const Value& self, const Arguments& arguments) {
  const Value& other = arguments.positional[0];
  if (self.kind != other.kind) return Value::of(false);
  switch (self.kind) {
    case Kind::undefined:
    case Kind::none:
      return Value::of(true);
    case Kind::boolean:
      return Value::of(self.boolean == other.boolean);
    case Kind::real:
      return Value::of(self.real == other.real);
    default:  // a number or a pointer, all of the same width
      return Value::of(self.integer == other.integer);
  }
}

bool divides(Runtime& runtime, const Value& value, const Value& divisor) {
  const Value rest = binary(runtime, BinaryOperator::modulo, value, divisor);
  return !truth(rest);
}

Value is_divisible(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return Value::of(divides(runtime, self, arguments.positional[0]));
}

template <bool kWanted>
Value is_even(Runtime& runtime, const Value& self, const Arguments&) {
  return Value::of(divides(runtime, self, Value::of(std::int64_t{2})) == kWanted);
}

template <bool kUpper>
Value has_one_case(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Value text = runtime.text(to_text(runtime, self));
  return call(runtime, *find_method(Kind::text, kUpper ? "isupper" : "islower"), text, arguments);
}

Value is_filter(Runtime&, const Value& self, const Arguments&) {
  return Value::of(self.is(Kind::text) && find_filter(self.bytes()) != nullptr);
}

Value is_test(Runtime&, const Value& self, const Arguments&) {
  return Value::of(self.is(Kind::text) && find_test(self.bytes()) != nullptr);
}

Value is_escaped(Runtime&, const Value&, const Arguments&) { return Value::of(false); }

constexpr auto kEqual = compares<CompareOperator::equal>;
constexpr auto kNotEqual = compares<CompareOperator::not_equal>;
constexpr auto kLess = compares<CompareOperator::less>;
constexpr auto kLessEqual = compares<CompareOperator::less_equal>;
constexpr auto kGreater = compares<CompareOperator::greater>;
constexpr auto kGreaterEqual = compares<CompareOperator::greater_equal>;

constexpr Function kTests[] = {
    {"defined", "", is_defined},
    {"undefined", "", is_kind<Kind::undefined>},
    {"none", "", is_kind<Kind::none>},
    {"boolean", "", is_kind<Kind::boolean>},
    {"true", "", is_boolean_value<true>},
    {"false", "", is_boolean_value<false>},
    {"integer", "", is_kind<Kind::integer>},
    {"float", "", is_kind<Kind::real>},
    {"number", "", is_number},
    {"string", "", is_kind<Kind::text>},
    {"mapping", "", is_kind<Kind::dict>},
    {"iterable", "", is_iterable_value},
    {"sequence", "", is_sequence},
    {"callable", "", is_callable},
    {"sameas", "other", same_as},
    {"escaped", "", is_escaped},
    {"in", "seq", compares<CompareOperator::in>},
    {"eq", "other", kEqual},
    {"equalto", "other", kEqual},
    {"==", "other", kEqual},
    {"ne", "other", kNotEqual},
    {"!=", "other", kNotEqual},
    {"lt", "other", kLess},
    {"lessthan", "other", kLess},
    {"<", "other", kLess},
    {"le", "other", kLessEqual},
    {"<=", "other", kLessEqual},
    {"gt", "other", kGreater},
    {"greaterthan", "other", kGreater},
    {">", "other", kGreater},
    {"ge", "other", kGreaterEqual},
    {">=", "other", kGreaterEqual},
    {"divisibleby", "num", is_divisible},
    {"even", "", is_even<true>},
    {"odd", "", is_even<false>},
    {"lower", "", has_one_case<false>},
    {"upper", "", has_one_case<true>},
    {"filter", "", is_filter},
    {"test", "", is_test},
};

}  // namespace

const Function* find_test(std::string_view name) {
  const auto* row =
      std::find_if(std::begin(kTests), std::end(kTests), [&](const Function& f) { return f.name == name; });
  return row == std::end(kTests) ? nullptr : row;
}

}  // namespace foreword::engine::jinja
