#include <algorithm>
#include <string>

#include "engine/template/functions.h"
#include "engine/template/operators.h"
#include "engine/template/print.h"
#include "engine/template/text_tools.h"

namespace foreword::engine::jinja {
namespace {

using Arguments = CallArguments;

template <Side kSide>
Value strip_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return strip(runtime, *self.text, arguments.positional[0], kSide);
}

template <Side kFrom>
Value split_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::int64_t count = whole_or(arguments.positional[1], -1);
  return runtime.list(split(runtime, *self.text, arguments.positional[0], count, kFrom));
}

Value splitlines(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return runtime.list(split_lines(runtime, *self.text, truth_or(arguments.positional[0], false)));
}

/// Python's s[start:stop] as bytes, for the methods that take a range.
std::string_view range_of(Runtime& runtime, const Value& self, const Value& start, const Value& stop) {
  if (start.is(Kind::undefined) && stop.is(Kind::undefined)) return self.bytes();
  const Value part = get_slice(runtime, self, start, stop, {});
  return part.bytes();
}

template <bool kAtStart>
Value has_affix(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::string_view text = range_of(runtime, self, arguments.positional[1], arguments.positional[2]);
  const auto fits = [&](const Value& affix) {
    const std::string_view wanted = text_argument(affix).bytes();
    return kAtStart ? text.starts_with(wanted) : text.ends_with(wanted);
  };
  const Value& affix = arguments.positional[0];
  if (!affix.is(Kind::list) || !affix.list->is_tuple()) return Value::of(fits(affix));
  return Value::of(std::any_of(affix.list->items.begin(), affix.list->items.end(), fits));
}

template <bool kAtStart>
Value remove_affix(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Text& text = *self.text;
  const std::string& affix = text_argument(arguments.positional[0]).bytes();
  const std::string_view bytes = text.bytes();
  if (kAtStart ? !bytes.starts_with(affix) : !bytes.ends_with(affix)) return self;
  return runtime.text(kAtStart ? text.part(affix.size(), text.size()) : text.part(0, text.size() - affix.size()));
}

Value replace_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return replace(runtime, *self.text, text_argument(arguments.positional[0]), text_argument(arguments.positional[1]),
                 whole_or(arguments.positional[2], -1));
}

Value upper_method(Runtime& runtime, const Value& self, const Arguments&) { return upper(runtime, *self.text); }
Value lower_method(Runtime& runtime, const Value& self, const Arguments&) { return lower(runtime, *self.text); }
Value casefold(Runtime& runtime, const Value& self, const Arguments&) {
  runtime.walk(self.text->size());
  Text out;
  append_folded(out, *self.text);
  return runtime.text(std::move(out));
}
Value capitalize_method(Runtime& runtime, const Value& self, const Arguments&) {
  return capitalize(runtime, *self.text);
}

/// A capital after everything that is no letter.
Value title_method(Runtime& runtime, const Value& self, const Arguments&) {
  const Text& text = *self.text;
  runtime.walk(text.size());
  Text out;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text.bytes(), at);
    append_mapped(out, text, at, at + c.size, in_word ? to_lower : to_title);
    in_word = c.code_point >= 0 && is_letter(c.code_point);
    at += c.size;
  }
  return runtime.text(std::move(out));
}

Value swapcase(Runtime& runtime, const Value& self, const Arguments&) {
  const Text& text = *self.text;
  runtime.walk(text.size());
  Text out;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text.bytes(), at);
    append_mapped(out, text, at, at + c.size, c.code_point >= 0 && is_upper(c.code_point) ? to_lower : to_upper);
    at += c.size;
  }
  return runtime.text(std::move(out));
}

template <bool kFirst, bool kMust>
Value find_method_of_text(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::string_view text = range_of(runtime, self, arguments.positional[1], arguments.positional[2]);
  const std::string& needle = text_argument(arguments.positional[0]).bytes();
  runtime.scan(text.size());
  const std::size_t at = kFirst ? find_bytes(text, needle) : find_last_bytes(text, needle);
  if (at == std::string_view::npos && kMust) fail("a string does not hold what is looked for");
  if (at == std::string_view::npos) return Value::of(std::int64_t{-1});
  const std::int64_t size = length(runtime, self);
  const std::int64_t start = whole_or(arguments.positional[1], 0);
  const std::int64_t before = std::clamp<std::int64_t>(start < 0 ? start + size : start, 0, size);
  return Value::of(before + static_cast<std::int64_t>(count_characters(text.substr(0, at))));
}

Value count_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::string_view text = range_of(runtime, self, arguments.positional[1], arguments.positional[2]);
  const std::string& needle = text_argument(arguments.positional[0]).bytes();
  runtime.scan(text.size());
  if (needle.empty()) return Value::of(static_cast<std::int64_t>(count_characters(text)) + 1);
  std::int64_t count = 0;
  for (std::size_t at = find_bytes(text, needle); at != std::string_view::npos;
       at = find_bytes(text, needle, at + needle.size())) {
    ++count;
  }
  return Value::of(count);
}

Value join_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Values items = iterate(runtime, arguments.positional[0]);
  for (const Value& item : items) text_argument(item);
  return join(runtime, items, *self.text);
}

/// True if every character fits and there is one.
template <bool (*kFits)(std::int32_t)>
Value all_characters(Runtime& runtime, const Value& self, const Arguments&) {
  const std::string& bytes = self.bytes();
  runtime.scan(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    if (c.code_point < 0 || !kFits(c.code_point)) return Value::of(false);
    at += c.size;
  }
  return Value::of(!bytes.empty());
}

bool is_decimal_digit(std::int32_t c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(std::int32_t c) { return is_letter(c) || is_decimal_digit(c); }

/// True if there is a letter with case, and none of the other case.
template <bool (*kWanted)(std::int32_t), bool (*kUnwanted)(std::int32_t)>
Value has_case(Runtime& runtime, const Value& self, const Arguments&) {
  const std::string& bytes = self.bytes();
  runtime.scan(bytes.size());
  bool found = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    if (c.code_point >= 0 && kUnwanted(c.code_point)) return Value::of(false);
    found = found || (c.code_point >= 0 && kWanted(c.code_point));
    at += c.size;
  }
  return Value::of(found);
}

/// Capitals behind what is no letter with case and small ones behind such a letter, and one of them at least.
Value istitle(Runtime& runtime, const Value& self, const Arguments&) {
  const std::string& bytes = self.bytes();
  runtime.scan(bytes.size());
  bool found = false, in_word = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    const bool upper = c.code_point >= 0 && is_upper(c.code_point), lower = c.code_point >= 0 && is_lower(c.code_point);
    if ((upper && in_word) || (lower && !in_word)) return Value::of(false);
    in_word = upper || lower;
    found = found || in_word;
    at += c.size;
  }
  return Value::of(found);
}

/// Spaces up to the next column that is a multiple of the size; columns begin anew behind a line's end.
Value expandtabs(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Text& text = *self.text;
  const std::int64_t size = whole_or(arguments.positional[0], 8);
  runtime.walk(text.size());
  Text out;
  std::int64_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text.bytes(), at);
    if (c.code_point == '\t') {
      const std::int64_t n = size > 0 ? size - column % size : 0;
      runtime.charge(static_cast<std::size_t>(n));
      runtime.write(out, std::string(static_cast<std::size_t>(n), ' '), text.trusted_at(at));
      column += n;
    } else {
      runtime.write(out, text, at, at + c.size);
      column = c.code_point == '\n' || c.code_point == '\r' ? 0 : column + 1;
    }
    at += c.size;
  }
  return runtime.text(std::move(out));
}

template <Side kSide>
Value justify(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Value& fill = arguments.positional[1];
  const Text padding = fill.is(Kind::undefined) ? Text(" ") : text_argument(fill);
  if (count_characters(padding.bytes()) != 1) fail("padding must be one character");
  const std::int64_t width = whole_or(arguments.positional[0], 0), size = length(runtime, self);
  if (width <= size) return self;
  const std::int64_t missing = width - size;
  runtime.charge(static_cast<std::size_t>(missing), padding.memory());
  Text out;
  if (kSide == Side::left) out.append(*self.text);
  for (std::int64_t i = 0; i < missing; ++i) out.append(padding);
  if (kSide == Side::right) out.append(*self.text);
  return runtime.text(std::move(out));
}

Value center_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return center(runtime, *self.text, whole_or(arguments.positional[0], 0));
}

Value zfill(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Text& text = *self.text;
  const std::int64_t width = whole_or(arguments.positional[0], 0), size = length(runtime, self);
  if (width <= size) return self;
  const std::int64_t missing = width - size;
  runtime.charge(static_cast<std::size_t>(missing));
  const std::size_t sign = !text.empty() && (text.bytes()[0] == '-' || text.bytes()[0] == '+') ? 1 : 0;
  Text out = text.part(0, sign);
  out.append(std::string(static_cast<std::size_t>(missing), '0'));
  out.append(text, sign, text.size());
  return runtime.text(std::move(out));
}

template <Side kFrom>
Value partition(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Values parts = split(runtime, *self.text, arguments.positional[0], 1, kFrom);
  const Value nothing = runtime.text("");
  if (parts.size() == 2) {
    return runtime.list({parts[0], arguments.positional[0], parts[1]}, List::Flavour::tuple);
  }
  const Values whole = kFrom == Side::left ? Values{self, nothing, nothing} : Values{nothing, nothing, self};
  return runtime.list(whole, List::Flavour::tuple);
}

/// Fields {}, {0} and {name}; no attributes, conversions or widths.
Value format_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Text& format = *self.text;
  const std::string& bytes = format.bytes();
  Text out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t brace = std::min(bytes.find_first_of("{}", at), bytes.size());
    runtime.write(out, format, at, brace);
    at = brace + 1;
    if (brace == bytes.size()) break;
    if (at < bytes.size() && bytes[at] == bytes[brace]) {
      runtime.write(out, format, at, at + 1);
      ++at;
      continue;
    }
    const std::size_t close = bytes.find('}', at);
    if (bytes[brace] == '}' || close == std::string::npos) fail("a format has a single brace");
    const std::string field = bytes.substr(at, close - at);
    const Value* value = arguments.find(field);
    const bool is_index = field.size() < 6 && field.find_first_not_of("0123456789") == std::string::npos;
    if (is_index) {
      const std::size_t index = field.empty() ? used++ : static_cast<std::size_t>(std::stoul(field));
      value = index < arguments.positional.size() ? &arguments.positional[index] : nullptr;
    }
    if (value == nullptr) fail("a format names '" + field + "', which is not known here");
    print(runtime, *value, out);
    at = close + 1;
  }
  return runtime.text(std::move(out));
}

constexpr Function kTextMethods[] = {
    {"strip", "?chars", strip_method<Side::both>},
    {"lstrip", "?chars", strip_method<Side::left>},
    {"rstrip", "?chars", strip_method<Side::right>},
    {"split", "?sep maxsplit", split_method<Side::left>},
    {"rsplit", "?sep maxsplit", split_method<Side::right>},
    {"splitlines", "?keepends", splitlines},
    {"startswith", "prefix ?start end", has_affix<true>},
    {"endswith", "suffix ?start end", has_affix<false>},
    {"removeprefix", "prefix", remove_affix<true>},
    {"removesuffix", "suffix", remove_affix<false>},
    {"replace", "old new ?count", replace_method},
    {"upper", "", upper_method},
    {"lower", "", lower_method},
    {"title", "", title_method},
    {"casefold", "", casefold},
    {"capitalize", "", capitalize_method},
    {"swapcase", "", swapcase},
    {"find", "sub ?start end", find_method_of_text<true, false>},
    {"rfind", "sub ?start end", find_method_of_text<false, false>},
    {"index", "sub ?start end", find_method_of_text<true, true>},
    {"rindex", "sub ?start end", find_method_of_text<false, true>},
    {"count", "sub ?start end", count_method},
    {"join", "items", join_method},
    {"isdigit", "", all_characters<is_decimal_digit>},
    {"isdecimal", "", all_characters<is_decimal_digit>},
    {"isnumeric", "", all_characters<is_decimal_digit>},
    {"isalpha", "", all_characters<is_letter>},
    {"isalnum", "", all_characters<is_letter_or_digit>},
    {"isspace", "", all_characters<is_space>},
    {"isupper", "", has_case<is_upper, is_lower>},
    {"islower", "", has_case<is_lower, is_upper>},
    {"istitle", "", istitle},
    {"expandtabs", "?tabsize", expandtabs},
    {"ljust", "width ?fillchar", justify<Side::left>},
    {"rjust", "width ?fillchar", justify<Side::right>},
    {"center", "width", center_method},
    {"zfill", "width", zfill},
    {"partition", "sep", partition<Side::left>},
    {"rpartition", "sep", partition<Side::right>},
    {"format", "*", format_method},
};

}  // namespace

std::span<const Function> text_methods() { return kTextMethods; }

}  // namespace foreword::engine::jinja
