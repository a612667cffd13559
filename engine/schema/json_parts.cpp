#include "engine/schema/json_parts.h"

#include <array>
#include <map>
#include <string>

namespace foreword::engine {
namespace {

constexpr int kIndented = 20;
constexpr int kWholeDigits = 18, kFractionDigits = 17, kExponentDigits = 2;

const CharSet kControls = {{0, 0x1F}};
const CharSet kEscaped = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};

struct Escape {
  char32_t c;
  char letter;
};
constexpr Escape kEscapes[] = {{'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

constexpr std::string_view kHex = "0123456789abcdefABCDEF", kDigits = "0123456789", kSigns = "+-";

}  // namespace

using Part = GrammarBuilder::Part;

template <class Make>
Part JsonParts::once(std::optional<Part>& known, const char* name, Make make) {
  if (!known) {
    const GrammarBuilder::Rule rule = builder_.rule(name);
    known = builder_.call(rule);
    builder_.define(rule, make());
  }
  return *known;
}

Part JsonParts::byte_of(std::string_view bytes) {
  ByteSet set;
  for (const char byte : bytes) set.set(static_cast<std::uint8_t>(byte));
  return builder_.byte(set);
}

Part JsonParts::space() {
  return once(space_, "space", [&] {
    return builder_.choice({builder_.nothing(), builder_.text(" "), builder_.sequence({builder_.text("\n"), builder_.repeat(byte_of(" \t"), 0, kIndented)})});
  });
}

Part JsonParts::comma() { return builder_.sequence({builder_.text(","), space()}); }
Part JsonParts::named(Part name, Part value) { return builder_.sequence({name, builder_.text(":"), space(), value}); }
Part JsonParts::object(Part items) { return builder_.sequence({builder_.text("{"), space(), items, builder_.text("}")}); }
Part JsonParts::array(Part items) { return builder_.sequence({builder_.text("["), space(), items, builder_.text("]")}); }

Part JsonParts::any_value() {
  return once(value_, "value", [&] {
    return builder_.choice({any_object(), any_array(), any_string(), any_number(), builder_.text("true"), builder_.text("false"), builder_.text("null")});
  });
}

Part JsonParts::any_object() {
  return once(object_, "object", [&] {
    const Part member = named(any_string(), any_value());
    return object(builder_.optional(builder_.sequence({member, builder_.repeat(builder_.sequence({comma(), member}), 0, -1), space()})));
  });
}

Part JsonParts::any_array() {
  return once(array_, "array", [&] {
    return array(builder_.optional(builder_.sequence({any_value(), builder_.repeat(builder_.sequence({comma(), any_value()}), 0, -1), space()})));
  });
}

Part JsonParts::any_char() {
  return once(char_, "char", [&] {
    const auto escaped = [&](std::vector<std::string_view> digits) {
      std::vector<Part> parts = {builder_.text("\\u")};
      for (const std::string_view some : digits) parts.push_back(byte_of(some));
      return builder_.sequence(std::move(parts));
    };
    return builder_.choice({builder_.chars(kEscaped.complement()), builder_.sequence({builder_.text("\\"), byte_of("\"\\/bfnrt")}),
                            escaped({"0123456789abcefABCEF", kHex, kHex, kHex}), escaped({"dD", "01234567", kHex, kHex}),
                            builder_.sequence({escaped({"dD", "89abAB", kHex, kHex}), escaped({"dD", "cdefCDEF", kHex, kHex})})});
  });
}

Part JsonParts::any_string(std::int64_t least, std::int64_t most) {
  const auto make = [&] { return builder_.sequence({builder_.text("\""), builder_.repeat(any_char(), least, most), builder_.text("\"")}); };
  return least == 0 && most < 0 ? once(string_, "string", make) : make();
}

Part JsonParts::any_whole_number() {
  return once(whole_, "integer", [&] {
    const Part larger = builder_.sequence({builder_.optional(builder_.text("-")), byte_of("123456789"), builder_.repeat(byte_of(kDigits), 0, kWholeDigits - 1)});
    return builder_.choice({builder_.text("0"), larger});
  });
}

Part JsonParts::any_number() {
  return once(number_, "number", [&] {
    const Part whole = builder_.choice({builder_.text("0"), builder_.sequence({byte_of("123456789"), builder_.repeat(byte_of(kDigits), 0, kWholeDigits - 1)})});
    const Part fraction = builder_.sequence({builder_.text("."), builder_.repeat(byte_of(kDigits), 1, kFractionDigits)});
    const Part exponent = builder_.sequence({byte_of("eE"), builder_.optional(byte_of(kSigns)), builder_.repeat(byte_of(kDigits), 1, kExponentDigits)});
    return builder_.sequence({builder_.optional(builder_.text("-")), whole, builder_.optional(fraction), builder_.optional(exponent)});
  });
}

Part JsonParts::escape(char32_t c) {
  for (const Escape& row : kEscapes) {
    if (row.c == c) return builder_.text({std::array{'\\', row.letter}.data(), 2});
  }
  return builder_.text(std::string("\\u00") + kHex[c >> 4] + kHex[c & 0xF]);
}

Part JsonParts::spelled(const CharSet& set) {
  std::vector<Part> parts;
  if (const CharSet plain = set.without(kEscaped); !plain.empty()) parts.push_back(builder_.chars(plain));
  CharSet escaped = set.common(kEscaped);
  if (kControls.without(set).empty()) {
    parts.push_back(once(controls_, "control", [&] {
      std::vector<Part> all;
      for (char32_t c = 0; c < 0x20; ++c) all.push_back(escape(c));
      return builder_.choice(std::move(all));
    }));
    escaped = escaped.without(kControls);
  }
  for (const CharSet::Range& range : escaped.ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c) parts.push_back(escape(c));
  }
  return builder_.choice(std::move(parts));
}

/// One rule a state: its characters, each with the state behind it, and `end` where a text may end.
Part JsonParts::states(const Regular& language, bool in_string, Part end) {
  if (language.empty()) return builder_.never();
  const auto& states = language.states();
  std::vector<GrammarBuilder::Rule> rules;
  for (std::size_t i = 0; i < states.size(); ++i) rules.push_back(builder_.rule(in_string ? "text" : "digits"));
  for (std::size_t i = 0; i < states.size(); ++i) {
    std::map<std::int32_t, CharSet> ways;
    for (const Regular::Edge& edge : states[i].edges) ways[edge.to].add(edge.first, edge.last);
    std::vector<Part> parts;
    if (states[i].accepts) parts.push_back(end);
    for (const auto& [to, set] : ways) {
      parts.push_back(builder_.sequence({in_string ? spelled(set) : builder_.chars(set), builder_.call(rules[static_cast<std::size_t>(to)])}));
    }
    builder_.define(rules[i], builder_.choice(std::move(parts)));
  }
  return builder_.call(rules.front());
}

Part JsonParts::string_of(const Regular& language) { return builder_.sequence({builder_.text("\""), states(language, true, builder_.text("\""))}); }
Part JsonParts::plain(const Regular& language) { return states(language, false, builder_.nothing()); }

}  // namespace foreword::engine
