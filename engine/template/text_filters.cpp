#include <algorithm>
#include <cctype>
#include <string>

#include "engine/template/functions.h"
#include "engine/template/operators.h"
#include "engine/template/print.h"
#include "engine/template/text_tools.h"

namespace foreword::engine::jinja {
namespace {

using Arguments = CallArguments;

/// A filter's input as a text; what is none is printed first, as Jinja does.
const Text& input_text(Runtime& runtime, const Value& self) {
  return self.is(Kind::text) ? *self.text : *runtime.text(to_text(runtime, self)).text;
}

Value trim(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return strip(runtime, input_text(runtime, self), arguments.positional[0], Side::both);
}

Value upper_filter(Runtime& runtime, const Value& self, const Arguments&) {
  return upper(runtime, input_text(runtime, self));
}

Value lower_filter(Runtime& runtime, const Value& self, const Arguments&) {
  return lower(runtime, input_text(runtime, self));
}

Value capitalize_filter(Runtime& runtime, const Value& self, const Arguments&) {
  return capitalize(runtime, input_text(runtime, self));
}

/// A capital after spaces, "-" and opening brackets only, unlike the method of the same name.
Value title(Runtime& runtime, const Value& self, const Arguments&) {
  const Text& text = input_text(runtime, self);
  runtime.walk(text.size());
  Text out;
  bool begins_word = true;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text.bytes(), at);
    append_mapped(out, text, at, at + c.size, begins_word ? to_upper : to_lower);
    static constexpr std::string_view kBeginners = "-({[<";
    begins_word =
        is_space(c.code_point) || (c.size == 1 && kBeginners.find(text.bytes()[at]) != std::string_view::npos);
    at += c.size;
  }
  return runtime.text(std::move(out));
}

Value replace_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return replace(runtime, input_text(runtime, self), input_text(runtime, arguments.positional[0]),
                 input_text(runtime, arguments.positional[1]), whole_or(arguments.positional[2], -1));
}

Value string_filter(Runtime& runtime, const Value& self, const Arguments&) {
  return Value::of(&input_text(runtime, self));
}

Value safe(Runtime& runtime, const Value& self, const Arguments&) { return Value::of(&input_text(runtime, self)); }

Value escape_html(Runtime& runtime, const Value& self, const Arguments&) {
  const Text& text = input_text(runtime, self);
  Text out;
  std::size_t done = 0;
  const std::string& bytes = text.bytes();
  for (std::size_t at = bytes.find_first_of("&<>'\""); at != std::string::npos;
       at = bytes.find_first_of("&<>'\"", at + 1)) {
    runtime.step();
    runtime.write(out, text, done, at);
    const char c = bytes[at];
    const std::string_view entity = c == '&'   ? "&amp;"
                                    : c == '<' ? "&lt;"
                                    : c == '>' ? "&gt;"
                                    : c == '"' ? "&#34;"
                                               : "&#39;";
    runtime.write(out, entity, text.trusted_at(at));
    done = at + 1;
  }
  runtime.write(out, text, done, bytes.size());
  return runtime.text(std::move(out));
}

/// A text's bytes as they may stand in an address. kQuery: in a pair behind "?", where "/" may not and a space is a plus.
template <bool kQuery>
void write_quoted(Runtime& runtime, const Text& text, Text& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  runtime.walk(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text.bytes()[at]);
    const bool is_plain = (byte < 0x80 && std::isalnum(byte) != 0) || std::string_view(kQuery ? "_.-~" : "_.-~/").find(text.bytes()[at]) != std::string_view::npos;
    if (is_plain) runtime.write(out, text, at, at + 1);
    else if (kQuery && byte == ' ') runtime.write(out, "+", text.trusted_at(at));
    else runtime.write(out, std::string{'%', kHex[byte / 16], kHex[byte % 16]}, text.trusted_at(at));
  }
}

Value urlencode(Runtime& runtime, const Value& self, const Arguments&) {
  Text out;
  const bool has_pairs = self.is(Kind::dict) || self.is(Kind::list);
  if (!has_pairs) write_quoted<false>(runtime, input_text(runtime, self), out);
  const Values pairs = self.is(Kind::dict) ? iterate(runtime, call(runtime, *find_filter("items"), self, {})) : has_pairs ? iterate(runtime, self) : Values{};
  for (const Value& pair : pairs) {
    const Values parts = iterate(runtime, pair);
    if (parts.size() != 2) fail("'urlencode' needs pairs");
    if (!out.empty()) runtime.write(out, "&");
    write_quoted<true>(runtime, input_text(runtime, parts[0]), out);
    runtime.write(out, "=");
    write_quoted<true>(runtime, input_text(runtime, parts[1]), out);
  }
  return runtime.text(std::move(out));
}

Value indent(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Text& text = text_argument(self);
  const Value& width = arguments.positional[0];
  const bool first = truth_or(arguments.positional[1], false);
  const bool blank = truth_or(arguments.positional[2], false);
  Text space;
  if (width.is(Kind::text)) {
    space = *width.text;
  } else {
    const std::int64_t count = std::max<std::int64_t>(whole_or(width, 4), 0);
    runtime.charge(static_cast<std::size_t>(count));
    space.append(std::string(static_cast<std::size_t>(count), ' '));
  }
  // A newline is added before the lines are split, so that one at the end makes an empty last line.
  Text with_newline = text;
  with_newline.append("\n");
  const Values lines = split_lines(runtime, with_newline, false);
  Text out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) runtime.write(out, "\n");
    const bool is_wanted = i == 0 ? first : blank || !lines[i].text->empty();
    if (is_wanted) runtime.write(out, space);
    runtime.write(out, *lines[i].text);
  }
  return runtime.text(std::move(out));
}

Value join_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  Values items = iterate(runtime, self);
  const Value& attribute = arguments.positional[1];
  if (!attribute.is(Kind::undefined) && !attribute.is(Kind::none)) {
    for (Value& item : items) item = get_path(runtime, item, attribute);
  }
  return join(runtime, items, input_text(runtime, arguments.positional[0]));
}

Value center_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return center(runtime, input_text(runtime, self), whole_or(arguments.positional[0], 80));
}

Value wordcount(Runtime& runtime, const Value& self, const Arguments&) {
  const Text& text = input_text(runtime, self);
  runtime.walk(text.size());
  std::int64_t count = 0;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text.bytes(), at);
    const bool is_word = c.code_point >= 0 && (is_letter(c.code_point) || c.code_point == '_' ||
                                               (c.code_point >= '0' && c.code_point <= '9'));
    count += is_word && !in_word ? 1 : 0;
    in_word = is_word;
    at += c.size;
  }
  return Value::of(count);
}

Value truncate(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::int64_t wanted = whole_or(arguments.positional[0], 255);
  const Text end = arguments.positional[2].is(Kind::undefined) ? Text("...") : text_argument(arguments.positional[2]);
  const std::int64_t leeway = whole_or(arguments.positional[3], 5);
  const std::int64_t end_size = static_cast<std::int64_t>(count_characters(end.bytes()));
  if (wanted < end_size || leeway < 0) fail("'truncate' to less than its ending");
  if (length(runtime, self) - leeway <= wanted) return self;
  Value cut = get_slice(runtime, self, {}, Value::of(wanted - end_size), {});
  if (!truth_or(arguments.positional[1], false)) {
    cut = split(runtime, *cut.text, runtime.text(" "), 1, Side::right).front();
  }
  Text out = *cut.text;
  out.append(end);
  return runtime.text(std::move(out));
}

Value format_filter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  Value values;
  if (!arguments.named.empty()) {
    if (!arguments.positional.empty()) fail("'format' takes arguments with names or without, not both");
    values = runtime.dict();
    for (const auto& [name, value] : arguments.named) runtime.set(*values.dict, name, value);
  } else {
    values = runtime.list(arguments.positional, List::Flavour::tuple);
  }
  return runtime.text(format_percent(runtime, input_text(runtime, self), values));
}

constexpr Function kFilters[] = {
    {"trim", "?chars", trim},
    {"upper", "", upper_filter},
    {"lower", "", lower_filter},
    {"capitalize", "", capitalize_filter},
    {"title", "", title},
    {"replace", "old new ?count", replace_filter},
    {"string", "", string_filter},
    {"safe", "", safe},
    {"escape", "", escape_html},
    {"e", "", escape_html},
    {"forceescape", "", escape_html},
    {"urlencode", "", urlencode},
    {"indent", "?width first blank", indent},
    {"join", "?d attribute", join_filter},
    {"center", "?width", center_filter},
    {"wordcount", "", wordcount},
    {"truncate", "?length killwords end leeway", truncate},
    {"format", "*", format_filter},
};

}  // namespace

std::span<const Function> text_filters() { return kFilters; }

}  // namespace foreword::engine::jinja
