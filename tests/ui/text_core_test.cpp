// The text core as a whole under random documents and edits, as sanitizers like it: nothing is read out of bounds, and what
// was laid out piece by piece is what is laid out at once (D61, D64, D66, D69).

#include <gtest/gtest.h>

#include <random>

#include "ui/headless.h"
#include "ui/text/boxes.h"
#include "ui/text/copy.h"
#include "ui/text/edit_buffer.h"
#include "ui/text/freetype_fonts.h"
#include "ui/text/markdown_stream.h"

namespace foreword::ui::text {
namespace {

const std::vector<std::string> kPieces = {
    "word ", "**", "*", "`", "```\n", "\n", "\n\n", "- ", "1. ", "> ", "| a | b |\n", "|---|--:|\n", "[x](y)", "\u05d0\u05d1 ", "\u0627\u0644", "漢", "😀",
    "\u200d", "\u0301", "\xff", "\xc3", "\u202e", "# ", "\t", "    ", "$x$", "\\(", "\\)", "&amp;", "~~", "<b>", "\x01", "🇯", "~~~\n", "http://a.b ",
    "[a]: b\n", std::string(90, 'a')};

Sheet sheet() {
  Sheet s;
  s.body = {Style::regular, 16};
  s.inline_code = s.code = {Style::mono, 14};
  s.headings.fill({Style::bold, 20});
  s.heading_lines.fill(28);
  return s;
}

/// Grows a document by random pieces, and looks at it everywhere.
void grow_random_documents(GlyphSource& source, unsigned n_seeds) {
  ShapeCache shapes(source);
  for (unsigned seed = 1; seed <= n_seeds; ++seed) {
    std::mt19937 random(seed);
    const float width = static_cast<float>(60 + random() % 600);
    std::string text;
    MarkdownStream stream;
    Boxes boxes;
    for (int step = 0; step < 60; ++step) {
      text += kPieces[random() % kPieces.size()];
      stream.update(text, step > 0);
      boxes.lay_out(shapes, stream.blocks(), stream.first_changed(), stream.n_same_bytes(), sheet(), width);
      const std::size_t size = boxes.size(stream.blocks());
      const std::size_t a = random() % (size + 1), b = random() % (size + 1);
      EXPECT_LE(boxes.place_at(shapes, stream.blocks(), static_cast<float>(random() % 700), static_cast<float>(random() % 900)), size);
      boxes.spot_of(shapes, stream.blocks(), a);
      copy_plain(stream.blocks(), {std::min(a, b), std::max(a, b)});
      copy_markdown(stream.blocks(), {std::min(a, b), std::max(a, b)});
    }
    Boxes fresh;
    fresh.lay_out(shapes, stream.blocks(), 0, 0, sheet(), width);
    ASSERT_EQ(boxes.height(), fresh.height()) << "seed " << seed;
    for (std::size_t i = 0; i < fresh.boxes().size(); ++i) {
      ASSERT_EQ(boxes.boxes()[i].top, fresh.boxes()[i].top) << "seed " << seed << " block " << i;
      for (TextBox& cell : boxes.boxes()[i].texts) {
        const StyledText styled = cell.styled(stream.blocks()[i]);
        for (std::size_t line = 0; line < cell.layout.n_lines(); ++line) {
          cell.layout.visit_selected(shapes, styled, line, {random() % 20, random() % 60}, [](float left, float right) { EXPECT_LE(left, right); });
        }
      }
    }
  }
}

TEST(TextCore, GrowsAnyDocumentInBoxes) {
  BoxFont font;
  grow_random_documents(font, 150);
}

TEST(TextCore, GrowsAnyDocumentInRealFonts) {
  auto fonts = FreeTypeFonts::open();
  if (!fonts) GTEST_SKIP() << fonts.error().message;
  grow_random_documents(**fonts, 40);
}

TEST(TextCore, ShapesOfRealFontsHaveACaretForEveryCluster) {
  auto fonts = FreeTypeFonts::open();
  if (!fonts) GTEST_SKIP() << fonts.error().message;
  for (const std::string run : {"office", "\u0644\u0627", "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd", "e\u0301", "👩‍👩‍👧🇯🇵", "漢字", "क्षि", "a\u05d0"}) {
    for (const bool rtl : {false, true}) {
      const Shape shape = (*fonts)->shape({Style::regular, 16}, run, rtl);
      std::vector<std::uint32_t> wanted;
      for (std::size_t at = 0; at < run.size(); at = next_cluster(run, at)) wanted.push_back(static_cast<std::uint32_t>(at));
      wanted.push_back(static_cast<std::uint32_t>(run.size()));
      std::vector<std::uint32_t> got;
      for (std::size_t i = 0; i < shape.carets.size(); ++i) {
        got.push_back(shape.carets[i].offset);
        const float step = i == 0 ? 0 : shape.carets[i].x - shape.carets[i - 1].x;
        EXPECT_TRUE(rtl ? step <= 0 : step >= 0) << run;
      }
      EXPECT_EQ(got, wanted) << run;
      EXPECT_NEAR(rtl ? shape.carets.front().x : shape.carets.back().x, shape.advance, 0.01f) << run;
    }
  }
}

TEST(TextCore, ArabicLettersJoinAndFollowEachOtherToTheLeft) {
  auto fonts = FreeTypeFonts::open();
  if (!fonts) GTEST_SKIP() << fonts.error().message;
  const Font font{Style::regular, 32};
  const Shape joined = (*fonts)->shape(font, "\u0628\u0628\u0628", true);
  const Shape alone = (*fonts)->shape(font, "\u0628", true);
  if (alone.glyphs.empty() || alone.glyphs[0].index == 0) GTEST_SKIP() << "no Arabic font";
  EXPECT_LT(joined.advance, 2.5f * alone.advance) << "the first and middle forms are narrower than the lone one";
  EXPECT_GT(joined.carets[0].x, joined.carets[1].x);
}

TEST(TextCore, D69TheLayoutOfAnEditorFollowsEveryUndo) {
  BoxFont font;
  ShapeCache shapes(font);
  const Span span{.font = {Style::regular, 10}};
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    EditBuffer buffer;
    Layout layout;
    const auto styled = [&] { return StyledText{buffer.text(), {&span, 1}}; };
    layout.set(shapes, styled(), 120);
    for (int step = 0; step < 120; ++step) {
      switch (random() % 7) {
        case 0: buffer.erase_left(Motion::word); break;
        case 1: buffer.undo(); break;
        case 2: buffer.redo(); break;
        case 3: random() % 2 == 0 ? buffer.earlier() : buffer.later(); break;
        case 4: buffer.move_to(layout.beside(shapes, styled(), buffer.caret(), random() % 2 == 0), random() % 3 == 0); break;
        default: buffer.insert(kPieces[random() % kPieces.size()]);
      }
      if (const auto change = buffer.take_change()) layout.edit(shapes, styled(), change->at, change->removed, change->inserted);
      Layout fresh;
      fresh.set(shapes, styled(), 120);
      ASSERT_EQ(layout.n_lines(), fresh.n_lines()) << "seed " << seed << " step " << step;
      const std::size_t line = layout.line_of(shapes, styled(), buffer.caret());
      EXPECT_EQ(line, fresh.line_of(shapes, styled(), buffer.caret()));
      EXPECT_GE(layout.x_of(shapes, styled(), line, buffer.caret()), 0);
    }
  }
}

}  // namespace
}  // namespace foreword::ui::text
