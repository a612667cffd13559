#pragma once
// Parts of a grammar for the pieces of JSON. White space is allowed where compact, usual (", " and ": ") and indented JSON have it, but
// not without end: nothing, a space, or a new line with up to 20 spaces or tabs.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/grammar/grammar.h"
#include "engine/schema/regular.h"

namespace foreword::engine {

/// Of one builder; rules are made when they are first needed.
class JsonParts {
 public:
  using Part = GrammarBuilder::Part;
  explicit JsonParts(GrammarBuilder& builder) : builder_(builder) {}

  /// Behind { [ , and :, and before } and ] if something stands between them.
  Part space();
  /// "," and space; a member's name, ":" and space.
  Part comma();
  Part named(Part name, Part value);

  Part any_value();
  Part any_object();
  Part any_array();
  /// With every escape that JSON has, but no half of a surrogate pair. Of least to most characters (most < 0: no limit).
  Part any_string(std::int64_t least = 0, std::int64_t most = -1);
  /// Of at most 18 digits in front of the point, 17 behind it, and an exponent of two.
  Part any_number();
  Part any_whole_number();
  /// The texts of a language in one spelling each: " \ and control characters escaped in the shortest way, everything else as itself.
  Part string_of(const Regular& language);
  /// The same, but without quotes and escapes.
  Part plain(const Regular& language);
  /// { or [, and what stands inside; `items` empty or with space() at its end.
  Part object(Part items);
  Part array(Part items);

 private:
  Part states(const Regular& language, bool in_string, Part end);
  /// A character of the set as it stands in a string.
  Part spelled(const CharSet& set);
  Part escape(char32_t control);
  Part any_char();
  /// A rule that is made once.
  template <class Make>
  Part once(std::optional<Part>& known, const char* name, Make make);
  Part byte_of(std::string_view bytes);

  GrammarBuilder& builder_;
  std::optional<Part> space_, value_, object_, array_, string_, char_, controls_, number_, whole_;
};

}  // namespace foreword::engine
