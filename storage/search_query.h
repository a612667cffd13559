#pragma once
// What a person typed into the search box, turned into what SQLite can look for. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foreword::storage {

inline constexpr int kTrigram = 3;  // characters: shorter parts are found by their signs alone

/// Bytes of the first character; 1 for what is no UTF-8, 0 for nothing.
std::size_t character_bytes(std::string_view text);
int count_characters(std::string_view text);
/// The parts indexes know this single character: it is no ASCII letter, digit, blank or control character.
bool is_sign(std::string_view character);

struct SearchQuery {
  std::string words;  // FTS5 expression for unicode61 indexes: every word, the last one as a prefix; empty: no words
  std::string parts;  // FTS5 expression for the parts indexes: parts of three characters or more, and signs; empty: none
  bool long_parts = false;  // some part in it has three characters or more
  std::vector<std::string> short_parts;  // shorter ones that `parts` does not stand for whole, ASCII in lower case, for instr()
  std::string first_sign;   // a short part of which `parts` knows something, in lower case: where an excerpt begins
};

/// Any bytes are a valid query: white space and control characters separate, the rest is looked for as it stands.
SearchQuery parse_search(std::string_view text);

/// Around what was found, in excerpt.h's texts.
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
