#include "app/bus/reading.h"

#include <algorithm>
#include <iterator>

#include "ui/text/utf8.h"

namespace foreword::app {
namespace {

bool begins(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }
bool is_space(std::string_view text, std::size_t at) { return text[at] == ' ' || text[at] == '\n' || text[at] == '\t'; }

Range cluster_at(std::string_view text, std::size_t byte) {
  const std::size_t begin = ui::text::cluster_begin(text, byte);
  return {begin, ui::text::next_cluster(text, begin)};
}

/// From where a word begins to where the next one does.
Range word_at(std::string_view text, std::size_t byte) {
  std::size_t begin = ui::text::cluster_begin(text, byte);
  while (begin > 0 && is_space(text, begin)) begin = ui::text::previous_cluster(text, begin);
  Range word = is_space(text, begin) ? Range{begin, begin} : ui::text::word_at(text, begin);
  while (word.end < text.size() && is_space(text, word.end)) ++word.end;
  return word;
}

Range line_at(std::string_view text, std::size_t byte) {
  const std::size_t before = byte == 0 ? text.npos : text.rfind('\n', byte - 1), end = text.find('\n', byte);
  return {before == text.npos ? 0 : before + 1, end == text.npos ? text.size() : end + 1};
}

/// By TextUnit.
constexpr Range (*kUnits[])(std::string_view, std::size_t) = {cluster_at, word_at, line_at, line_at};

}  // namespace

int n_characters(std::string_view text, std::size_t bytes) { return static_cast<int>(std::ranges::count_if(text.substr(0, bytes), begins)); }

std::size_t byte_of(std::string_view text, int character) {
  std::size_t at = 0;
  for (; at < text.size() && character > 0; --character) {
    do ++at;
    while (at < text.size() && !begins(text[at]));
  }
  return at;
}

int character_at(std::string_view text, std::size_t byte) { return byte >= text.size() ? 0 : static_cast<int>(ui::text::decode(text, byte).value); }

TextEdit edit_between(std::string_view before, std::string_view after) {
  const auto [b, a] = std::ranges::mismatch(before, after);
  auto at = static_cast<std::size_t>(b - before.begin());
  while (at > 0 && ((at < before.size() && !begins(before[at])) || (at < after.size() && !begins(after[at])))) --at;
  std::size_t same = 0;
  const std::size_t most = std::min(before.size(), after.size()) - at;
  while (same < most && before[before.size() - 1 - same] == after[after.size() - 1 - same]) ++same;
  while (same > 0 && !begins(after[after.size() - same])) --same;
  return {at, before.size() - at - same, after.size() - at - same};
}

Range unit_at(std::string_view text, std::size_t byte, TextUnit unit) {
  const bool lines = unit == TextUnit::line || unit == TextUnit::paragraph;
  if (byte >= text.size() && !lines) return {text.size(), text.size()};
  return kUnits[static_cast<std::size_t>(unit)](text, std::min(byte, text.size()));
}

Range unit_before(std::string_view text, std::size_t byte, TextUnit unit) {
  const Range here = unit_at(text, byte, unit);
  return here.begin == 0 ? Range{0, 0} : unit_at(text, here.begin - 1, unit);
}

Range unit_after(std::string_view text, std::size_t byte, TextUnit unit) {
  const Range here = unit_at(text, byte, unit);
  return here.end == here.begin || here.end >= text.size() ? Range{text.size(), text.size()} : unit_at(text, here.end, unit);
}

TextUnit unit_of_granularity(std::uint32_t granularity) {
  using enum TextUnit;
  constexpr TextUnit kRows[] = {cluster, word, line, line, paragraph};  // character, word, sentence, line, paragraph
  return granularity < std::size(kRows) ? kRows[granularity] : cluster;
}

TextUnit unit_of_boundary(std::uint32_t boundary) {
  using enum TextUnit;
  constexpr TextUnit kRows[] = {cluster, word, word, line, line, line, line};  // character; start and end of word, sentence, line
  return boundary < std::size(kRows) ? kRows[boundary] : cluster;
}

}  // namespace foreword::app
