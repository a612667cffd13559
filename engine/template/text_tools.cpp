#include "engine/template/text_tools.h"

#include <algorithm>

#include "engine/template/functions.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {
namespace {

/// The begin of the character that ends at `end`.
std::size_t character_before(std::string_view bytes, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(bytes[begin]) & 0xc0) == 0x80) --begin;
  return begin + character_at(bytes, begin).size == end ? begin : end - 1;
}

bool is_absent(const Value& value) { return value.is(Kind::undefined) || value.is(Kind::none); }

Values split_at_spaces(Runtime& runtime, const Text& text, std::int64_t count) {
  Values parts;
  const std::string& bytes = text.bytes();
  std::size_t at = 0;
  const auto skip = [&](bool spaces) {
    while (at < bytes.size() && is_space(character_at(bytes, at).code_point) == spaces) {
      at += character_at(bytes, at).size;
    }
  };
  for (skip(true); at < bytes.size(); skip(true)) {
    const std::size_t begin = at;
    if (static_cast<std::int64_t>(parts.size()) >= count) {
      parts.push_back(runtime.text(text.part(begin, bytes.size())));
      break;
    }
    skip(false);
    parts.push_back(runtime.text(text.part(begin, at)));
  }
  return parts;
}

Values split_at_spaces_from_right(Runtime& runtime, const Text& text, std::int64_t count) {
  Values parts;
  const std::string& bytes = text.bytes();
  std::size_t end = bytes.size();
  const auto skip = [&](bool spaces) {
    while (end > 0) {
      const std::size_t begin = character_before(bytes, end);
      if (is_space(character_at(bytes, begin).code_point) != spaces) break;
      end = begin;
    }
  };
  for (skip(true); end > 0; skip(true)) {
    const std::size_t stop = end;
    if (static_cast<std::int64_t>(parts.size()) >= count) {
      parts.push_back(runtime.text(text.part(0, stop)));
      break;
    }
    skip(false);
    parts.push_back(runtime.text(text.part(end, stop)));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::size_t> places_of(const Text& text, const std::string& needle) {
  std::vector<std::size_t> places;
  for (std::size_t at = find_bytes(text.bytes(), needle); at != std::string::npos;
       at = find_bytes(text.bytes(), needle, at + needle.size())) {
    places.push_back(at);
  }
  return places;
}

/// As places_of, but non-overlapping as seen from the right.
std::vector<std::size_t> places_from_right(const Text& text, const std::string& needle) {
  const Text backwards(std::string(text.bytes().rbegin(), text.bytes().rend()));
  std::vector<std::size_t> places = places_of(backwards, std::string(needle.rbegin(), needle.rend()));
  for (std::size_t& place : places) place = text.size() - place - needle.size();
  return places;
}

}  // namespace

Value strip(Runtime& runtime, const Text& text, const Value& chars, Side side) {
  const std::string& bytes = text.bytes();
  runtime.scan(bytes.size());
  const bool spaces = is_absent(chars);
  const std::string_view set = spaces ? std::string_view() : std::string_view(text_argument(chars).bytes());
  const auto unwanted = [&](std::size_t at) {
    const Character c = character_at(bytes, at);
    if (spaces) return is_space(c.code_point);
    if (c.size == 1) return set.find(bytes[at]) != std::string_view::npos;
    return set.find(std::string_view(bytes).substr(at, c.size)) != std::string_view::npos;
  };
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (side != Side::right && begin < end && unwanted(begin)) {
    begin += character_at(bytes, begin).size;
    runtime.scan(set.size());
  }
  while (side != Side::left && end > begin && unwanted(character_before(bytes, end))) {
    end = character_before(bytes, end);
    runtime.scan(set.size());
  }
  return runtime.text(text.part(begin, end));
}

Value replace(Runtime& runtime, const Text& text, const Text& from, const Text& to, std::int64_t count) {
  const std::string& bytes = text.bytes();
  runtime.scan(bytes.size());
  if (count < 0) count = kNoLimit;
  Text out;
  std::size_t at = 0;
  while (count-- > 0) {
    const std::size_t place = find_bytes(bytes, from.bytes(), at);
    if (place == std::string::npos) break;
    runtime.step();
    runtime.write(out, text, at, place);
    runtime.write(out, to);
    at = place + from.size();
    if (from.empty()) {  // between all characters
      if (place == bytes.size()) break;
      const std::size_t next = place + character_at(bytes, place).size;
      runtime.write(out, text, place, next);
      at = next;
    }
  }
  runtime.write(out, text, at, bytes.size());
  return runtime.text(std::move(out));
}

Values split(Runtime& runtime, const Text& text, const Value& separator, std::int64_t count, Side from) {
  runtime.scan(text.size());
  if (count < 0) count = kNoLimit;
  if (is_absent(separator)) {
    return from == Side::left ? split_at_spaces(runtime, text, count)
                              : split_at_spaces_from_right(runtime, text, count);
  }
  const std::string& needle = text_argument(separator).bytes();
  if (needle.empty()) fail("'split' needs a separator that is not empty");
  std::vector<std::size_t> places = from == Side::left ? places_of(text, needle) : places_from_right(text, needle);
  if (static_cast<std::int64_t>(places.size()) > count) places.resize(static_cast<std::size_t>(count));
  std::sort(places.begin(), places.end());
  Values parts;
  std::size_t begin = 0;
  for (const std::size_t place : places) {
    parts.push_back(runtime.text(text.part(begin, place)));
    begin = place + needle.size();
  }
  parts.push_back(runtime.text(text.part(begin, text.size())));
  return parts;
}

Values split_lines(Runtime& runtime, const Text& text, bool keep_ends) {
  const std::string& bytes = text.bytes();
  runtime.scan(bytes.size());
  const auto ends_line = [](std::int32_t c) {
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  Values lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    std::size_t next = at + c.size;
    if (ends_line(c.code_point)) {
      if (c.code_point == '\r' && next < bytes.size() && bytes[next] == '\n') ++next;
      lines.push_back(runtime.text(text.part(begin, keep_ends ? next : at)));
      begin = next;
    }
    at = next;
  }
  if (begin < bytes.size()) lines.push_back(runtime.text(text.part(begin, bytes.size())));
  return lines;
}

Value upper(Runtime& runtime, const Text& text) {
  Text out;
  runtime.walk(text.size());
  append_mapped(out, text, 0, text.size(), to_upper);
  return runtime.text(std::move(out));
}

Value lower(Runtime& runtime, const Text& text) {
  Text out;
  runtime.walk(text.size());
  append_mapped(out, text, 0, text.size(), to_lower);
  return runtime.text(std::move(out));
}

Value capitalize(Runtime& runtime, const Text& text) {
  Text out;
  runtime.walk(text.size());
  const std::size_t first = text.empty() ? 0 : character_at(text.bytes(), 0).size;
  append_mapped(out, text, 0, first, to_title);
  append_mapped(out, text, first, text.size(), to_lower);
  return runtime.text(std::move(out));
}

Value join(Runtime& runtime, const Values& items, const Text& separator) {
  Text out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    runtime.step();
    if (i > 0) runtime.write(out, separator);
    print(runtime, items[i], out);
  }
  return runtime.text(std::move(out));
}

Value center(Runtime& runtime, const Text& text, std::int64_t width) {
  const auto size = static_cast<std::int64_t>(count_characters(text.bytes()));
  const std::int64_t margin = width > size ? width - size : 0;
  const std::int64_t left = margin / 2 + (margin & width & 1);  // where Python puts the odd space
  runtime.charge(static_cast<std::size_t>(margin));
  Text out(std::string(static_cast<std::size_t>(left), ' '));
  out.append(text);
  out.append(std::string(static_cast<std::size_t>(margin - left), ' '));
  return runtime.text(std::move(out));
}

}  // namespace foreword::engine::jinja
