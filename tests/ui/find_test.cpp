// Search in the chat that is shown (D64), and the button that leads back to the end (D65).

#include <gtest/gtest.h>

#include "ui/headless.h"
#include "ui/text/find.h"

namespace foreword::ui {
namespace {

using text::Range;

std::vector<Range> places_of(std::string_view text, std::string_view needle) {
  std::vector<Range> places;
  text::find_all(text, needle, places);
  return places;
}

TEST(D64Find, CaseDoesNotMatterAndPlacesDoNotOverlap) {
  EXPECT_EQ(places_of("Über überall", "ÜBER"), (std::vector<Range>{{0, 5}, {6, 11}}));
  EXPECT_EQ(places_of("aaaa", "aa"), (std::vector<Range>{{0, 2}, {2, 4}}));
  EXPECT_EQ(places_of("漢字かな漢字", "漢字"), (std::vector<Range>{{0, 6}, {12, 18}}));
  EXPECT_TRUE(places_of("abc", "").empty());
  EXPECT_TRUE(places_of("", "x").empty());
  EXPECT_EQ(places_of("x\xff\xfey", "y"), (std::vector<Range>{{3, 4}}));
}

class D64FindBar : public ::testing::Test {
 protected:
  D64FindBar() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.state.current_chat = 3;
  }
  void add(Author author, std::string text) {
    MessageRow row;
    row.id = static_cast<std::int64_t>(drive.state.messages.size()) + 1;
    row.author = author;
    row.text = std::move(text);
    drive.state.messages.push_back(std::move(row));
  }
  void look_for(const std::string& words) {
    drive.key(letter('f'), {.ctrl = true});
    drive.frames(2);
    drive.key(letter('a'), {.ctrl = true});
    drive.type(words);
    drive.frames(200);
  }
  const MessageFinder& finder() { return drive.root().conversation().finder(); }
  Headless drive;
};

TEST_F(D64FindBar, CountsAndGoesRoundBothWays) {
  add(Author::user, "one sky");
  add(Author::assistant, "the **sk**y, and the Sky:\n\n- sky\n\n```\nsky\n```\n");
  drive.frames(2);
  look_for("sky");
  EXPECT_EQ(finder().n_matches(), 5u) << "marks within a word do not hide it";
  EXPECT_EQ(finder().current_number(), 1u);
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(finder().current_number(), 2u);
  drive.key(Key::enter, {.shift = true});
  drive.key(Key::enter, {.shift = true});
  drive.frames(2);
  EXPECT_EQ(finder().current_number(), 5u);
  drive.key(Key::f3);
  drive.frames(2);
  EXPECT_EQ(finder().current_number(), 1u);
  ASSERT_TRUE(drive.click("find/previous"));
  EXPECT_EQ(finder().current_number(), 5u);
}

TEST_F(D64FindBar, BringsAFarPlaceIntoTheViewAndEscapeLeaves) {
  for (int i = 0; i < 3000; ++i) add(i % 2 == 0 ? Author::user : Author::assistant, "Some words, " + std::to_string(i) + (i == 40 ? " with a needle" : ""));
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/42/copy"), nullptr);
  look_for("NEEDLE");
  EXPECT_EQ(finder().n_matches(), 1u);
  EXPECT_NE(drive.find("messages/42/copy"), nullptr) << "the answer below it is in sight";
  EXPECT_FALSE(drive.root().conversation().following());
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("find/text"), nullptr);
  EXPECT_TRUE(finder().query().empty());
  EXPECT_EQ(drive.root().interaction().focus_id(), "composer/text");
}

TEST_F(D64FindBar, FollowsAGrowingAnswerAndAnotherChat) {
  add(Author::assistant, "word");
  drive.state.messages.back().state = MessageState::streaming;
  drive.frames(2);
  look_for("word");
  EXPECT_EQ(finder().n_matches(), 1u);
  drive.state.messages.back().text += " and word";
  drive.frames(2);
  EXPECT_EQ(finder().n_matches(), 2u);
  drive.state.current_chat = 4;
  drive.state.messages.clear();
  drive.frames(2);
  EXPECT_EQ(drive.find("find/text"), nullptr);
}

TEST_F(D64FindBar, ReasoningIsLeftOutAndPlacesBehindItAreRight) {
  add(Author::assistant, "<think>\nneedle\n</think>\n\nIt is a needle.");
  drive.frames(2);
  look_for("needle");
  ASSERT_EQ(finder().n_matches(), 1u);
  EXPECT_EQ(finder().current()->places.begin, 7u + 8u) << "six letters and a gap of thoughts, then \"It is a \"";
}

TEST_F(D64FindBar, TheSelectionGoesToTheMiddleButtonsClipboard) {  // D76
  add(Author::user, "word one");
  drive.frames(2);
  const Rect view = drive.find("messages")->rect;
  drive.press({view.left + 40, view.top + 2});
  drive.push(MouseMove{{view.right - 40, view.bottom - 2}});
  drive.release({view.right - 40, view.bottom - 2});
  drive.frames(2);
  EXPECT_EQ(drive.selected_board, "word one");
  EXPECT_EQ(drive.clipboard, "") << "selecting does not copy";
  const Rect field = drive.find("composer/text")->rect;
  drive.press(field.center(), 2);
  drive.release(field.center(), 2);
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "word one");
}

TEST_F(D64FindBar, D65TheButtonSaysThatNewTextHasCome) {
  for (int i = 0; i < 40; ++i) add(i % 2 == 0 ? Author::user : Author::assistant, "Some words that fill a line or two of the conversation.");
  drive.frames(2);
  drive.wheel(drive.find("messages")->rect.center(), 10);
  drive.frames(2);
  const auto label = [&] { return drive.find("messages/end") == nullptr ? std::string() : drive.find("messages/end")->label; };
  EXPECT_EQ(label(), "Go to the newest text (End)");
  const float top = drive.find("messages/30/copy")->rect.top;
  drive.state.messages.back().text += " More.";
  drive.frames(2);
  EXPECT_EQ(label(), "New text below; go there (End)");
  EXPECT_FLOAT_EQ(drive.find("messages/30/copy")->rect.top, top) << "what is read stays where it is";
  ASSERT_TRUE(drive.click("messages/end"));
  EXPECT_TRUE(drive.root().conversation().following());
  EXPECT_EQ(label(), "");
}

}  // namespace
}  // namespace foreword::ui
