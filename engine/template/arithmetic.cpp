#include <cmath>
#include <string>

#include "engine/template/operators.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {
namespace {

[[noreturn]] void out_of_range() { fail("a number is out of range"); }

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) fail("a division by zero");
  if (b == -1) {
    std::int64_t result = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &result)) out_of_range();
    return result;
  }
  const std::int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) fail("a division by zero");
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail("a division by zero");
    return Value::of(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  for (bool is_first = true; exponent > 0; exponent >>= 1, is_first = false) {
    if (!is_first && __builtin_mul_overflow(base, base, &base)) out_of_range();
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) out_of_range();
  }
  return Value::of(result);
}

Value whole_binary(BinaryOperator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case BinaryOperator::add:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case BinaryOperator::subtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case BinaryOperator::multiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case BinaryOperator::divide:
      if (b == 0) fail("a division by zero");
      return Value::of(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOperator::floor_divide:
      return Value::of(floor_divide(a, b));
    case BinaryOperator::modulo:
      return Value::of(modulo(a, b));
    case BinaryOperator::power:
      return power(a, b);
  }
  if (overflow) out_of_range();
  return Value::of(result);
}

Value real_binary(BinaryOperator op, double a, double b) {
  const bool divides =
      op == BinaryOperator::divide || op == BinaryOperator::floor_divide || op == BinaryOperator::modulo;
  if (divides && b == 0) fail("a division by zero");
  switch (op) {
    case BinaryOperator::add:
      return Value::of(a + b);
    case BinaryOperator::subtract:
      return Value::of(a - b);
    case BinaryOperator::multiply:
      return Value::of(a * b);
    case BinaryOperator::divide:
      return Value::of(a / b);
    case BinaryOperator::floor_divide:
      return Value::of(std::floor(a / b));
    case BinaryOperator::modulo: {
      const double rest = std::fmod(a, b);
      return Value::of(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
    }
    case BinaryOperator::power:
      return Value::of(std::pow(a, b));
  }
  return {};
}

Value repeated(Runtime& runtime, const Value& value, std::int64_t count) {
  const auto n = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  if (value.is(Kind::list)) {
    const Values& once = value.list->items;
    if (once.empty()) return runtime.list({}, value.list->flavour);
    runtime.charge(n, once.size() * sizeof(Value));
    Values items;
    items.reserve(n * once.size());
    for (std::size_t i = 0; i < n; ++i) items.insert(items.end(), once.begin(), once.end());
    return runtime.list(std::move(items), value.list->flavour);
  }
  Text text;
  if (value.text->empty()) return runtime.text("");
  runtime.charge(n, value.text->size() + value.text->runs().size() * sizeof(Text::Run));
  for (std::size_t i = 0; i < n; ++i) text.append(*value.text);
  return runtime.text(std::move(text));
}

bool is_repeatable(const Value& value) {
  return value.is(Kind::text) || (value.is(Kind::list) && value.list->is_indexable());
}

}  // namespace

Value binary(Runtime& runtime, BinaryOperator op, const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return whole_binary(op, a.whole(), b.whole());
  if (a.is_number() && b.is_number()) return real_binary(op, a.number(), b.number());
  if (op == BinaryOperator::add && a.is(Kind::text) && b.is(Kind::text)) {
    Text text;
    runtime.write(text, *a.text);
    runtime.write(text, *b.text);
    return runtime.text(std::move(text));
  }
  if (op == BinaryOperator::add && a.is(Kind::list) && b.is(Kind::list) && a.list->is_indexable() &&
      b.list->is_indexable() && a.list->is_tuple() == b.list->is_tuple()) {
    runtime.charge(a.list->items.size() + b.list->items.size(), sizeof(Value));
    Values items = a.list->items;
    items.insert(items.end(), b.list->items.begin(), b.list->items.end());
    return runtime.list(std::move(items), a.list->is_tuple() ? List::Flavour::tuple : List::Flavour::list);
  }
  if (op == BinaryOperator::multiply && is_repeatable(a) && b.is_whole()) return repeated(runtime, a, b.whole());
  if (op == BinaryOperator::multiply && is_repeatable(b) && a.is_whole()) return repeated(runtime, b, a.whole());
  if (op == BinaryOperator::modulo && a.is(Kind::text)) return runtime.text(format_percent(runtime, *a.text, b));
  static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  fail("'" + std::string(kSymbols[static_cast<std::size_t>(op)]) + "' cannot join " + std::string(kind_name(a)) +
       " and " + std::string(kind_name(b)));
}

Value negated(const Value& value) {
  if (value.is(Kind::real)) return Value::of(-value.real);
  if (!value.is_whole()) fail(std::string(kind_name(value)) + " has no negative");
  return whole_binary(BinaryOperator::subtract, 0, value.whole());
}

Value positive(const Value& value) {
  if (value.is(Kind::real)) return value;
  if (!value.is_whole()) fail("'+' needs a number, not " + std::string(kind_name(value)));
  return Value::of(value.whole());
}

}  // namespace foreword::engine::jinja
