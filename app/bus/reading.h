#pragma once
// A text as AT-SPI2 reads it: offsets are counted in characters (code points), and what is read at one is a cluster, a word or a line. Pure; all texts are
// clean UTF-8, and any offset may be asked for. at-spi2-core, xml/Text.xml.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/range.h"

namespace foreword::app {

/// Of the first `bytes` of the text.
int n_characters(std::string_view text, std::size_t bytes);
/// Where so many characters end; below 0 the beginning, beyond the end the end.
std::size_t byte_of(std::string_view text, int character);

/// The code point that begins at this byte; 0 at the end.
int character_at(std::string_view text, std::size_t byte);

/// Bytes [at, at + removed) became [at, at + inserted); never half a character.
struct TextEdit {
  std::size_t at = 0, removed = 0, inserted = 0;
};
TextEdit edit_between(std::string_view before, std::string_view after);

/// How much is read. A cluster is what a reader sees as one letter; a word has the spaces and signs behind it, a line its end.
enum class TextUnit : std::uint8_t { cluster, word, line, paragraph };
/// The unit that holds this byte; at the end of the text an empty one, or a last line without its end.
Range unit_at(std::string_view text, std::size_t byte, TextUnit unit);
Range unit_before(std::string_view text, std::size_t byte, TextUnit unit);
Range unit_after(std::string_view text, std::size_t byte, TextUnit unit);

/// By the number that GetStringAtOffset has for it (AtspiTextGranularity), and that of the older calls (AtspiTextBoundaryType). Sentences are read as lines.
TextUnit unit_of_granularity(std::uint32_t granularity);
TextUnit unit_of_boundary(std::uint32_t boundary);

}  // namespace foreword::app
