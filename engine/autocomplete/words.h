#pragma once
// Words of a continuation: where one ends, and where a sentence does. UTF-8; bytes that are none count as symbols.

#include <cstddef>
#include <string>
#include <string_view>

namespace foreword::engine {

/// The end of the unit that begins at `at`: white space, then a word (letters, digits, marks, and apostrophes between
/// them; a Chinese or Japanese character is a word of its own) or a run of punctuation. npos if the text may go on inside it.
std::size_t word_end(std::string_view text, std::size_t at);

/// Where the word begins that the text ends in; npos if it ends in white space, punctuation or a character that is a word.
std::size_t open_word(std::string_view text);

/// Whether a text that stands right behind a word belongs to it, as far as its first character tells.
bool goes_on_inside(std::string_view text);

/// How many bytes of the text are whole words.
std::size_t whole_words(std::string_view text);

/// The first unit without white space, case folded, as far as the text has it.
std::string first_word_folded(std::string_view text);

/// Whether a sentence ends with the text: a full stop that is no abbreviation, initial or decimal point, a question or
/// exclamation mark, or the marks of other scripts; quotes and brackets may close behind it.
bool ends_sentence(std::string_view text);

}  // namespace foreword::engine
