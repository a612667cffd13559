#include "ui/autocomplete/scripts.h"

#include <algorithm>
#include <array>

#include "ui/text/utf8.h"

namespace foreword::ui::autocomplete {
namespace {

struct Span {
  char32_t first, last;
  Script script;
};

// In order.
constexpr Span kSpans[] = {
    {0x0041, 0x005A, Script::latin},      {0x0061, 0x007A, Script::latin},      {0x00AA, 0x00AA, Script::latin},
    {0x00BA, 0x00BA, Script::latin},      {0x00C0, 0x024F, Script::latin},      {0x0250, 0x02AF, Script::latin},
    {0x0370, 0x03FF, Script::greek},      {0x0400, 0x052F, Script::cyrillic},   {0x0531, 0x058F, Script::armenian},
    {0x0591, 0x05FF, Script::hebrew},     {0x0610, 0x065F, Script::arabic},     {0x066E, 0x06EF, Script::arabic},
    {0x06FA, 0x07BF, Script::arabic},     {0x08A0, 0x08FF, Script::arabic},     {0x0900, 0x097F, Script::devanagari},
    {0x0980, 0x09FF, Script::bengali},    {0x0A00, 0x0A7F, Script::gurmukhi},   {0x0A80, 0x0AFF, Script::gujarati},
    {0x0B80, 0x0BFF, Script::tamil},      {0x0C00, 0x0C7F, Script::telugu},     {0x0C80, 0x0CFF, Script::kannada},
    {0x0D00, 0x0D7F, Script::malayalam},  {0x0D80, 0x0DFF, Script::sinhala},    {0x0E01, 0x0E7F, Script::thai},
    {0x0E80, 0x0EFF, Script::lao},        {0x0F00, 0x0FFF, Script::tibetan},    {0x1000, 0x109F, Script::myanmar},
    {0x10A0, 0x10FF, Script::georgian},   {0x1100, 0x11FF, Script::hangul},     {0x1200, 0x139F, Script::ethiopic},
    {0x1780, 0x17FF, Script::khmer},      {0x1C80, 0x1C8F, Script::cyrillic},   {0x1C90, 0x1CBF, Script::georgian},
    {0x1E00, 0x1EFF, Script::latin},      {0x1F00, 0x1FFF, Script::greek},      {0x2C60, 0x2C7F, Script::latin},
    {0x2DE0, 0x2DFF, Script::cyrillic},   {0x2E80, 0x2FDF, Script::east_asian}, {0x3005, 0x3007, Script::east_asian},
    {0x3041, 0x30FF, Script::east_asian}, {0x3105, 0x312F, Script::east_asian}, {0x3131, 0x318E, Script::hangul},
    {0x31A0, 0x31FF, Script::east_asian}, {0x3400, 0x4DBF, Script::east_asian}, {0x4E00, 0x9FFF, Script::east_asian},
    {0xA640, 0xA69F, Script::cyrillic},   {0xA720, 0xA7FF, Script::latin},      {0xA8E0, 0xA8FF, Script::devanagari},
    {0xA960, 0xA97F, Script::hangul},     {0xAC00, 0xD7FF, Script::hangul},     {0xF900, 0xFAFF, Script::east_asian},
    {0xFB00, 0xFB06, Script::latin},      {0xFB1D, 0xFB4F, Script::hebrew},     {0xFB50, 0xFDFF, Script::arabic},
    {0xFE70, 0xFEFC, Script::arabic},     {0xFF21, 0xFF3A, Script::latin},      {0xFF41, 0xFF5A, Script::latin},
    {0xFF66, 0xFF9F, Script::east_asian}, {0xFFA0, 0xFFDC, Script::hangul},     {0x20000, 0x3FFFF, Script::east_asian},
};

}  // namespace

Script script_of(char32_t c) {
  const Span* const span = std::lower_bound(std::begin(kSpans), std::end(kSpans), c, [](const Span& s, char32_t x) { return s.last < x; });
  return span != std::end(kSpans) && c >= span->first ? span->script : Script::common;
}

Script main_script(std::string_view text) {
  std::array<int, static_cast<std::size_t>(Script::hangul) + 1> words{};
  Script last = Script::common;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint c = text::decode(text, at);
    const Script script = script_of(c.value);
    if (script != last || script == Script::east_asian) ++words[static_cast<std::size_t>(script)];
    last = script;
    at += c.n_bytes;
  }
  words[0] = 0;
  return static_cast<Script>(std::max_element(words.begin(), words.end()) - words.begin());
}

}  // namespace foreword::ui::autocomplete
