#include "engine/template/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace foreword::engine::jinja {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

std::string hex(std::uint32_t value, int n_digits) {
  std::string out(static_cast<std::size_t>(n_digits), '0');
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, value >>= 4) *digit = kHexDigits[value & 15];
  return out;
}

/// Python's quotes and escapes. Every byte of an escape has the origin of what it stands for.
void print_text_repr(Runtime& runtime, const Text& text, Text& out) {
  const std::string& bytes = text.bytes();
  runtime.walk(bytes.size());
  const bool has_single = bytes.find('\'') != std::string::npos;
  const char quote = has_single && bytes.find('"') == std::string::npos ? '"' : '\'';
  Text quoted;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    std::string escaped;
    if (c.code_point == quote || c.code_point == '\\') {
      escaped = {'\\', static_cast<char>(c.code_point)};
    } else if (c.code_point == '\n') {
      escaped = "\\n";
    } else if (c.code_point == '\r') {
      escaped = "\\r";
    } else if (c.code_point == '\t') {
      escaped = "\\t";
    } else if (c.code_point < 0) {
      escaped = "\\x" + hex(static_cast<unsigned char>(bytes[at]), 2);
    } else if (!is_printable(c.code_point)) {
      const auto value = static_cast<std::uint32_t>(c.code_point);
      escaped = value < 0x100 ? "\\x" + hex(value, 2) : value < 0x10000 ? "\\u" + hex(value, 4) : "\\U" + hex(value, 8);
    } else {
      escaped = bytes.substr(at, c.size);
    }
    quoted.append(escaped, text.trusted_at(at));
    at += c.size;
  }
  runtime.write(out, std::string_view(&quote, 1));
  runtime.write(out, quoted);
  runtime.write(out, std::string_view(&quote, 1));
}

void print_dict(Runtime& runtime, const Dict& dict, Text& out) {
  runtime.write(out, "{");
  for (std::size_t i = 0; i < dict.entries.size(); ++i) {
    if (i > 0) runtime.write(out, ", ");
    print_repr(runtime, dict.entries[i].first, out);
    runtime.write(out, ": ");
    print_repr(runtime, dict.entries[i].second, out);
  }
  runtime.write(out, "}");
}

void print_list(Runtime& runtime, const List& list, Text& out) {
  if (list.flavour == List::Flavour::lazy) return runtime.write(out, "<generator object>");
  const bool is_tuple = list.is_tuple();
  runtime.write(out, is_tuple ? "(" : "[");
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) runtime.write(out, ", ");
    print_repr(runtime, list.items[i], out);
  }
  if (is_tuple && list.items.size() == 1) runtime.write(out, ",");
  runtime.write(out, is_tuple ? ")" : "]");
}

}  // namespace

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string scientific(buffer, end);
  std::string out = scientific.front() == '-' ? "-" : "";
  scientific.erase(0, out.size());
  const std::size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  std::string digits = scientific.substr(0, e);
  if (exponent < -4 || exponent >= 16) return out + scientific;
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto before_point = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= before_point) return out + digits + std::string(before_point - digits.size(), '0') + ".0";
  return out + digits.substr(0, before_point) + "." + digits.substr(before_point);
}

void print(Runtime& runtime, const Value& value, Text& out) {
  if (value.is(Kind::undefined)) return;
  if (value.is(Kind::text)) return runtime.write(out, *value.text);
  print_repr(runtime, value, out);
}

void print_repr(Runtime& runtime, const Value& value, Text& out) {
  runtime.step();
  const Runtime::Level level(runtime);
  switch (value.kind) {
    case Kind::undefined:
      return runtime.write(out, "Undefined");
    case Kind::none:
      return runtime.write(out, "None");
    case Kind::boolean:
      return runtime.write(out, value.boolean ? "True" : "False");
    case Kind::integer:
      return runtime.write(out, std::to_string(value.integer));
    case Kind::real:
      return runtime.write(out, real_text(value.real));
    case Kind::text:
      return print_text_repr(runtime, *value.text, out);
    case Kind::list:
      return print_list(runtime, *value.list, out);
    case Kind::dict:
      return print_dict(runtime, *value.dict, out);
    case Kind::name_space:
      return runtime.write(out, "<Namespace>");
    case Kind::function:
      return runtime.write(out, "<function>");
    case Kind::macro:
      return runtime.write(out, "<Macro>");
    case Kind::loop:
      return runtime.write(out, "<LoopContext>");
  }
}

Text to_text(Runtime& runtime, const Value& value) {
  Text out;
  print(runtime, value, out);
  return out;
}

}  // namespace foreword::engine::jinja
