// Nothing that stands in the composer is lost: it stays with its chat, through edits, versions and private chats.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ui/window_fixture.h"
#include "ui/attachments.h"

namespace foreword::ui {
namespace {

class DraftsTest : public WindowTest {
 protected:
  void begin_edit(int id) {
    const std::string item = "messages/" + std::to_string(id) + "/edit";
    drive.frames(2);
    drive.push(MouseMove{drive.find(item)->rect.center()});
    drive.frames(2);
    ASSERT_TRUE(drive.click(item));
  }
  const std::string& text() { return drive.root().composer().text(); }
  int count_kept() const {
    return static_cast<int>(std::count_if(drive.events.begin(), drive.events.end(), [](const UiEvent& event) { return std::holds_alternative<KeepDraft>(event); }));
  }
};

TEST(Joined, TwoMessagesAreOneWithTheFilesOfBoth) {
  const std::string a = with_attachments({{"a.txt", "A"}}, "one"), b = with_attachments({{"b.txt", "B"}}, "two");
  EXPECT_EQ(joined(a, b), with_attachments({{"a.txt", "A"}, {"b.txt", "B"}}, "one\n\ntwo"));
  EXPECT_EQ(joined("", "two"), "two");
  EXPECT_EQ(joined("one", ""), "one");
}

TEST_F(DraftsTest, OfANewChatStayThereWhenAnotherIsChosen) {
  drive.type("for a new chat");
  drive.frames();
  add_messages(4);
  drive.state.current_chat = 5;
  drive.frames();
  ASSERT_NE(drive.last<KeepDraft>(), nullptr);
  EXPECT_EQ(drive.last<KeepDraft>()->chat, 0);
  EXPECT_EQ(drive.last<KeepDraft>()->text, "for a new chat");
  EXPECT_EQ(text(), "") << "nothing of it comes into the other chat";
}

TEST_F(DraftsTest, AnEmptyComposerIsSaidToo) {
  drive.state.current_chat = 5;
  drive.state.draft = "old";
  drive.frames(2);
  drive.key(letter('a'), kCtrl);
  drive.key(Key::del);
  drive.frames();
  drive.state.current_chat = 6;
  drive.frames();
  EXPECT_EQ(drive.last<KeepDraft>()->chat, 5);
  EXPECT_EQ(drive.last<KeepDraft>()->text, "");
}

TEST_F(DraftsTest, AreSaidWhenTheTypingPausesAndOnce) {
  drive.state.current_chat = 5;
  drive.frames(2);
  drive.type("some");
  drive.frames(2);
  EXPECT_EQ(count_kept(), 1) << "of the new chat that was left";
  EXPECT_LE(drive.wake_at(), 2.0);
  drive.now = 2.5;
  drive.frames(3);
  EXPECT_EQ(count_kept(), 2);
  EXPECT_EQ(drive.last<KeepDraft>()->chat, 5);
  EXPECT_EQ(drive.last<KeepDraft>()->text, "some");
}

TEST_F(DraftsTest, D17OfAPrivateChatStayThere) {
  drive.type("a secret");
  drive.frames(2);
  drive.state.private_chat = true;
  drive.frames(2);
  EXPECT_EQ(text(), "a secret") << "who makes the chat private means this, too";
  EXPECT_EQ(drive.last<KeepDraft>()->text, "");
  EXPECT_FALSE(drive.last<KeepDraft>()->private_chat);
  drive.type(".");
  drive.frames();
  drive.now = 10;
  drive.frames(2);
  EXPECT_EQ(count_kept(), 1) << "no pause makes it known";
  drive.state.private_chat = false;
  drive.frames(2);
  EXPECT_EQ(text(), "");
  EXPECT_EQ(drive.last<KeepDraft>()->text, "a secret.");
  EXPECT_TRUE(drive.last<KeepDraft>()->private_chat);
}

TEST_F(DraftsTest, WhatWasChangedOfAMessageIsKeptWhenItsChatIsLeft) {
  drive.state.current_chat = 5;
  add_messages(2, "word ");
  drive.frames(2);
  drive.type("own");
  begin_edit(1);
  EXPECT_EQ(drive.root().draft().text, "own") << "nothing is changed yet";
  drive.key(Key::end);
  drive.type("!");
  drive.frames(2);
  EXPECT_EQ(drive.root().draft().text, "word 1!\n\nown");
  drive.state.current_chat = 6;
  drive.state.messages.clear();
  drive.frames(2);
  EXPECT_EQ(drive.last<KeepDraft>()->text, "word 1!\n\nown");
}

TEST_F(DraftsTest, WhatWasChangedOfAMessageIsKeptWhenAnotherIsEdited) {
  add_messages(4, "word ");
  begin_edit(1);
  drive.key(Key::end);
  drive.type("!");
  begin_edit(3);
  EXPECT_EQ(text(), "word 3");
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(text(), "word 1!");
}

TEST_F(DraftsTest, ACancelledEditComesBackWhenItsMessageIsEditedAgain) {
  add_messages(4, "word ");
  begin_edit(1);
  drive.key(Key::end);
  drive.type(" and more");
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(text(), "");
  begin_edit(3);
  EXPECT_EQ(text(), "word 3") << "each message has its own";
  drive.key(Key::escape);
  begin_edit(1);
  EXPECT_EQ(text(), "word 1 and more");
  ASSERT_TRUE(drive.click("composer/cancel"));
  begin_edit(1);
  EXPECT_EQ(text(), "word 1 and more") << "as often as it is cancelled";
  drive.key(letter('z'), kCtrl);
  drive.frames();
  EXPECT_EQ(text(), "word 1") << "the message itself is one step away";
  drive.key(Key::escape);
  begin_edit(1);
  EXPECT_EQ(text(), "word 1") << "nothing was changed when it was cancelled last";
}

TEST_F(DraftsTest, D17ACancelledEditIsGoneWithItsPrivateChat) {
  drive.state.private_chat = true;
  add_messages(2, "word ");
  begin_edit(1);
  drive.type("secret");
  drive.key(Key::escape);
  drive.frames(2);
  drive.state.private_chat = false;
  drive.frames(2);
  begin_edit(1);
  EXPECT_EQ(text(), "word 1");
}

TEST_F(DraftsTest, WordsThatComeBackStandBeforeWhatWasWrittenSince) {
  drive.type("since");
  drive.frames();
  drive.state.offers = {{1, "", "before"}, {2, "a.txt", "A"}};
  drive.frames(3);
  EXPECT_EQ(text(), "before\n\nsince");
  EXPECT_NE(drive.find("composer/file:0"), nullptr);
  EXPECT_EQ(drive.last<OffersTaken>()->newest, 2u);
  add_messages(1);
  begin_edit(1);
  const std::string edited = text();
  drive.state.offers = {{3, "", "once more"}};
  drive.frames(2);
  EXPECT_EQ(text(), edited);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(text(), "once more\n\nbefore\n\nsince");
}

}  // namespace
}  // namespace foreword::ui
