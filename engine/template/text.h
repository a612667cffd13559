#pragma once
// Text: bytes that remember where they came from. A byte of the template's source is trusted, a byte of a message is
// not; whatever a template does to a string (cut, join, replace, upper-case), every byte keeps its origin.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foreword::engine::jinja {

class Text {
 public:
  /// Bytes from the end of the run before up to `end` have one origin; neighbouring runs differ.
  struct Run {
    std::size_t end = 0;
    bool trusted = true;
  };

  Text() = default;
  explicit Text(std::string_view bytes, bool trusted = true) { append(bytes, trusted); }

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  const std::vector<Run>& runs() const { return runs_; }
  std::size_t memory() const { return sizeof(Text) + bytes_.size() + runs_.size() * sizeof(Run); }

  /// The origin of byte `at`, at < size().
  bool trusted_at(std::size_t at) const;
  Text part(std::size_t begin, std::size_t end) const;  // begin <= end <= size()
  void append(std::string_view bytes, bool trusted = true);
  void append(const Text& other) { append(other, 0, other.size()); }
  void append(const Text& other, std::size_t begin, std::size_t end);

 private:
  std::string bytes_;
  std::vector<Run> runs_;
};

/// One character of UTF-8; a byte that is no part of valid UTF-8 is a character of its own with code point -1.
struct Character {
  std::int32_t code_point = -1;
  std::size_t size = 1;
};
Character character_at(std::string_view bytes, std::size_t at);  // at < bytes.size()
void append_utf8(std::string& out, std::int32_t code_point);

/// Where each character begins, and the end of the last one: count + 1 offsets.
std::vector<std::size_t> character_offsets(std::string_view bytes);
std::size_t count_characters(std::string_view bytes);

bool is_space(std::int32_t code_point);     // as Python's str.isspace
bool is_letter(std::int32_t code_point);
bool is_upper(std::int32_t code_point);
bool is_lower(std::int32_t code_point);
bool is_printable(std::int32_t code_point);

/// Each character through `map` (upper, lower, title), origins kept.
using CaseMap = std::int32_t (*)(std::int32_t);
std::int32_t to_upper(std::int32_t code_point);
std::int32_t to_lower(std::int32_t code_point);
std::int32_t to_title(std::int32_t code_point);
void append_mapped(Text& out, const Text& text, std::size_t begin, std::size_t end, CaseMap map);

/// Each character as those that differ in case alone are compared ("\u00df" as "ss"), origins kept.
void append_folded(Text& out, const Text& text);

/// Byte offset of the first (last) occurrence of `needle` at or after `from`, else npos. Linear time.
std::size_t find_bytes(std::string_view bytes, std::string_view needle, std::size_t from = 0);
std::size_t find_last_bytes(std::string_view bytes, std::string_view needle);

}  // namespace foreword::engine::jinja
