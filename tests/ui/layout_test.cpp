#include "ui/text/layout.h"

#include <gtest/gtest.h>

#include <random>

#include "ui/headless.h"
#include "ui/text/fences.h"

namespace foreword::ui::text {
namespace {

constexpr Font kFont{Style::regular, 10};  // boxes: 5 pixels a character, 10 a wide one

class LayoutTest : public ::testing::Test {
 protected:
  std::vector<std::string> broken(const std::string& text, float width) {
    Layout layout;
    layout.set(shapes, styled(text), width);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < layout.n_lines(); ++i) {
      const Line line = layout.line(shapes, styled(text), i);
      lines.push_back(text.substr(line.begin, line.end - line.begin));
    }
    return lines;
  }
  StyledText styled(const std::string& text) const { return {text, {&span, 1}}; }
  Span span{.font = kFont};
  BoxFont font;
  ShapeCache shapes{font};
};

using Lines = std::vector<std::string>;

TEST_F(LayoutTest, D60BreaksAtSpacesWhichHangAtTheEnd) { EXPECT_EQ(broken("aaa bbb ccc", 35), (Lines{"aaa bbb ", "ccc"})); }
TEST_F(LayoutTest, D60BreaksLongWordsAnywhere) { EXPECT_EQ(broken("aaaaaaaa", 15), (Lines{"aaa", "aaa", "aa"})); }
TEST_F(LayoutTest, D60BreaksBetweenIdeographsButNotBeforeAFullStop) { EXPECT_EQ(broken("漢字漢字。", 40), (Lines{"漢字漢", "字。"})); }
TEST_F(LayoutTest, D60GlueHoldsWordsTogetherAndSoftHyphensPartThem) {
  EXPECT_EQ(broken("aaa 10\u00a0km", 35), (Lines{"aaa ", "10\u00a0km"}));
  EXPECT_EQ(broken("漢字\u2060漢字", 30), (Lines{"漢", "字\u2060漢", "字"}));
  EXPECT_EQ(broken("aaa\u00adbbb", 22), (Lines{"aaa\u00ad", "bbb"}));
  EXPECT_EQ(broken("aaa\u200bbbb", 22), (Lines{"aaa\u200b", "bbb"}));
}
TEST_F(LayoutTest, KeepsEmptyLinesAndTheLastOne) { EXPECT_EQ(broken("a\n\nb\n", 100), (Lines{"a", "", "b", ""})); }
TEST_F(LayoutTest, HasOneLineForNoText) { EXPECT_EQ(broken("", 100), (Lines{""})); }
TEST_F(LayoutTest, NeverSplitsACluster) { EXPECT_EQ(broken("e\u0301e\u0301", 5), (Lines{"e\u0301", "e\u0301"})); }
TEST_F(LayoutTest, GoesOnWhenNothingFits) { EXPECT_EQ(broken("漢字", 1), (Lines{"漢", "字"})); }

TEST_F(LayoutTest, EveryCaretPlaceIsHitWhereItIsDrawn) {
  const std::string text = "one two 漢字 three\nfour e\u0301 five";
  Layout layout;
  layout.set(shapes, styled(text), 40);
  for (std::size_t at = 0; at < text.size(); at = next_cluster(text, at)) {
    const std::size_t line = layout.line_of(shapes, styled(text), at);
    EXPECT_EQ(layout.offset_at(shapes, styled(text), line, layout.x_of(shapes, styled(text), line, at)), at);
  }
}

TEST_F(LayoutTest, AnEditGivesTheSameLinesAsLayingOutAnew) {
  const std::vector<std::string> pieces = {"a", " ", "word ", "\n", "漢字", "averyverylongword", "e\u0301", "\u0301", "-", "😀", "   "};
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const float width = static_cast<float>(20 + random() % 80);
    std::string text;
    Layout edited;
    edited.set(shapes, styled(text), width);
    for (int step = 0; step < 150; ++step) {
      std::vector<std::size_t> places{0};
      while (places.back() < text.size()) places.push_back(next_cluster(text, places.back()));
      const std::size_t a = random() % places.size(), b = std::min(places.size() - 1, a + random() % 6);
      const std::string piece = random() % 4 == 0 ? "" : pieces[random() % pieces.size()];
      text.replace(places[a], places[b] - places[a], piece);
      edited.edit(shapes, styled(text), places[a], places[b] - places[a], piece.size());
      Layout fresh;
      fresh.set(shapes, styled(text), width);
      ASSERT_EQ(edited.n_lines(), fresh.n_lines()) << "step " << step << " \"" << text << '"';
      for (std::size_t i = 0; i < fresh.n_lines(); ++i) {
        const Line got = edited.line(shapes, styled(text), i), wanted = fresh.line(shapes, styled(text), i);
        ASSERT_EQ(got.begin, wanted.begin) << "step " << step;
        ASSERT_EQ(got.end, wanted.end) << "step " << step;
        ASSERT_EQ(got.width, wanted.width) << "step " << step;
        ASSERT_EQ(got.hard, wanted.hard) << "step " << step;
      }
    }
  }
}

TEST_F(LayoutTest, D66LongTextsAreLaidOutWhereTheyAreLookedAt) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += i % 7 == 0 ? "line\n" : "some words ";
  text += std::string(100'000, 'x');  // and a word without end
  Layout layout;
  layout.set(shapes, styled(text), 400);
  const Line last = layout.line(shapes, styled(text), layout.n_lines() - 1);
  EXPECT_EQ(last.end, text.size());
  // Line after line, the whole text is there once, and edits keep it so.
  std::mt19937 random(9);
  for (int round = 0; round < 40; ++round) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < layout.n_lines(); ++i) {
      const Line line = layout.line(shapes, styled(text), i);
      ASSERT_TRUE(line.begin == end || (line.begin == end + 1 && text[end] == '\n')) << "round " << round << " line " << i;
      ASSERT_LE(line.width, 400.0f);
      end = line.end;
    }
    ASSERT_EQ(end, text.size()) << "round " << round;
    const std::size_t at = random() % (text.size() + 1), removed = std::min(text.size() - at, std::size_t{random() % 20'000});
    const std::string piece(random() % 3 == 0 ? 30'000 : 3, random() % 2 == 0 ? 'y' : '\n');
    text.replace(at, removed, piece);
    layout.edit(shapes, styled(text), at, removed, piece.size());
  }
}

TEST(Words, ADoubleClickTakesTheWord) {
  const std::string text = "say größe, now";
  const Range word = word_at(text, 6);
  EXPECT_EQ(text.substr(word.begin, word.end - word.begin), "größe");
}

TEST(Blocks, FencesPartProseFromCode) {
  const std::string text = "Look:\n\n```cpp\nint x;\n\n```\nDone.";
  const auto blocks = split_fences(text);
  ASSERT_EQ(blocks.size(), 3u);
  const auto part = [&](Range r) { return text.substr(r.begin, r.end - r.begin); };
  EXPECT_EQ(part(blocks[0].range), "Look:");
  EXPECT_EQ(part(blocks[1].range), "int x;\n");
  EXPECT_EQ(part(blocks[1].language), "cpp");
  EXPECT_EQ(part(blocks[2].range), "Done.");
}

TEST(Blocks, AreRangesOfTheTextAtEveryPrefix) {
  const std::string text = "a\n~~~\ncode ```\n~~~\n`b`\n````x y\n```\n````\n\n c ";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    std::size_t end = 0;
    for (const FencedPart& block : split_fences(text.substr(0, n))) {
      EXPECT_LE(end, block.range.begin);
      EXPECT_LE(block.range.begin, block.range.end);
      EXPECT_LE(block.range.end, n);
      end = block.range.end;
    }
  }
}

}  // namespace
}  // namespace foreword::ui::text
