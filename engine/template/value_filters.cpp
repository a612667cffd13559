#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "engine/template/functions.h"
#include "engine/template/operators.h"
#include "engine/template/print.h"
#include "engine/template/text_tools.h"

namespace foreword::engine::jinja {
namespace {

using Arguments = CallArguments;

Value default_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const bool by_truth = truth_or(arguments.positional[1], false);
  if (!self.is(Kind::undefined) && (!by_truth || truth(self))) return self;
  return arguments.positional[0].is(Kind::undefined) ? runtime.text("") : arguments.positional[0];
}

Value tojson(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto& [ensure_ascii, indent, separators, sort_keys] =
      std::tie(arguments.positional[0], arguments.positional[1], arguments.positional[2], arguments.positional[3]);
  JsonStyle style;
  style.ensure_ascii = truth_or(ensure_ascii, false);
  style.sort_keys = truth_or(sort_keys, false);
  if (indent.is(Kind::text)) {
    style.indented = true;
    style.indent = indent.bytes();
  } else if (!indent.is(Kind::undefined) && !indent.is(Kind::none)) {
    style.indented = true;
    style.indent.assign(static_cast<std::size_t>(std::clamp<std::int64_t>(whole_or(indent, 0), 0, 1000)), ' ');
  }
  if (style.indented) style.item_separator = ",";
  if (separators.is(Kind::list) && separators.list->items.size() == 2) {
    style.item_separator = text_argument(separators.list->items[0]).bytes();
    style.key_separator = text_argument(separators.list->items[1]).bytes();
  }
  Text out;
  print_json(runtime, self, style, out);
  return runtime.text(std::move(out));
}

std::string without_underscores(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  return text;
}

std::string stripped(Runtime& runtime, const Value& value) {
  return without_underscores(strip(runtime, *value.text, {}, Side::both).bytes());
}

bool parse_real(std::string text, double& out) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  const auto result = std::from_chars(begin, end, out);
  return result.ec == std::errc() && result.ptr == end;
}

bool parse_whole(std::string text, std::int64_t base, std::int64_t& out) {
  bool is_negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    is_negative = text[0] == '-';
    text.erase(0, 1);
  }
  if (text.size() > 2 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    if ((base == 16 && letter == 'x') || (base == 8 && letter == 'o') || (base == 2 && letter == 'b')) text.erase(0, 2);
  }
  if (text.empty() || text[0] == '-') return false;
  if (is_negative) text.insert(0, 1, '-');
  const auto result = std::from_chars(text.data(), text.data() + text.size(), out, static_cast<int>(base));
  if (result.ec == std::errc::result_out_of_range) fail("a number is out of range");
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

Value truncated(double value) {
  if (!(std::fabs(value) < 9223372036854775808.0)) fail("a number is out of range");
  return Value::of(static_cast<std::int64_t>(value));
}

Value int_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (self.is_whole()) return Value::of(self.whole());
  if (self.is(Kind::real)) return truncated(self.real);
  if (self.is(Kind::undefined)) fail("'int' of something undefined");
  if (self.is(Kind::text)) {
    const std::int64_t base = whole_or(arguments.positional[1], 10);
    if (base < 2 || base > 36) fail("'int' knows no such base");
    const std::string text = stripped(runtime, self);
    std::int64_t whole = 0;
    if (parse_whole(text, base, whole)) return Value::of(whole);
    double real = 0;
    if (parse_real(text, real) && std::isfinite(real)) return truncated(real);
  }
  return arguments.positional[0].is(Kind::undefined) ? Value::of(std::int64_t{0}) : arguments.positional[0];
}

Value float_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (self.is_number()) return Value::of(self.number());
  if (self.is(Kind::undefined)) fail("'float' of something undefined");
  double real = 0;
  if (self.is(Kind::text) && parse_real(stripped(runtime, self), real)) return Value::of(real);
  return arguments.positional[0].is(Kind::undefined) ? Value::of(0.0) : arguments.positional[0];
}

Value absolute(Runtime&, const Value& self, const Arguments&) {
  if (self.is(Kind::real)) return Value::of(std::fabs(self.real));
  if (!self.is_whole()) fail("'abs' needs a number, not " + std::string(kind_name(self)));
  return self.whole() < 0 ? negated(self) : Value::of(self.whole());
}

/// round() of Python: the nearest decimal of the exact value, halves to even.
double round_half_even(double value, int digits) {
  char buffer[512];
  if (!std::isfinite(value) || digits > 300) return value;
  if (digits < 0) {
    const double scale = std::pow(10.0, -digits);
    return std::nearbyint(value / scale) * scale;
  }
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, digits);
  if (end.ec != std::errc()) return value;
  double rounded = value;
  std::from_chars(buffer, end.ptr, rounded);
  return rounded;
}

Value round_filter(Runtime&, const Value& self, const Arguments& arguments) {
  if (!self.is_number()) fail("'round' needs a number, not " + std::string(kind_name(self)));
  const int digits = static_cast<int>(std::clamp<std::int64_t>(whole_or(arguments.positional[0], 0), -300, 400));
  const std::string method =
      arguments.positional[1].is(Kind::undefined) ? "common" : text_argument(arguments.positional[1]).bytes();
  if (method == "common") {
    if (self.is_whole() && digits >= 0) return Value::of(self.whole());
    const double rounded = round_half_even(self.number(), digits);
    return self.is_whole() ? truncated(rounded) : Value::of(rounded);
  }
  if (method != "ceil" && method != "floor") fail("'round' knows common, ceil and floor");
  const double scale = std::pow(10.0, digits);
  const double scaled = self.number() * scale;
  return Value::of((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value attr(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::string& name = text_argument(arguments.positional[0]).bytes();
  if (self.is(Kind::dict) && find_method(Kind::dict, name) == nullptr) return {};
  return get_attribute(runtime, self, name);
}

constexpr Function kFilters[] = {
    {"default", "?default_value boolean", default_filter},
    {"d", "?default_value boolean", default_filter},
    {"tojson", "?ensure_ascii indent separators sort_keys", tojson},
    {"int", "?default base", int_filter},
    {"float", "?default", float_filter},
    {"abs", "", absolute},
    {"round", "?precision method", round_filter},
    {"attr", "name", attr},
};

}  // namespace

std::span<const Function> value_filters() { return kFilters; }

}  // namespace foreword::engine::jinja
