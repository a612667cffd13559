// The panel of a chat's instructions and numbers as hands use it (D13).

#include <gtest/gtest.h>

#include <set>

#include "tests/ui/states.h"
#include "ui/headless.h"

namespace foreword::ui {
namespace {

constexpr Mods kCtrl{.ctrl = true};

class AnswersPanelTest : public ::testing::Test {
 protected:
  AnswersPanelTest() {
    drive.state = base();
    drive.state.current_chat = 2;
    drive.frames(2);
  }
  void open() {
    drive.key(letter('i'), kCtrl);
    drive.frames(3);
    ASSERT_NE(drive.find("answers/list"), nullptr);
  }
  /// Plays the owner: what was said about a number is what holds.
  void owner_answers() {
    drive.frames(1);
    for (; n_answered_ < drive.events.size(); ++n_answered_) {
      const auto* set = std::get_if<SetSampling>(&drive.events[n_answered_]);
      if (set == nullptr) continue;
      for (SamplingRow& row : drive.state.answers.sampling) {
        if (row.key == set->key) row.chosen = set->value ? std::string(Phrases().format("%.15g", *set->value)) : std::string();
      }
    }
    drive.frames(2);
  }
  const SetSampling& last_number() { return *drive.last<SetSampling>(); }
  std::size_t count_numbers() const {
    return static_cast<std::size_t>(std::ranges::count_if(drive.events, [](const UiEvent& event) { return std::holds_alternative<SetSampling>(event); }));
  }
  Headless drive;

 private:
  std::size_t n_answered_ = 0;
};

TEST_F(AnswersPanelTest, D93TheKeyboardReachesEveryNumberForwardAndBack) {
  for (const bool back : {false, true}) {
    Headless small({420, 400});
    small.state = base();
    small.frames(2);
    small.key(letter('i'), kCtrl);
    small.frames(3);
    std::set<std::string> reached;
    for (int i = 0; i < 120; ++i) {
      small.key(Key::tab, {.shift = back});
      small.frames(3);
      reached.insert(small.root().interaction().focus_id());
    }
    for (const SamplingRow& row : small.state.answers.sampling) {
      if (!row.reason.empty()) continue;
      for (const char* part : {"", "/less", "/more"}) EXPECT_TRUE(reached.contains("answers/" + row.key + part)) << row.key << part << (back ? " backward" : " forward");
    }
    EXPECT_TRUE(reached.contains("answers/instructions"));
  }
}

TEST_F(AnswersPanelTest, OpensByItsButtonWhichTellsThatTheChatHasItsOwn) {
  EXPECT_TRUE(drive.find("header/answers")->selected);
  drive.state.answers.own = false;
  drive.frames(2);
  EXPECT_FALSE(drive.find("header/answers")->selected);
  ASSERT_TRUE(drive.click("header/answers"));
  drive.frames(2);
  EXPECT_EQ(drive.root().interaction().focus_id(), "answers/instructions");
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("answers/list"), nullptr);
  EXPECT_EQ(drive.root().interaction().focus_id(), "composer/text");
  EXPECT_EQ(drive.last<SetInstructions>(), nullptr) << "nothing was written";
}

TEST_F(AnswersPanelTest, InstructionsAreSaidInAPauseAndWhenThePanelCloses) {
  drive.state.answers.instructions = "Be";
  open();
  drive.key(Key::end, kCtrl);
  drive.type(" brief.");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SetInstructions>(), nullptr) << "while they are being written";
  EXPECT_LE(drive.wake_at(), drive.now + 0.5);
  drive.now += 0.6;
  drive.frames(2);
  ASSERT_NE(drive.last<SetInstructions>(), nullptr);
  EXPECT_EQ(drive.last<SetInstructions>()->text, "Be brief.\n");
  EXPECT_EQ(drive.last<SetInstructions>()->chat, 2);
  drive.type("!");
  drive.frames(1);
  drive.key(Key::enter, kCtrl);
  drive.frames(2);
  EXPECT_EQ(drive.last<SetInstructions>()->text, "Be brief.\n!");
  EXPECT_EQ(drive.find("answers/list"), nullptr);
}

TEST_F(AnswersPanelTest, AnotherChatEndsItWithoutALoss) {
  open();
  drive.key(letter('a'), kCtrl);
  drive.type("New.");
  drive.frames(1);
  drive.state.current_chat = 3;
  drive.frames(2);
  EXPECT_EQ(drive.find("answers/list"), nullptr);
  ASSERT_NE(drive.last<SetInstructions>(), nullptr);
  EXPECT_EQ(drive.last<SetInstructions>()->chat, 2);
  EXPECT_EQ(drive.last<SetInstructions>()->text, "New.");
}

TEST_F(AnswersPanelTest, ANewChatThatGetsItsNumberIsTheSame) {
  drive.state.current_chat = 0;
  drive.frames(2);
  open();
  drive.state.current_chat = drive.state.stored_as = 9;
  drive.frames(2);
  EXPECT_NE(drive.find("answers/list"), nullptr);
  drive.type("x");
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.last<SetInstructions>()->chat, 9);
}

TEST_F(AnswersPanelTest, ANumberIsWrittenSteppedAndTakenBack) {
  open();
  ASSERT_TRUE(drive.click("answers/top_k"));
  drive.frames(1);
  drive.type("12");
  owner_answers();
  EXPECT_EQ(last_number().key, "top_k");
  EXPECT_EQ(last_number().value, 12);
  ASSERT_TRUE(drive.click("answers/top_k/more"));
  owner_answers();
  EXPECT_EQ(last_number().value, 15) << "the next multiple of its step";
  drive.click("answers/top_k");
  drive.frames(1);
  drive.key(Key::down);
  owner_answers();
  EXPECT_EQ(last_number().value, 10);
  ASSERT_TRUE(drive.click("answers/top_k/usual"));
  owner_answers();
  EXPECT_EQ(last_number().value, std::nullopt);
  EXPECT_EQ(drive.find("answers/top_k/usual"), nullptr);
  ASSERT_TRUE(drive.click("answers/top_k/less"));
  owner_answers();
  EXPECT_EQ(last_number().value, 35) << "from the usual one";
}

TEST_F(AnswersPanelTest, FractionsHaveNoTailsAndStopAtTheEnds) {
  open();
  for (int i = 0; i < 5; ++i) drive.click("answers/temperature/less"), owner_answers();
  EXPECT_EQ(last_number().value, 0);
  for (const double wanted : {0.1, 0.2, 0.3}) {
    drive.click("answers/temperature/more"), owner_answers();
    EXPECT_NEAR(*last_number().value, wanted, 1e-12);
  }
  EXPECT_EQ(drive.state.answers.sampling.front().chosen, "0.3");
}

TEST_F(AnswersPanelTest, WhatIsNoSuchNumberIsNotSaid) {
  open();
  drive.click("answers/temperature");
  drive.key(letter('a'), kCtrl);
  drive.clipboard = "1,5";
  drive.key(letter('v'), kCtrl);
  owner_answers();
  EXPECT_EQ(last_number().value, 1.5) << "a comma is as good as a point";
  const std::size_t n = count_numbers();
  for (const char* wrong : {"99", "-1", "1.5x", "nan", "1e999", "0x1", "."}) {
    drive.key(letter('a'), kCtrl);
    drive.clipboard = wrong;
    drive.key(letter('v'), kCtrl);
    owner_answers();
    EXPECT_EQ(count_numbers(), n) << wrong;
  }
  drive.click("answers/top_k");
  drive.clipboard = "2.5";
  drive.key(letter('v'), kCtrl);
  owner_answers();
  EXPECT_EQ(count_numbers(), n) << "it is a whole number";
  EXPECT_EQ(drive.state.answers.sampling.front().chosen, "1.5");
}

TEST_F(AnswersPanelTest, WhatTheCommandLineNamesHasNoField) {
  open();
  EXPECT_EQ(drive.find("answers/top_p"), nullptr);
  EXPECT_EQ(drive.find("answers/top_p/more"), nullptr);
}

TEST_F(AnswersPanelTest, NewChatsCanBeginLikeThisOneAndPrivateOnesAreNoModel) {
  open();
  drive.type("x");
  drive.frames(1);
  ASSERT_TRUE(drive.click("answers/new_chats"));
  drive.frames(2);
  EXPECT_NE(drive.last<KeepForNewChats>(), nullptr);
  ASSERT_NE(drive.last<SetInstructions>(), nullptr) << "first of all what was just written";
  drive.state.answers.as_new_chats = true;
  drive.frames(2);
  EXPECT_FALSE(drive.find("answers/new_chats")->enabled);
  drive.key(Key::escape);
  drive.frames(2);
  drive.state.private_chat = true;
  drive.state.current_chat = 0;
  drive.frames(2);
  open();
  EXPECT_EQ(drive.find("answers/new_chats"), nullptr);
}

TEST_F(AnswersPanelTest, ALongPageIsScrolled) {
  for (int i = 0; i < 20; ++i) {
    drive.state.answers.sampling.push_back({.key = "more" + std::to_string(i), .section = "More", .label = "Row", .help = "Help.", .maximum = 1, .usual = "0"});
  }
  open();
  EXPECT_EQ(drive.find("answers/more19"), nullptr);
  drive.wheel({drive.find("answers/list")->rect.left + 4, drive.find("answers/list")->rect.bottom - 8}, -100);
  drive.frames(3);
  EXPECT_NE(drive.find("answers/more19"), nullptr);
  EXPECT_EQ(drive.find("answers/instructions"), nullptr);
  EXPECT_EQ(drive.root().interaction().focus_id(), "answers/list") << "nothing that is out of sight is written to, nor the composer behind it all";
  drive.key(Key::home, kCtrl);
  for (int i = 0; i < 12; ++i) drive.key(Key::page_up), drive.frames(1);
  EXPECT_NE(drive.find("answers/instructions"), nullptr);
}

TEST(NarrowAnswers, NumbersStandBelowTheirWordsAndTheHeaderFits) {
  Headless drive({360, 640});
  drive.state = finished();
  drive.frames(2);
  EXPECT_GT(drive.find("header/model")->rect.width(), 40);
  EXPECT_LE(drive.find("header/model")->rect.right, drive.find("header/answers")->rect.left);
  drive.key(letter('i'), kCtrl);
  drive.frames(3);
  const Item* list = drive.find("answers/list");
  ASSERT_NE(list, nullptr);
  drive.wheel({list->rect.left + 4, list->rect.bottom - 8}, -100);
  drive.frames(3);
  const Item* field = drive.find("answers/max_tokens");
  ASSERT_NE(field, nullptr);
  EXPECT_GT(field->rect.left, 0);
  EXPECT_LE(drive.find("answers/max_tokens/more")->rect.right, 360);
}

}  // namespace
}  // namespace foreword::ui
