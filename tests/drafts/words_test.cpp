#include "engine/autocomplete/words.h"

#include <gtest/gtest.h>

namespace foreword::engine {
namespace {

TEST(Words, AWordEndsWhereSomethingElseBegins) {
  constexpr std::size_t kOpen = std::string_view::npos;
  const struct {
    std::string_view text;
    std::size_t end;
  } cases[] = {{"", kOpen},      {" ", kOpen},       {" the", kOpen},    {" the ", 4},   {"oes it", 3}, {"don't ", 5}, {"don'", kOpen},
               {"dogs' ", 4},    {", and", 1},       {" ... so", 4},     {"42nd ", 4},   {"é ", 2},     {"日本", 3},   {" 日", 4},
               {"well-known", 4}, {"\xff\xff a", 2}, {"שלום עולם", 8}};
  for (const auto& c : cases) EXPECT_EQ(word_end(c.text, 0), c.end) << c.text;
  EXPECT_EQ(whole_words(" the cat sat"), 8U);
  EXPECT_EQ(whole_words(" the cat sat."), 12U);
  EXPECT_EQ(whole_words("the"), 0U);
}

TEST(Words, FirstWordsAreComparedWithoutCase) {
  EXPECT_EQ(first_word_folded(" The cat"), "the");
  EXPECT_EQ(first_word_folded("THE"), "the");
  EXPECT_EQ(first_word_folded(" Straße "), "strasse");
  EXPECT_EQ(first_word_folded(", and"), ",");
  EXPECT_EQ(first_word_folded("  "), "");
  EXPECT_EQ(first_word_folded("\xff"), "\xff");
}

TEST(Words, AnOpenWordBeginsSomewhere) {
  EXPECT_EQ(open_word("How d"), 4U);
  EXPECT_EQ(open_word("don't"), 0U);
  EXPECT_EQ(open_word("a "), std::string_view::npos);
  EXPECT_EQ(open_word("a."), std::string_view::npos);
  EXPECT_EQ(open_word("日本"), std::string_view::npos);
  EXPECT_EQ(open_word(""), std::string_view::npos);
  EXPECT_TRUE(goes_on_inside("ing"));
  EXPECT_TRUE(goes_on_inside("'t"));
  EXPECT_FALSE(goes_on_inside(" in"));
  EXPECT_FALSE(goes_on_inside(std::string_view("ing").substr(0, 0))) << "a token without bytes";
}

TEST(Words, SentencesEndAtTheirMarks) {
  for (const std::string_view text : {"It works.", "Really?", "No!", "He said \"no.\"", "(So it was.)", "ends…", "終わり。", "It was I.", "etcetera."}) {
    EXPECT_TRUE(ends_sentence(text)) << text;
  }
  for (const std::string_view text : {"", "It works", "Mr.", "Dear Dr.", "e.g.", "version 3.", "J. R.", "a, b,", "and so on:", "."}) {
    EXPECT_FALSE(ends_sentence(text)) << text;
  }
}

}  // namespace
}  // namespace foreword::engine
