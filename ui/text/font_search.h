#pragma once
// Finds font files: first the known places of Debian's font packages, then whatever fontconfig names.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/text/glyph_source.h"

namespace foreword::ui::text {

struct FontFile {
  std::string path;
  int index = 0;  // within a collection
  bool operator==(const FontFile&) const = default;
};

/// The file for a style; nothing if the machine has no font at all.
std::optional<FontFile> find_style(Style style);
/// Files that widen every style's repertoire, in order; only those that exist.
std::vector<FontFile> find_companions();
/// The colour emoji font, or what fontconfig has nearest to one.
std::optional<FontFile> find_emoji();
/// A font that has these characters, or most of them, by fontconfig. Slow (milliseconds): remember the answer.
std::optional<FontFile> find_for(std::u32string_view characters);

}  // namespace foreword::ui::text
