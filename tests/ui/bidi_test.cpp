// D60, D64, D69: text from the right to the left: order, caret, selection.

#include "ui/text/bidi.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "ui/headless.h"
#include "ui/text/layout.h"

namespace foreword::ui::text {
namespace {

constexpr Font kFont{Style::regular, 10};  // boxes: 5 pixels a character
const std::string kAlef = "\u05d0", kBet = "\u05d1", kGimel = "\u05d2";
const std::string kMixed = "abc " + kAlef + kBet + kGimel + " 12 x";  // drawn: abc, then 12 left of gimel bet alef, x

class BidiTest : public ::testing::Test {
 protected:
  StyledText styled(const std::string& text) const { return {text, {&span, 1}}; }
  /// The line as it is drawn, cluster by cluster from left to right.
  std::string drawn(const std::string& text, float width = 0) {
    layout.set(shapes, styled(text), width);
    std::string out;
    layout.visit(shapes, styled(text), 0, [&](const PlacedPiece& piece) {
      std::vector<std::string> clusters;
      for (std::size_t at = piece.range.begin; at < piece.range.end; at = next_cluster(text, at)) {
        clusters.push_back(text.substr(at, next_cluster(text, at) - at));
      }
      if (piece.rtl) std::reverse(clusters.begin(), clusters.end());
      for (const std::string& cluster : clusters) out += cluster;
      return true;
    });
    return out;
  }
  BoxFont font;
  ShapeCache shapes{font};
  Span span{.font = kFont};
  Layout layout;
};

TEST(Bidi, OnlyTextThatMayRunToTheLeftIsAskedForItsDirections) {
  for (const std::string text : {"", "plain", "Grüße", "漢字 \u2014 \u20ac", "😀"}) EXPECT_FALSE(may_run_left(text)) << text;
  for (const std::string text : {"a\u05d0", "\u0627", "\u200f", "\ufe8d", "x\u202ey", "\U0001e900"}) EXPECT_TRUE(may_run_left(text)) << text;
}

TEST_F(BidiTest, WordsFromTheRightAreDrawnBackwards) {
  EXPECT_EQ(drawn(kMixed), "abc 12 " + kGimel + kBet + kAlef + " x");
  EXPECT_EQ(drawn(kAlef + kBet + " abc"), "abc " + kBet + kAlef);
  EXPECT_EQ(drawn(kAlef + kBet + " (1) c"), "c )1( " + kBet + kAlef) << "brackets are mirrored when they are shaped";
}

TEST_F(BidiTest, AParagraphFromTheRightStandsAtTheRight) {
  const std::string text = kAlef + kBet + " abc";
  layout.set(shapes, styled(text), 100);
  EXPECT_TRUE(layout.runs_left(styled(text), 0));
  EXPECT_EQ(layout.indent(shapes, styled(text), 0, 100), 70);
  EXPECT_EQ(layout.x_of(shapes, styled(text), 0, 0), 30);
  EXPECT_EQ(layout.x_of(shapes, styled(text), 0, text.size()), 15) << "behind the last letter that was written, which runs to the right";
}

TEST_F(BidiTest, D64TheCaretGoesThroughEveryPlaceOnceAsTheEyeSeesIt) {
  for (const std::string& text : std::vector<std::string>{kMixed, kAlef + kBet + " abc " + kGimel, "a" + kAlef, kAlef + "a", "\u0645\u0631\u062d\u0628\u0627, 12 x"}) {
    layout.set(shapes, styled(text), 0);
    std::set<std::size_t> all{text.size()};
    for (std::size_t at = 0; at < text.size(); at = next_cluster(text, at)) all.insert(at);
    // From the left end, which is the end of the text where the paragraph starts at the right.
    std::size_t at = 0;
    for (const std::size_t place : all) {
      if (layout.x_of(shapes, styled(text), 0, place) < layout.x_of(shapes, styled(text), 0, at)) at = place;
    }
    for (std::size_t left = at; (left = layout.beside(shapes, styled(text), at, false)) != at;) at = left;
    std::set<std::size_t> seen{at};
    float x = layout.x_of(shapes, styled(text), 0, at);
    for (;;) {
      const std::size_t next = layout.beside(shapes, styled(text), at, true);
      if (next == at) break;
      EXPECT_TRUE(seen.insert(next).second) << "twice at " << next << " in " << text;
      EXPECT_GE(layout.x_of(shapes, styled(text), 0, next), x);
      x = layout.x_of(shapes, styled(text), 0, next);
      at = next;
    }
    EXPECT_EQ(seen, all) << text;
  }
}

TEST_F(BidiTest, D64ASelectionAcrossDirectionsIsDrawnInParts) {
  layout.set(shapes, styled(kMixed), 0);
  std::vector<std::pair<float, float>> parts;
  layout.visit_selected(shapes, styled(kMixed), 0, {2, 6}, [&](float left, float right) { parts.emplace_back(left, right); });
  // "c ", and the first letter from the right, which stands behind "12 " and two letters.
  EXPECT_EQ(parts, (std::vector<std::pair<float, float>>{{10, 20}, {45, 50}}));
}

TEST_F(BidiTest, AClickFindsThePlaceThatIsDrawnThere) {
  std::mt19937 random(3);
  const std::vector<std::string> pieces = {"a", "bc ", kAlef, kBet + kGimel, " ", "12", "(", ")", "\u0627\u0644", "漢", "e\u0301", "."};
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += pieces[random() % pieces.size()];
    layout.set(shapes, styled(text), 0);
    for (std::size_t at = 0; at <= text.size(); at = next_cluster(text, at)) {
      const float x = layout.x_of(shapes, styled(text), 0, at);
      const std::size_t hit = layout.offset_at(shapes, styled(text), 0, x);
      bool beside = hit == at;  // at a turn of direction two places share one x
      layout.visit(shapes, styled(text), 0, [&](const PlacedPiece& piece) {
        beside = beside || std::abs(piece.x - x) < 0.01f || std::abs(piece.x + piece.advance - x) < 0.01f;
        return true;
      });
      EXPECT_TRUE(beside) << "place " << at << " hit " << hit << " in " << text;
      if (at == text.size()) break;
    }
  }
}

TEST_F(BidiTest, LinesOfAnEndlessParagraphAreResolvedOneByOne) {
  std::string text;
  while (text.size() < 4 * kMaxBidiBytes) text += kAlef + kBet + kGimel + " ";
  layout.set(shapes, styled(text), 400);
  EXPECT_TRUE(layout.runs_left(styled(text), text.size() / 2));
  const std::size_t line = layout.line_of(shapes, styled(text), text.size() / 2);
  EXPECT_EQ(layout.beside(shapes, styled(text), layout.line(shapes, styled(text), line).begin, false),
            layout.line(shapes, styled(text), line).begin + 2);
}

}  // namespace
}  // namespace foreword::ui::text
