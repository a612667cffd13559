// How the controller asks for answers, and what becomes of them.

#include <gtest/gtest.h>

#include "tests/app/controller_fixture.h"

namespace foreword::app {
namespace {

TEST_F(ControllerTest, AFirstMessageMakesAChatAndAsksTheEngineAtOnce) {
  ready();
  say("Why is\nthe sky blue?");
  ASSERT_NE(last<engine::Generate>(to_engine), nullptr);
  EXPECT_TRUE(view().generating);
  ASSERT_EQ(view().messages.size(), 2u);
  EXPECT_EQ(view().messages[1].state, ui::MessageState::waiting);
  EXPECT_EQ(asked_storage<command::CreateChat>().chat.title, "Why is");
  piece("Because");
  chat_saved(asked_storage<command::CreateChat>().request, 5);
  EXPECT_EQ(view().current_chat, 5);
  EXPECT_EQ(asked_storage<command::AppendMessage>().message.content, "Why is\nthe sky blue?");
  EXPECT_EQ(last<command::BeginAnswer>(to_storage), nullptr) << "the answer's parent is not known yet";
  saved(asked_storage<command::AppendMessage>().request, 50, 5);
  const auto& begin = asked_storage<command::BeginAnswer>();
  EXPECT_EQ(begin.message.parent_id, 50);
  EXPECT_EQ(begin.message.content, "Because");
  piece(" of the air.");
  EXPECT_EQ(asked_storage<command::AppendText>().content, " of the air.");
  saved(begin.request, 51, 5, storage::Status::streaming);
  done();
  EXPECT_EQ(asked_storage<command::FinishAnswer>().end.status, storage::Status::complete);
  EXPECT_EQ(view().messages[1].text, "Because of the air.");
  EXPECT_EQ(view().messages[1].stats, "11 tokens \u00b7 5.0 tokens/s");
  EXPECT_FALSE(view().generating);
  saved(begin.request, 51, 5);
  say("And at night?");
  EXPECT_EQ(asked_storage<command::AppendMessage>().message.parent_id, 51);
  const auto& messages = std::get<std::vector<engine::ChatMessage>>(asked_engine<engine::Generate>().prompt);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1].content, "Because of the air.");
}

TEST_F(ControllerTest, TheEngineHearsWhoseTextItReads) {
  ready();
  say("hi");
  EXPECT_EQ(asked_engine<engine::Generate>().chat, 0) << "the chat has no number yet";
  chat_saved(asked_storage<command::CreateChat>().request, 5);
  EXPECT_EQ(asked_engine<engine::AssignChat>().id, asked_engine<engine::Generate>().id);
  EXPECT_EQ(asked_engine<engine::AssignChat>().chat, 5);
  saved(asked_storage<command::AppendMessage>().request, 50, 5);
  done();
  saved(asked_storage<command::BeginAnswer>().request, 51, 5);
  say("and?");
  EXPECT_EQ(asked_engine<engine::Generate>().chat, 5);
  done();
  controller.on(storage::Event(event::ChatDeleted{900, 5, 1}));
  EXPECT_EQ(asked_engine<engine::ForgetChat>().chat, 5);
  EXPECT_FALSE(asked_engine<engine::ForgetChat>().goes_on);
  controller.on(storage::Event(event::BranchDeleted{901, 6, 2}));
  EXPECT_EQ(asked_engine<engine::ForgetChat>().chat, 6);
  EXPECT_TRUE(asked_engine<engine::ForgetChat>().goes_on);
  storage::Chat living;
  living.id = 3;
  controller.on(storage::Event(event::Chats{902, {living}}));
  EXPECT_EQ(asked_engine<engine::KeepChats>().chats, std::vector<std::int64_t>{3});

  to_engine.clear();
  controller.on(ui::UiEvent(ui::NewChat{true}));
  say("a secret");
  const auto mine = asked_engine<engine::Generate>().chat;
  EXPECT_LT(mine, 0) << "never written down, and nobody else's";
  done();
  EXPECT_EQ(last<engine::ForgetChat>(to_engine), nullptr);
  controller.on(ui::UiEvent(ui::NewChat{}));
  EXPECT_EQ(asked_engine<engine::ForgetChat>().chat, mine);
}

TEST_F(ControllerTest, AnAnswerThatEndsBeforeItsChatIsStoredIsStoredWhole) {
  ready();
  say("hi");
  piece("hello");
  done();
  EXPECT_FALSE(controller.settled());
  chat_saved(asked_storage<command::CreateChat>().request, 1);
  saved(asked_storage<command::AppendMessage>().request, 10, 1);
  EXPECT_EQ(asked_storage<command::BeginAnswer>().message.content, "hello");
  EXPECT_EQ(asked_storage<command::FinishAnswer>().request, asked_storage<command::BeginAnswer>().request);
}

TEST_F(ControllerTest, AQuestionWaitsForTheNumberOfTheAnswerAboveIt) {
  ready();
  say("one");
  piece("first");
  done();
  say("two");  // the disk is slow: nothing of the first turn is stored yet
  piece("second");
  EXPECT_EQ(count_storage<command::CreateChat>(), 1);
  chat_saved(asked_storage<command::CreateChat>().request, 9);
  saved(asked_storage<command::AppendMessage>().request, 90, 9);
  EXPECT_EQ(count_storage<command::AppendMessage>(), 1);
  saved(asked_storage<command::BeginAnswer>().request, 91, 9, storage::Status::streaming);
  EXPECT_EQ(count_storage<command::AppendMessage>(), 2);
  EXPECT_EQ(asked_storage<command::AppendMessage>().message.parent_id, 91);
  EXPECT_EQ(asked_storage<command::AppendMessage>().message.chat_id, 9);
  EXPECT_EQ(asked_storage<command::AppendMessage>().message.content, "two");
}

TEST_F(ControllerTest, WhatTheStorageRefusesGoesOnInTheWindow) {
  ready();
  say("one");
  piece("first");
  done();
  say("two");
  controller.on(storage::Event(event::Failed{asked_storage<command::CreateChat>().request, {ErrorCode::io, "The disk is full."}, false}));
  EXPECT_EQ(view().notices.back().text, "The disk is full.");
  piece("second");
  done();
  EXPECT_EQ(view().messages.size(), 4u);
  EXPECT_TRUE(controller.settled());
}

TEST_F(ControllerTest, AStoppedAnswerIsKept) {
  ready();
  say("hi");
  piece("hal");
  controller.on(ui::UiEvent(ui::StopGenerating{}));
  EXPECT_EQ(asked_engine<engine::Stop>().id, asked_engine<engine::Generate>().id);
  done(engine::StopReason::cancelled);
  EXPECT_EQ(view().messages[1].state, ui::MessageState::stopped);
  EXPECT_EQ(view().messages[1].text, "hal");
}

TEST_F(ControllerTest, AnAnswerGoesOnWhileAnotherChatIsShown) {
  ready();
  say("hi");
  chat_saved(asked_storage<command::CreateChat>().request, 1);
  saved(asked_storage<command::AppendMessage>().request, 10, 1);
  saved(asked_storage<command::BeginAnswer>().request, 11, 1, storage::Status::streaming);
  piece("one ");
  controller.on(ui::UiEvent(ui::NewChat{}));
  EXPECT_TRUE(view().messages.empty());
  piece("two ");
  EXPECT_TRUE(view().messages.empty());
  controller.on(ui::UiEvent(ui::SelectChat{1}));
  storage::PathEntry user, answer;
  user.message.id = 10;
  user.message.content = "hi";
  answer.message.id = 11;
  answer.message.role = storage::Role::assistant;
  answer.message.status = storage::Status::streaming;
  answer.message.content = "one ";
  storage::Chat chat;
  chat.id = 1;
  controller.on(storage::Event(event::ChatOpened{asked_storage<command::OpenChat>().request, chat, {user, answer}}));
  piece("three");
  ASSERT_EQ(view().messages.size(), 2u);
  EXPECT_EQ(view().messages[1].text, "one two three");
  done();
  EXPECT_EQ(view().messages[1].state, ui::MessageState::complete);
}

TEST_F(ControllerTest, ALateChatDoesNotReplaceTheOneThatWasChosenAfterIt) {
  controller.on(ui::UiEvent(ui::SelectChat{1}));
  const auto first = asked_storage<command::OpenChat>().request;
  controller.on(ui::UiEvent(ui::SelectChat{2}));
  const auto second = asked_storage<command::OpenChat>().request;
  storage::Chat one, two;
  one.id = 1;
  two.id = 2;
  controller.on(storage::Event(event::ChatOpened{second, two, {}}));
  controller.on(storage::Event(event::ChatOpened{first, one, {}}));
  EXPECT_EQ(view().current_chat, 2);
}

TEST_F(ControllerTest, AnotherAnswerIsASiblingOfTheFirst) {
  ready();
  say("hi");
  chat_saved(asked_storage<command::CreateChat>().request, 1);
  saved(asked_storage<command::AppendMessage>().request, 10, 1);
  saved(asked_storage<command::BeginAnswer>().request, 11, 1, storage::Status::streaming);
  piece("a");
  done();
  saved(asked_storage<command::BeginAnswer>().request, 11, 1);
  const std::uint64_t seed = asked_engine<engine::Generate>().sampling.seed;
  controller.on(ui::UiEvent(ui::Regenerate{view().messages.back().id}));
  EXPECT_NE(asked_engine<engine::Generate>().sampling.seed, seed) << "else it would be the same answer";
  EXPECT_EQ(asked_storage<command::BeginAnswer>().message.parent_id, 10);
  EXPECT_EQ(count_storage<command::AppendMessage>(), 1);
  EXPECT_EQ(view().messages.size(), 2u);
}

TEST_F(ControllerTest, ARefusedTurnIsExplainedAndItsQuestionIsNotLost) {
  ready();
  say("too long");
  engine::GenerationFailed failed;
  failed.id = asked_engine<engine::Generate>().id;
  failed.error = {ErrorCode::invalid_argument, "This turn needs 554 tokens, but the context holds 512."};
  controller.on(engine::Event(failed));
  EXPECT_EQ(view().messages[1].state, ui::MessageState::failed);
  ASSERT_EQ(view().notices.size(), 1u);
  EXPECT_EQ(view().notices[0].text, failed.error.message);
  controller.on(ui::UiEvent(ui::DismissNotice{view().notices[0].id}));
  EXPECT_TRUE(view().notices.empty());
  say("shorter");
  const auto& messages = std::get<std::vector<engine::ChatMessage>>(asked_engine<engine::Generate>().prompt);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].content, "too long\n\nshorter");
}

TEST_F(ControllerTest, NothingIsSentWithoutAModelOrDuringAnAnswer) {
  say("hi");
  EXPECT_TRUE(to_engine.empty());
  ready();
  say("one");
  say("two");
  EXPECT_EQ(to_engine.size(), 1u);
  EXPECT_EQ(view().messages.size(), 2u);
}

TEST_F(ControllerTest, TheProgramEndsOnceWhatWasSaidIsOnItsWayToTheDisk) {
  EXPECT_FALSE(controller.quit());
  ready();
  say("hi");
  controller.on(ui::UiEvent(ui::Quit{}));
  EXPECT_FALSE(controller.quit()) << "the chat has no number yet, and the message is nowhere but here";
  chat_saved(asked_storage<command::CreateChat>().request, 5);
  EXPECT_FALSE(controller.quit()) << "the answer has no place";
  piece("Hello");
  saved(asked_storage<command::AppendMessage>().request, 50, 5);
  EXPECT_EQ(asked_storage<command::BeginAnswer>().message.content, "Hello");
  EXPECT_TRUE(controller.quit());
}

TEST_F(ControllerTest, TheProgramEndsAlsoWhenNothingCanBeSaved) {
  ready();
  say("hi");
  controller.on(ui::UiEvent(ui::Quit{}));
  controller.on(storage::Event(event::Failed{asked_storage<command::CreateChat>().request, {ErrorCode::io, "The disk is full."}, {}}));
  EXPECT_TRUE(controller.quit());
}

}  // namespace
}  // namespace foreword::app
