// What is written in the composer arrives whole, in its chat, and can be taken back.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "tests/ui/window_fixture.h"

namespace foreword::ui {
namespace {

TEST_F(WindowTest, TypedTextOfAllScriptsArrivesUnharmed) {
  drive.type(kHardText);
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.last<SendMessage>()->text, kHardText);
  EXPECT_EQ(drive.root().composer().text(), "");
}

TEST_F(WindowTest, PastedTextOfAllScriptsArrivesUnharmed) {
  drive.clipboard = kHardText + "\nsecond line";
  drive.key(letter('v'), kCtrl);
  drive.key(Key::enter);
  drive.frames();
  ASSERT_NE(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.last<SendMessage>()->text, drive.clipboard);
}

TEST_F(WindowTest, NoKeyOfABurstWithinOneFrameIsLost) {
  drive.type("0123456789");
  for (int i = 0; i < 10; ++i) drive.key(Key::backspace);
  drive.type("kept");
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "kept");
  drive.key(letter('a'), kCtrl);
  drive.key(Key::end);
  drive.type("!");
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "kept!");
}

TEST_F(WindowTest, WhatIsTypedAfterEnterInOneBurstIsTheNextMessage) {
  drive.type("one");
  drive.key(Key::enter);
  drive.type("two");
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>()->text, "one");
  EXPECT_EQ(drive.root().composer().text(), "two");
}

TEST_F(WindowTest, D68ShiftEnterStartsALineAndTheComposerGrowsToItsLimit) {
  const float before = drive.find("composer/text")->rect.height();
  for (int i = 0; i < 60; ++i) drive.key(Key::enter, kShift);
  drive.type("x");
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.root().composer().text(), std::string(60, '\n') + "x");
  const float after = drive.find("composer/text")->rect.height();
  EXPECT_GT(after, before);
  EXPECT_LE(after, 760 * 0.4f + 1);
}

TEST_F(WindowTest, CopyCutUndo) {
  drive.type("alpha beta");
  drive.key(Key::left, {.ctrl = true, .shift = true});
  drive.key(letter('c'), kCtrl);
  drive.frames();
  EXPECT_EQ(drive.clipboard, "beta");
  drive.key(letter('x'), kCtrl);
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "alpha ");
  drive.key(letter('z'), kCtrl);
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "alpha beta");
}

TEST_F(WindowTest, ADoubleClickSelectsAWordOfTheComposer) {
  drive.type("alpha beta");
  drive.frames();
  const Rect field = drive.find("composer/text")->rect;
  const Vec at{field.left + 16 + 4, field.top + 12 + 10};  // inside the padding
  for (int i = 0; i < 2; ++i) drive.press(at), drive.release(at);
  drive.frames();
  drive.key(letter('c'), kCtrl);
  drive.frames();
  EXPECT_EQ(drive.clipboard, "alpha");
}

TEST_F(WindowTest, NothingIsSentWithoutAModelAndTheTextStays) {
  drive.state.model = {};
  drive.type("hello");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.root().composer().text(), "hello");
  EXPECT_NE(drive.find("models/path"), nullptr) << "it asks for a model instead";
}

TEST_F(WindowTest, NothingIsSentWhileTheModelIsLoadingAndThatIsSaid) {
  Phrases phrases;
  const auto refusal = [&] { return drive.root().composer().refusal(phrases, drive.state); };
  drive.state.model = {ModelState::loading, "tiny", 0.4, ""};
  drive.type("hello");
  drive.frames(2);
  EXPECT_EQ(refusal(), "");
  const Picture before = drive.picture();
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.root().composer().text(), "hello");
  EXPECT_EQ(drive.find("models/path"), nullptr) << "no other model is wanted";
  EXPECT_EQ(refusal(), "Not sent yet: the model is still being loaded");
  EXPECT_NE(drive.picture().rgb, before.rgb) << "the status line says so";
  drive.type("!");
  drive.frames(2);
  EXPECT_EQ(refusal(), "");
  drive.key(Key::enter);
  drive.state.model.state = ModelState::ready;
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>()->text, "hello!");
  EXPECT_EQ(refusal(), "");
}

TEST_F(WindowTest, WhileAnAnswerIsWrittenEnterSaysWhyNothingIsSent) {
  Phrases phrases;
  const auto refusal = [&] { return drive.root().composer().refusal(phrases, drive.state); };
  drive.state.generating = true;
  drive.type("and then?");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(refusal(), "Not sent yet: the answer is still being written; Escape stops it");
  drive.state.generating = false;
  drive.frames(2);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(drive.root().composer().text(), "and then?");
}

TEST_F(WindowTest, DraftsStayWithTheirChats) {
  drive.state.current_chat = 1;
  drive.frames();
  drive.type("unsent");
  drive.frames();
  drive.state.current_chat = 2;
  drive.state.draft = "of two";
  drive.frames();
  ASSERT_NE(drive.last<KeepDraft>(), nullptr);
  EXPECT_EQ(drive.last<KeepDraft>()->chat, 1);
  EXPECT_EQ(drive.last<KeepDraft>()->text, "unsent");
  EXPECT_EQ(drive.root().composer().text(), "of two");
}

TEST_F(WindowTest, ANewChatThatGetsItsNumberKeepsWhatIsBeingWritten) {
  drive.type("first");
  drive.key(Key::enter);
  drive.type("next");
  drive.frames(2);
  add_messages(2);
  drive.state.current_chat = drive.state.stored_as = 12;
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "next");
}

TEST_F(WindowTest, D36AMessageIsEditedInTheComposerAndTheDraftComesBack) {
  add_messages(2, "word ");
  drive.type("half a thought");
  drive.frames(2);
  drive.push(MouseMove{drive.find("messages/1/edit")->rect.center()});
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/1/edit"));
  EXPECT_EQ(drive.root().composer().text(), "word 1");
  drive.key(Key::end);
  drive.type("!");
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<EditMessage>(), nullptr);
  EXPECT_EQ(drive.last<EditMessage>()->message, 1);
  EXPECT_EQ(drive.last<EditMessage>()->text, "word 1!");
  EXPECT_EQ(drive.root().composer().text(), "half a thought");
  ASSERT_TRUE(drive.click("messages/2/edit"));
  EXPECT_EQ(drive.root().composer().text(), "word 2");
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "half a thought");
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
}

TEST_F(WindowTest, TenMegabytesArePastedAndEdited) {
  using Clock = std::chrono::steady_clock;
  const auto ms = [](Clock::time_point from) { return std::chrono::duration<double, std::milli>(Clock::now() - from).count(); };
  for (int i = 0; drive.clipboard.size() < 10'000'000; ++i) drive.clipboard += "line " + std::to_string(i) + " of a long paste, Grüße\n";
  auto start = Clock::now();
  drive.key(letter('v'), kCtrl);
  drive.frames();
  const double paste = ms(start);
  start = Clock::now();
  for (int i = 0; i < 10; ++i) drive.type("x"), drive.frames();
  std::printf("10 MB: paste %.0f ms, then %.2f ms a key\n", paste, ms(start) / 10);
  EXPECT_EQ(drive.root().composer().text().size(), drive.clipboard.size() + 10);
}

}  // namespace
}  // namespace foreword::ui
