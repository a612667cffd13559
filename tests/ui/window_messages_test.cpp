// What hands do to messages, and how the view follows and stays.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "tests/ui/window_fixture.h"

namespace foreword::ui {
namespace {

TEST_F(WindowTest, D38MessagesAreForkedAndDeleted) {
  add_messages(2);
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/2/fork"));
  EXPECT_EQ(drive.last<ForkChat>()->message, 2);
  ASSERT_TRUE(drive.click("messages/2/delete"));
  EXPECT_EQ(drive.last<DeleteMessage>()->message, 2);
}

TEST_F(WindowTest, AnAnswerIsStoppedByButtonAndByEscape) {
  add_messages(2);
  drive.state.generating = true;
  drive.frames(2);
  ASSERT_TRUE(drive.click("composer/stop"));
  EXPECT_NE(drive.last<StopGenerating>(), nullptr);
  drive.events.clear();
  drive.key(Key::escape);
  drive.frames();
  EXPECT_NE(drive.last<StopGenerating>(), nullptr);
}

TEST_F(WindowTest, D64SelectionCrossesMessagesAndIsCopied) {
  add_messages(2, "word ");
  drive.frames(2);
  const Rect view = drive.find("messages")->rect;
  drive.press({view.left + 40, view.top + 2});
  drive.push(MouseMove{{view.right - 40, view.bottom - 2}});
  drive.release({view.right - 40, view.bottom - 2});
  drive.frames();
  drive.key(letter('c'), kCtrl);
  drive.frames();
  EXPECT_EQ(drive.clipboard, "word 1\n\nword 2");
}

TEST_F(WindowTest, D65FollowsTheEndOnlyWhileTheReaderIsThere) {
  add_messages(40);
  drive.frames(2);
  EXPECT_TRUE(drive.root().conversation().following());
  const auto bottom_item = [&] { return drive.find("messages/40/copy"); };
  ASSERT_NE(bottom_item(), nullptr);
  drive.state.messages.back().text += std::string(3000, 'x');
  drive.frames(2);
  EXPECT_NE(bottom_item(), nullptr);
  drive.wheel(drive.find("messages")->rect.center(), 8);
  drive.frames(2);
  EXPECT_FALSE(drive.root().conversation().following());
  EXPECT_EQ(bottom_item(), nullptr);
  drive.state.messages.back().text += std::string(3000, 'y');
  drive.frames(2);
  EXPECT_EQ(bottom_item(), nullptr);
  ASSERT_TRUE(drive.click("messages/end"));
  EXPECT_TRUE(drive.root().conversation().following());
  EXPECT_NE(bottom_item(), nullptr);
}

TEST_F(WindowTest, D65PageUpAndDownScrollTheConversationWhileTheComposerIsAPageOrLess) {
  add_messages(40);
  drive.frames(2);
  ASSERT_EQ(drive.root().interaction().focus_id(), Composer::kFieldId);
  drive.type("one line");
  drive.key(Key::page_up);
  drive.frames(2);
  EXPECT_FALSE(drive.root().conversation().following());
  EXPECT_EQ(drive.root().interaction().focus_id(), Composer::kFieldId) << "typing goes on";
  drive.key(Key::page_down);
  drive.frames(2);
  EXPECT_TRUE(drive.root().conversation().following());
  for (int i = 0; i < 40; ++i) drive.key(Key::enter, kShift);
  drive.frames(2);
  drive.key(Key::page_up);
  drive.frames(2);
  EXPECT_TRUE(drive.root().conversation().following()) << "a long text has pages of its own";
}

TEST_F(WindowTest, D66ScrollingUpThroughGuessedHeightsNeverJumps) {
  add_messages(300, "Some words, then more, of a length that a guess of the height does not meet exactly. 漢字漢字漢字 ");
  drive.frames(2);
  const Vec middle = drive.find("messages")->rect.center();
  const auto place_of = [&](int id) {
    const Item* item = drive.find("messages/" + std::to_string(id) + "/copy");
    return item == nullptr || item->rect.height() < 27.5f ? -1.0f : item->rect.top;
  };
  int seen = 0;
  for (int step = 0; step < 60; ++step) {
    std::vector<float> before;
    for (int id = 2; id <= 300; id += 2) before.push_back(place_of(id));
    drive.wheel(middle, 1);
    drive.frames();
    for (int id = 2; id <= 300; id += 2) {
      const float was = before[static_cast<std::size_t>(id / 2 - 1)], is = place_of(id);
      if (was < 0 || is < 0) continue;
      EXPECT_NEAR(is - was, 70, 1.5) << "step " << step << " message " << id;
      ++seen;
    }
  }
  EXPECT_GT(seen, 60);
}

TEST_F(WindowTest, NoMessageIsDrawnOverAnotherHoweverWrongTheGuessOfItsHeight) {
  std::string lines;
  for (int i = 0; i < 8; ++i) lines += "a\n";  // eight lines, guessed as one
  add_messages(60, lines);
  drive.frames(2);
  const Vec middle = drive.find("messages")->rect.center();
  for (int step = 0; step < 40; ++step) {
    drive.wheel(middle, 2);
    drive.frames();
    std::vector<float> tops;
    for (const Item& item : drive.root().interaction().items()) {
      const bool answer = item.id.starts_with("messages/") && item.id.ends_with("/copy") && std::stoi(std::string(item.id.substr(9))) % 2 == 0;
      if (answer && item.rect.height() > 27.5f) tops.push_back(item.rect.top);
    }
    for (std::size_t i = 1; i < tops.size(); ++i) EXPECT_GT(tops[i] - tops[i - 1], 2 * 9 * 24) << "step " << step;
  }
}

TEST_F(WindowTest, AnswersAreCopiedAndAskedForAgain) {
  add_messages(2, "text ");
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/2/copy"));
  EXPECT_EQ(drive.clipboard, "text 2");
  ASSERT_TRUE(drive.click("messages/2/regenerate"));
  EXPECT_EQ(drive.last<Regenerate>()->message, 2);
}

TEST_F(WindowTest, D37VersionsAreChangedByArrowsAndKeys) {
  add_messages(2);
  drive.state.messages[1].sibling = 2;
  drive.state.messages[1].n_siblings = 3;
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/1/previous"), nullptr) << "the only version has no arrows";
  ASSERT_TRUE(drive.click("messages/2/previous"));
  EXPECT_EQ(drive.last<ShowSibling>()->message, 2);
  EXPECT_EQ(drive.last<ShowSibling>()->step, -1);
  drive.press(drive.find("messages")->rect.center());
  drive.release(drive.find("messages")->rect.center());
  drive.key(Key::right, {.alt = true});
  drive.frames();
  EXPECT_EQ(drive.last<ShowSibling>()->step, 1);
  drive.state.messages[1].sibling = 3;
  drive.frames(2);
  EXPECT_FALSE(drive.find("messages/2/next")->enabled);
}

TEST_F(WindowTest, D39OnlyAnUnfinishedLastAnswerIsContinued) {
  add_messages(2);
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/2/continue"), nullptr);
  drive.state.messages[1].state = MessageState::stopped;
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/2/continue"));
  EXPECT_EQ(drive.last<ContinueAnswer>()->message, 2);
}

TEST_F(WindowTest, FiveThousandMessagesAreCheap) {
  using Clock = std::chrono::steady_clock;
  add_messages(5000, std::string(3000, 'm') + " and some words after that. ");
  auto start = Clock::now();
  drive.frames();
  const double first = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  start = Clock::now();
  for (int i = 0; i < 200; ++i) {
    drive.state.messages.back().text += " token";
    drive.wheel({700, 300}, i % 2 == 0 ? 3.0f : -2.0f);
    drive.frames();
  }
  const double each = std::chrono::duration<double, std::milli>(Clock::now() - start).count() / 200;
  std::printf("5,000 messages: first frame %.1f ms, then %.2f ms a frame\n", first, each);
}

}  // namespace
}  // namespace foreword::ui
