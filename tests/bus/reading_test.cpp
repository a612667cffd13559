// Texts by characters, words and lines, as AT-SPI2 counts them (D95).

#include "app/bus/reading.h"

#include <gtest/gtest.h>

#include <vector>

namespace foreword::app {
namespace {

constexpr std::string_view kText = "One  two,\nA\xCC\x88 \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC";  // A with two dots; one figure of three characters

std::string_view at(int character, TextUnit unit) {
  const Range range = unit_at(kText, byte_of(kText, character), unit);
  return kText.substr(range.begin, range.end - range.begin);
}

TEST(D95Reading, OffsetsAreCharacters) {
  EXPECT_EQ(n_characters(kText, kText.size()), 16);
  EXPECT_EQ(byte_of(kText, 12), 13u);
  EXPECT_EQ(byte_of(kText, -3), 0u);
  EXPECT_EQ(byte_of(kText, 1'000'000), kText.size());
  for (int i = 0; i <= 16; ++i) EXPECT_EQ(n_characters(kText, byte_of(kText, i)), i);
}

TEST(D95Reading, UnitsAreClustersWordsAndLines) {
  using enum TextUnit;
  EXPECT_EQ(at(10, cluster), "A\xCC\x88");
  EXPECT_EQ(at(11, cluster), "A\xCC\x88");
  EXPECT_EQ(at(14, cluster), kText.substr(14));
  EXPECT_EQ(at(1, word), "One  ");
  EXPECT_EQ(at(4, word), "One  ");
  EXPECT_EQ(at(5, word), "two");
  EXPECT_EQ(at(0, line), "One  two,\n");
  EXPECT_EQ(at(9, line), "One  two,\n");
  EXPECT_EQ(at(10, line), kText.substr(10));
  EXPECT_EQ(at(16, line), kText.substr(10));
  EXPECT_EQ(at(16, word), "");
}

TEST(D95Reading, UnitsFollowEachOtherWithoutAGap) {
  for (const TextUnit unit : {TextUnit::cluster, TextUnit::word, TextUnit::line}) {
    std::size_t end = 0;
    while (end < kText.size()) {
      const Range here = unit_at(kText, end, unit);
      ASSERT_EQ(here.begin, end);
      ASSERT_GT(here.end, here.begin);
      EXPECT_EQ(unit_before(kText, here.begin, unit).end, here.begin);
      EXPECT_EQ(unit_after(kText, here.begin, unit).begin, here.end);
      end = here.end;
    }
  }
  for (const TextUnit unit : {TextUnit::cluster, TextUnit::word, TextUnit::line}) EXPECT_TRUE(unit_at("", 0, unit).empty());
}

TEST(D95Reading, AnEditNeverCutsACharacter) {
  const auto edit = [](std::string_view before, std::string_view after) {
    const TextEdit found = edit_between(before, after);
    return std::vector<std::size_t>{found.at, found.removed, found.inserted};
  };
  EXPECT_EQ(edit("\xC3\xA4", "\xC3\xB6"), (std::vector<std::size_t>{0, 2, 2}));
  EXPECT_EQ(edit("\xC3\xA4", "\xC4\xA4"), (std::vector<std::size_t>{0, 2, 2}));
  EXPECT_EQ(edit("aa", "aaa"), (std::vector<std::size_t>{2, 0, 1}));
  EXPECT_EQ(edit("ab", ""), (std::vector<std::size_t>{0, 2, 0}));
  EXPECT_EQ(edit("ab", "ab"), (std::vector<std::size_t>{2, 0, 0}));
}

}  // namespace
}  // namespace foreword::app
