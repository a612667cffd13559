#include "ui/text/markdown_source.h"

#include <charconv>
#include <cstdint>

#include "ui/text/utf8.h"

namespace foreword::ui::text {
namespace {

struct NamedEntity {
  std::string_view name;
  char32_t value;
};
constexpr NamedEntity kEntities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xA0},
                                     {"copy", 0xA9}, {"reg", 0xAE}, {"deg", 0xB0}, {"times", 0xD7}, {"divide", 0xF7}, {"euro", 0x20AC},
                                     {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"bull", 0x2022}, {"middot", 0xB7},
                                     {"rarr", 0x2192}, {"larr", 0x2190}, {"le", 0x2264}, {"ge", 0x2265}, {"ne", 0x2260}};

/// Where something stands next, for questions that only go on: the text is read once, however often it is asked.
struct NextPlace {
  std::string_view text;
  std::size_t (*find)(std::string_view text, std::size_t from);
  std::size_t place = 0;
  bool known = false;
  std::size_t from(std::size_t at) {
    if (!known || place < at) place = find(text, at), known = true;
    return place;
  }
};

/// The end of a line behind which a blank one follows.
std::size_t find_paragraph_end(std::string_view text, std::size_t at) {
  while ((at = text.find('\n', at)) != text.npos) {
    const std::size_t next = text.find_first_not_of(" \t", at + 1);
    if (next == text.npos || text[next] == '\n') return next == text.npos ? next : at;
    at = next;
  }
  return text.npos;
}

}  // namespace

void append_entity(std::string& out, std::string_view entity) {
  std::string_view name = entity.substr(1, entity.size() - 2);
  if (name.starts_with('#')) {
    const bool hex = name.size() > 1 && (name[1] | 0x20) == 'x';
    name.remove_prefix(hex ? 2 : 1);
    std::uint32_t value = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), value, hex ? 16 : 10);
    if (end.ec == std::errc() && value >= 0x20) return append_utf8(out, value);
  }
  for (const NamedEntity& known : kEntities) {
    if (known.name == name) return append_utf8(out, known.value);
  }
  out += entity;
}

std::string with_dollars(std::string_view source) {
  constexpr std::size_t kLongest = 4096;
  std::string out(source);
  NextPlace round{source, [](std::string_view text, std::size_t from) { return text.find("\\)", from); }};
  NextPlace square{source, [](std::string_view text, std::size_t from) { return text.find("\\]", from); }};
  NextPlace paragraph{source, find_paragraph_end};
  for (std::size_t at = 0; (at = source.find('\\', at)) != source.npos;) {
    const char open = at + 1 < source.size() ? source[at + 1] : ' ';
    const std::size_t close = open == '(' ? round.from(at + 2) : open == '[' ? square.from(at + 2) : source.npos;
    if (close == source.npos || close + 2 - at > kLongest || close + 2 > paragraph.from(at)) {
      at += 2;
      continue;
    }
    out.replace(at, 2, "$$");
    out.replace(close, 2, "$$");
    at = close + 2;
  }
  return out;
}

}  // namespace foreword::ui::text
