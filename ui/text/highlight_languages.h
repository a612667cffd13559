#pragma once
// The languages that the highlighter knows, as rows of a table.

#include <cstdint>
#include <span>
#include <string_view>

namespace foreword::ui::text {

/// How a language's text is scanned at all.
enum class ScanMode : std::uint8_t { words, markup, diff };

struct Enclosed {
  std::string_view open, close;
  bool lines = false;    // it may go over line ends
  bool escapes = false;  // a backslash takes the next character with it
};

struct Language {
  std::string_view label;
  std::string_view names;     // words behind a fence, parted by spaces, lower case
  std::string_view keywords;  // parted by spaces
  std::string_view types;     // types, constants and the like
  std::span<const std::string_view> line_comments;
  std::span<const Enclosed> comments;
  std::span<const Enclosed> strings;     // longest opening first
  ScanMode mode = ScanMode::words;
  char meta = 0;              // '#': directives from there to the line's end; '@': annotations
  bool keys = false;          // a word or string before ":" is a name
  bool ignore_case = false;   // of keywords
  std::string_view word = ""; // characters of words beside letters, digits and "_"
};

/// The row for a word behind a fence, in any case; null if there is none.
const Language* find_language(std::string_view name);

}  // namespace foreword::ui::text
