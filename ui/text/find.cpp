#include "ui/text/find.h"

#include <utf8proc.h>

namespace foreword::ui::text {
namespace {

char32_t folded(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

}  // namespace

void find_all(std::string_view text, std::string_view needle, std::vector<Range>& places) {
  std::vector<char32_t> wanted;
  for (std::size_t at = 0; at < needle.size();) {
    const CodePoint c = decode(needle, at);
    wanted.push_back(folded(c.value));
    at += c.n_bytes;
  }
  if (wanted.empty()) return;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint first = decode(text, at);
    std::size_t end = at + first.n_bytes, i = 1;
    if (folded(first.value) == wanted.front()) {
      while (i < wanted.size() && end < text.size()) {
        const CodePoint c = decode(text, end);
        if (folded(c.value) != wanted[i]) break;
        end += c.n_bytes;
        ++i;
      }
      if (i == wanted.size()) {
        places.push_back({at, end});
        at = end;
        continue;
      }
    }
    at += first.n_bytes;
  }
}

}  // namespace foreword::ui::text
