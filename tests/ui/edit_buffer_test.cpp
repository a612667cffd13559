#include "ui/text/edit_buffer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace foreword::ui::text {
namespace {

/// The law: a text as a list of clusters, edited without any cleverness.
struct NaiveEditor {
  std::string text;
  std::size_t caret = 0, anchor = 0;

  std::vector<std::size_t> boundaries() const {
    std::vector<std::size_t> all{0};
    while (all.back() < text.size()) all.push_back(next_cluster(text, all.back()));
    return all;
  }
  std::size_t beside(int step) const {
    const auto all = boundaries();
    const auto here = std::find(all.begin(), all.end(), caret);
    if (step < 0) return here == all.begin() ? 0 : *(here - 1);
    return here + 1 == all.end() ? text.size() : *(here + 1);
  }
  void replace(std::size_t begin, std::size_t end, const std::string& with) {
    text = text.substr(0, begin) + with + text.substr(end);
    caret = begin + with.size();
    const auto all = boundaries();  // what joins its neighbours is stepped over
    caret = *std::lower_bound(all.begin(), all.end(), caret);
    anchor = caret;
  }
  std::pair<std::size_t, std::size_t> range() const { return std::minmax(caret, anchor); }
};

const std::vector<std::string> kPieces = {"a", "b ", " ", "\n", "word", "é", "e\u0301", "\u0301", "漢字", "😀", "👩‍👩‍👧", "\u200d", "🇯🇵", "🇩", "العربية", "ห้อง"};

TEST(EditBuffer, D69EqualsANaiveEditorUnderRandomEdits) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    EditBuffer buffer;
    NaiveEditor naive;
    for (int step = 0; step < 300; ++step) {
      const auto [begin, end] = naive.range();
      switch (random() % 8) {
        case 0: case 1: case 2: {
          const std::string piece = kPieces[random() % kPieces.size()];
          buffer.insert(piece);
          naive.replace(begin, end, piece);
          break;
        }
        case 3:
          buffer.erase_left(Motion::cluster);
          begin != end ? naive.replace(begin, end, "") : naive.replace(naive.beside(-1), naive.caret, "");
          break;
        case 4:
          buffer.erase_right(Motion::cluster);
          begin != end ? naive.replace(begin, end, "") : naive.replace(naive.caret, naive.beside(1), "");
          break;
        case 5: case 6: {
          const bool extend = random() % 2 == 0, right = random() % 2 == 0;
          right ? buffer.move_right(Motion::cluster, extend) : buffer.move_left(Motion::cluster, extend);
          if (!extend && begin != end) {
            naive.caret = right ? end : begin;
          } else {
            naive.caret = naive.beside(right ? 1 : -1);
          }
          if (!extend) naive.anchor = naive.caret;
          break;
        }
        default: {
          const auto all = naive.boundaries();
          naive.caret = all[random() % all.size()];
          const bool extend = random() % 2 == 0;
          buffer.move_to(naive.caret, extend);
          if (!extend) naive.anchor = naive.caret;
        }
      }
      ASSERT_EQ(buffer.text(), naive.text) << "step " << step;
      ASSERT_EQ(buffer.caret(), naive.caret) << "step " << step << " in \"" << naive.text << '"';
    }
  }
}

TEST(EditBuffer, UndoGoesBackThroughEveryStateAndRedoForwardAgain) {
  std::mt19937 random(7);
  EditBuffer buffer;
  for (int i = 0; i < 200; ++i) {
    random() % 4 == 0 ? buffer.erase_left(Motion::word) : buffer.insert(kPieces[random() % kPieces.size()]);
    if (random() % 5 == 0) buffer.move_to(0, random() % 2 == 0);
  }
  const std::string end = buffer.text();
  int steps = 0;
  while (buffer.undo()) ++steps;
  EXPECT_EQ(buffer.text(), "");
  EXPECT_GT(steps, 10);
  while (buffer.redo()) --steps;
  EXPECT_EQ(steps, 0);
  EXPECT_EQ(buffer.text(), end);
}

TEST(EditBuffer, D68NoStateThatWasWrittenIsLost) {
  EditBuffer buffer;
  buffer.insert("one ");
  buffer.insert("two");
  buffer.undo();
  buffer.insert("three");  // another branch
  buffer.undo();
  buffer.undo();
  EXPECT_EQ(buffer.text(), "");
  buffer.redo();
  buffer.redo();
  EXPECT_EQ(buffer.text(), "one three") << "redo takes the branch that was left last";
  EXPECT_TRUE(buffer.earlier());
  EXPECT_EQ(buffer.text(), "one two");
  EXPECT_TRUE(buffer.later());
  EXPECT_EQ(buffer.text(), "one three");
  EXPECT_FALSE(buffer.later());
}

TEST(EditBuffer, D69TheUndoTreeEqualsAListOfAllStates) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    EditBuffer buffer;
    std::vector<std::string> states{""};  // by step
    for (int i = 0; i < 150; ++i) {
      switch (random() % 5) {
        case 0: buffer.undo(); break;
        case 1: buffer.redo(); break;
        case 2: random() % 2 == 0 ? buffer.earlier() : buffer.later(); break;
        default:
          buffer.move_to(random() % (buffer.text().size() + 1), random() % 3 == 0);  // ends the last step
          buffer.insert(kPieces[random() % kPieces.size()] + "!!");
          states.push_back(buffer.text());
      }
      ASSERT_NE(std::find(states.begin(), states.end(), buffer.text()), states.end()) << "seed " << seed;
    }
    while (buffer.later()) {}
    for (std::size_t i = states.size(); i-- > 0;) {
      ASSERT_EQ(buffer.text(), states[i]) << "seed " << seed << " state " << i;
      ASSERT_EQ(buffer.earlier(), i > 0);
    }
  }
}

TEST(EditBuffer, D68AWordIsOneUndoStepAndAPasteIsOne) {
  EditBuffer buffer;
  for (const char c : std::string("one two")) buffer.insert(std::string(1, c));
  buffer.insert(" pasted words");
  buffer.undo();
  EXPECT_EQ(buffer.text(), "one two");
  buffer.undo();
  EXPECT_EQ(buffer.text(), "one ");
  buffer.undo();
  EXPECT_EQ(buffer.text(), "");
}

TEST(EditBuffer, HoldsOnlyCleanText) {
  EditBuffer buffer;
  buffer.insert("a\r\nb\rc\xff\x01\x7f\td");
  EXPECT_EQ(buffer.text(), "a\nb\nc\uFFFD\td");
  EditBuffer line(true);
  line.insert("two\nlines");
  EXPECT_EQ(line.text(), "two lines");
}

TEST(EditBuffer, WordsAreErasedAndCrossed) {
  EditBuffer buffer;
  buffer.set_text("hello, größe 漢字 end");
  buffer.move_left(Motion::word, false);
  EXPECT_EQ(buffer.text().substr(buffer.caret()), "end");
  buffer.erase_left(Motion::word);
  EXPECT_EQ(buffer.text(), "hello, größe end");
  buffer.move_left(Motion::all, false);
  buffer.move_right(Motion::word, true);
  EXPECT_EQ(buffer.selected_text(), "hello");
}

TEST(Clusters, GoBackwardsAsTheyGoForwards) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += kPieces[random() % kPieces.size()];
    if (round % 3 == 0) text[random() % text.size()] = static_cast<char>(random());  // invalid bytes too
    std::vector<std::size_t> forwards, backwards;
    for (std::size_t at = 0; at < text.size(); at = next_cluster(text, at)) forwards.push_back(at);
    for (std::size_t at = text.size(); at > 0;) backwards.insert(backwards.begin(), at = previous_cluster(text, at));
    ASSERT_EQ(forwards, backwards) << "round " << round;
  }
}

TEST(Clusters, EmojiSequencesAndAccentsAreOne) {
  for (const std::string one : {"👩‍👩‍👧", "🇯🇵", "e\u0301", "👍🏽", "❤️"}) EXPECT_EQ(next_cluster(one, 0), one.size()) << one;
}

TEST(Clusters, HostileRunsOfMarksAreCut) {
  std::string text = "a";
  for (int i = 0; i < 1000; ++i) text += "\u0301";
  EXPECT_EQ(next_cluster(text, 0), 1u + 2 * (kMaxClusterCodePoints - 1));
}

}  // namespace
}  // namespace foreword::ui::text
