#include "ui/text/bidi.h"

#include <fribidi.h>

#include <algorithm>

namespace foreword::ui::text {
namespace {

Directions resolve(std::string_view text, Range range, FriBidiParType base) {
  std::vector<FriBidiChar> characters;
  std::vector<std::size_t> offsets;
  characters.reserve(range.end - range.begin);
  offsets.reserve(range.end - range.begin);
  for (std::size_t at = range.begin; at < range.end;) {
    const CodePoint c = decode(text, at);
    characters.push_back(c.value);
    offsets.push_back(at);
    at += c.n_bytes;
  }
  Directions out{range, FRIBIDI_IS_RTL(base) != 0, {}};
  const auto n = static_cast<FriBidiStrIndex>(characters.size());
  if (n == 0) return out;
  std::vector<FriBidiCharType> types(characters.size());
  std::vector<FriBidiBracketType> brackets(characters.size());
  std::vector<FriBidiLevel> levels(characters.size());
  fribidi_get_bidi_types(characters.data(), n, types.data());
  fribidi_get_bracket_types(characters.data(), n, types.data(), brackets.data());
  if (fribidi_get_par_embedding_levels_ex(types.data(), brackets.data(), n, &base, levels.data()) == 0) return out;
  out.base_rtl = FRIBIDI_IS_RTL(base);
  out.levels.resize(range.end - range.begin);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::size_t end = i + 1 < offsets.size() ? offsets[i + 1] : range.end;
    std::fill(out.levels.begin() + static_cast<std::ptrdiff_t>(offsets[i] - range.begin),
              out.levels.begin() + static_cast<std::ptrdiff_t>(end - range.begin), static_cast<std::uint8_t>(std::max<int>(0, levels[i])));
  }
  return out;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool is_rtl_letter(char32_t c) {
  if (c < 0x590) return false;
  const FriBidiCharType type = fribidi_get_bidi_type(c);
  return type == FRIBIDI_TYPE_RTL || type == FRIBIDI_TYPE_AL;
}

bool may_run_left(std::string_view text) {
  // U+0590 begins with D6; D6..DF are Hebrew to NKo; E0 A0..A3 more of these; E2 80 and 81 marks; EF presentation forms.
  const auto suspicious = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0xD6 && (byte <= 0xE0 || byte == 0xE2 || byte == 0xEF || byte == 0xF0);
  };
  const auto first = std::find_if(text.begin(), text.end(), suspicious);
  for (auto at = static_cast<std::size_t>(first - text.begin()); at < text.size();) {
    const CodePoint c = decode(text, at);
    const bool control = c.value == 0x200F || (c.value >= 0x202A && c.value <= 0x202E) || (c.value >= 0x2066 && c.value <= 0x2069);
    if (control || is_rtl_letter(c.value)) return true;
    at += c.n_bytes;
  }
  return false;
}

bool starts_rtl(std::string_view text, Range paragraph) {
  for (std::size_t at = paragraph.begin, n = 0; at < paragraph.end && n < kMaxBidiBytes; ++n) {
    const CodePoint c = decode(text, at);
    const FriBidiCharType type = fribidi_get_bidi_type(c.value);
    if (FRIBIDI_IS_LETTER(type)) return FRIBIDI_IS_RTL(type);
    at += c.n_bytes;
  }
  return false;
}

Directions resolve_directions(std::string_view text, Range paragraph) { return resolve(text, paragraph, FRIBIDI_PAR_ON); }

Directions resolve_directions(std::string_view text, Range part, bool base_rtl) {
  return resolve(text, part, base_rtl ? FRIBIDI_PAR_RTL : FRIBIDI_PAR_LTR);
}

void visual_runs(std::string_view text, const Directions& directions, Range line, std::vector<DirectedRun>& runs) {
  runs.clear();
  if (line.empty()) return;
  if (directions.levels.empty()) return runs.push_back({line, directions.base_rtl});
  const int base = directions.base_rtl ? 1 : 0;
  std::size_t ink_end = line.end;  // spaces at the end of a line stand at its outer end (L1)
  while (ink_end > line.begin && is_blank(text[ink_end - 1])) --ink_end;
  int lowest_odd = 255, highest = 0;
  for (std::size_t at = line.begin; at < line.end; ++at) {
    const int level = at >= ink_end || text[at] == '\t' ? base : directions.levels[at - directions.range.begin];
    if (runs.empty() || runs.back().level != level) runs.push_back({{at, at}, level % 2 == 1, level});
    runs.back().range.end = at + 1;
    highest = std::max(highest, level);
    if (level % 2 == 1) lowest_odd = std::min(lowest_odd, level);
  }
  for (int level = highest; level >= lowest_odd; --level) {
    for (auto begin = runs.begin(); begin != runs.end();) {
      if (begin->level < level) {
        ++begin;
        continue;
      }
      const auto end = std::find_if(begin, runs.end(), [&](const DirectedRun& run) { return run.level < level; });
      std::reverse(begin, end);
      begin = end;
    }
  }
}

}  // namespace foreword::ui::text
