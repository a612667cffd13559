#pragma once
// What a person typed into the search box, turned into what SQLite can look for. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foreword::storage {

struct SearchQuery {
  std::string words;  // FTS5 expression for unicode61 indexes: every word, the last one as a prefix; empty: no words
  std::string parts;  // FTS5 expression for trigram indexes: every part of three characters or more; empty: none
  std::vector<std::string> short_parts;  // shorter parts, ASCII in lower case, for instr()
  bool needs_scan = false;  // some short part is not a plain word, so that the words index may miss it
};

/// Any bytes are a valid query: white space and control characters separate, the rest is looked for as it stands.
SearchQuery parse_search(std::string_view text);

/// Where FTS5's snippet() sets its marks; char(2) and char(3) in SQL.
inline constexpr char kMarkBegin = '\x02';
inline constexpr char kMarkEnd = '\x03';

struct Snippet {
  std::string text;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;  // first byte, byte count
};

/// Takes the marks out and cuts the text down to some `max_bytes` around the first one, between characters.
Snippet read_snippet(std::string_view marked, std::size_t max_bytes);

/// Marks the first occurrence of `part` (lower case) in `text`, ASCII letters of either case being the same.
std::string mark_part(std::string_view text, std::string_view part);

}  // namespace foreword::storage
