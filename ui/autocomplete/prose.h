#pragma once
// Words, sentences and characters of a text, as suggestions see them. UTF-8; bytes that are none count as symbols. A word is a
// run of letters, digits and marks with apostrophes between them; a Chinese or Japanese character is a word of its own. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ui/text/utf8.h"

namespace foreword::ui::autocomplete {

enum class CharClass : std::uint8_t { space, word, ideograph, punctuation };
CharClass class_of(char32_t c);
/// The class of the character that ends at the end of the text; space for an empty one.
CharClass class_at_end(std::string_view text);

/// End of the unit at `at`: white space, then one word or one run of punctuation. What the key "next word" accepts.
std::size_t unit_end(std::string_view text, std::size_t at);
/// The next word at or after `at`, white space and punctuation skipped; empty at the end of the text.
text::Range next_word(std::string_view text, std::size_t at);
/// Words in the text, counted no further than `at_most`.
int count_words(std::string_view text, int at_most);
/// The first unit without its white space: what a strip of alternatives shows.
std::string_view first_unit(std::string_view text);

/// Whether a word has just been finished: the text ends in a space, punctuation or a character that is a word.
bool ends_a_word(std::string_view text);
/// Whether a word goes on from the end of `before` to the start of `text`.
bool inside_word(std::string_view before, std::string_view text);
/// The letters of the word that the text ends in; empty if it ends otherwise.
std::string_view open_word(std::string_view text);
/// Bytes up to the end of the first sentence or line, its mark included, the line end not. White space before it included.
std::size_t sentence_end(std::string_view text);
/// The largest end of a unit that is not behind `at`: where a cut may be made.
std::size_t cut_at_word(std::string_view text, std::size_t at);

/// Characters that leave ink, counted no further than `at_most`.
int visible_characters(std::string_view text, int at_most);
int letters_and_digits(std::string_view text, int at_most);
/// Code points, counted no further than `at_most`.
std::size_t count_characters(std::string_view text, std::size_t at_most);
/// Where the last `n` code points begin.
std::size_t last_characters(std::string_view text, std::size_t n);
/// Where the text that is given to the engine begins: at most before_max characters from the end, at the start of a sentence if
/// there is one in the first half. Moves rarely while the text grows at its end.
std::size_t context_begin(std::string_view before);

/// Whether the place after this text is inside a fenced code block.
bool in_fence(std::string_view before);

/// Appends the lower-case form.
void append_folded(std::string& out, std::string_view text);
std::string folded(std::string_view text);
bool same_folded(std::string_view a, std::string_view b);

}  // namespace foreword::ui::autocomplete
