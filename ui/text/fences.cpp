#include "ui/text/fences.h"

#include <algorithm>

namespace foreword::ui::text {
namespace {

/// Length of the run of backticks or tildes that opens this line, 0 if it is no fence (CommonMark 0.30, section 4.5).
std::size_t fence_length(std::string_view line, char& mark) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent > 3 || indent == line.size() || (line[indent] != '`' && line[indent] != '~')) return 0;
  mark = line[indent];
  const std::size_t end = std::min(line.find_first_not_of(mark, indent), line.size());
  const bool inline_code = mark == '`' && line.find('`', end) != line.npos;
  return end - indent >= 3 && !inline_code ? end - indent : 0;
}

Range without_blank_edges(std::string_view text, Range range) {
  while (range.begin < range.end && text[range.begin] == '\n') ++range.begin;
  while (range.end > range.begin && (text[range.end - 1] == '\n' || text[range.end - 1] == ' ')) --range.end;
  return range;
}

}  // namespace

std::vector<FencedPart> split_fences(std::string_view text) {
  std::vector<FencedPart> parts;
  std::size_t prose_begin = 0, open_length = 0;
  char open_mark = 0;
  FencedPart code;
  const auto close_prose = [&](std::size_t end) {
    const Range range = without_blank_edges(text, {prose_begin, end});
    if (!range.empty()) parts.push_back({false, range, {}});
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    char mark = 0;
    const std::size_t length = fence_length(line, mark);
    if (open_length == 0 && length > 0) {
      close_prose(at);
      const std::size_t word = std::min(line.find_first_not_of(mark == '`' ? "` " : "~ "), line.size());
      const std::size_t word_end = std::min(line.find(' ', word), line.size());
      const std::size_t begin = std::min(end + 1, text.size());
      code = {true, {begin, begin}, {at + word, at + word_end}};
      open_length = length;
      open_mark = mark;
    } else if (open_length > 0 && length >= open_length && mark == open_mark) {
      code.range.end = at > code.range.begin ? at - 1 : code.range.begin;
      parts.push_back(code);
      open_length = 0;
      prose_begin = std::min(end + 1, text.size());
    }
    at = end + 1;
  }
  if (open_length > 0) {
    code.range.end = text.size();
    parts.push_back(code);
  } else {
    close_prose(text.size());
  }
  return parts;
}

}  // namespace foreword::ui::text
