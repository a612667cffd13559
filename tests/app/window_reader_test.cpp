// What a screen reader is shown of the window, without one and without a window (D95).

#include "app/window_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ui/headless.h"

namespace foreword::app {
namespace {

class D95WindowReader : public ::testing::Test {
 protected:
  D95WindowReader() {
    drive.state.messages = {{.id = 1, .name = {}, .text = "A question", .stats = {}}, {.id = 2, .author = ui::Author::assistant, .state = ui::MessageState::streaming, .name = "A model", .text = "An *ans", .stats = {}}};
    drive.state.generating = true;
    drive.frames(3);
  }
  void see() { reader.see(drive.root().interaction(), drive.state, {0, 0, 1120, 760}, true); }
  const AccessibleItem& item(std::string_view id) const { return *std::ranges::find(shown.back()->items, id, &AccessibleItem::id); }
  void end_answer(ui::MessageState state) {
    drive.state.messages.back().state = state;
    drive.state.messages.back().text = "An *answer*";
    drive.state.generating = false;
  }

  ui::Headless drive;
  std::vector<std::shared_ptr<const AccessibleWindow>> shown;
  std::vector<std::string> said;
  WindowReader reader{{.show = [this](std::shared_ptr<const AccessibleWindow> window) { shown.push_back(std::move(window)); }, .say = [this](const char* sentence) { said.emplace_back(sentence); }}};
};

TEST_F(D95WindowReader, IsShownTheWindowWhenItHasChanged) {
  reader.come(true);
  for (int i = 0; i < 5; ++i) see();
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown.back()->focus, "composer/text");
  drive.type("hi");
  drive.frames();
  see();
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(*item("composer/text").text, "hi");
  EXPECT_EQ(item("composer/text").caret, 2u);
  reader.come(false);
  reader.come(true);
  see();
  EXPECT_EQ(shown.size(), 3u) << "another reader has seen nothing";
}

TEST_F(D95WindowReader, AnAnswerHasNoTextBeforeItsEnd) {
  reader.come(true);
  see();
  EXPECT_EQ(*item("messages/2").text, "");
  EXPECT_EQ(item("messages/2").label, "A model, being written");
  drive.state.messages.back().text = "An *answer";
  drive.frames();
  see();
  EXPECT_EQ(shown.size(), 1u) << "nobody is told of a token";
  end_answer(ui::MessageState::complete);
  drive.frames(2);
  see();
  EXPECT_EQ(*item("messages/2").text, "An answer");
  EXPECT_EQ(*item("messages").text, "You\nA question\n\nA model\nAn answer");
}

TEST_F(D95WindowReader, TheEndOfAnAnswerIsSaidOnce) {
  const std::pair<ui::MessageState, const char*> endings[] = {{ui::MessageState::complete, "Answer complete"}, {ui::MessageState::stopped, "Answer stopped"}, {ui::MessageState::failed, "The answer has ended too early"}};
  for (const auto& [state, words] : endings) {
    for (const bool there : {false, true}) {
      said.clear();
      reader.come(there);
      drive.state.generating = true;
      reader.follow(drive.state);
      end_answer(state);
      for (int i = 0; i < 3; ++i) reader.follow(drive.state);
      EXPECT_EQ(said, there ? std::vector<std::string>{words} : std::vector<std::string>());
    }
  }
}

TEST_F(D95WindowReader, AnAnswerThatIsLeftIsNotSaidOfAnotherChat) {
  reader.come(true);
  drive.state.current_chat = 3;
  reader.follow(drive.state);
  drive.state.elsewhere = true, drive.state.current_chat = 4;
  reader.follow(drive.state);
  end_answer(ui::MessageState::complete);
  reader.follow(drive.state);
  EXPECT_TRUE(said.empty());
}

TEST_F(D95WindowReader, AWishIsDoneAsHandsWouldDoIt) {
  drive.push(ui::Wish{"chats/search"});
  drive.frames();
  EXPECT_TRUE(drive.root().interaction().focused("chats/search"));
  drive.push(ui::Wish{"header/settings", true});
  drive.frames(2);
  ASSERT_NE(drive.find("settings/box"), nullptr);
  drive.push(ui::Wish{"chats/new", true});  // below the dialog
  drive.push(ui::Wish{"nowhere", true});
  drive.frames();
  EXPECT_EQ(drive.last<ui::NewChat>(), nullptr);
  EXPECT_NE(drive.find("settings/box"), nullptr);
}

}  // namespace
}  // namespace foreword::app
