// Versions of messages, forks and deletions, and how each is taken back.

#include <gtest/gtest.h>

#include "tests/app/controller_fixture.h"

namespace foreword::app {
namespace {

/// A stored chat, opened: question 10 with the versions 8 and 9 before it, and answer 11.
class VersionsTest : public ControllerTest {
 protected:
  void open_chat(storage::Status status = storage::Status::complete) {
    controller.on(ui::UiEvent(ui::SelectChat{1}));
    storage::PathEntry user, answer;
    user.message.id = 10;
    user.message.content = "hi";
    user.siblings = {8, 9, 10};
    answer.message.id = 11;
    answer.message.parent_id = 10;
    answer.message.role = storage::Role::assistant;
    answer.message.status = status;
    answer.message.content = "one";
    answer.siblings = {11};
    storage::Chat chat;
    chat.id = 1;
    controller.on(storage::Event(event::ChatOpened{asked_storage<command::OpenChat>().request, chat, {user, answer}}));
  }
  std::int64_t row(std::size_t i) const { return view().messages.at(i).id; }
  std::string versions(std::size_t i) const {
    const ui::MessageRow& message = view().messages.at(i);
    return std::to_string(message.sibling) + "/" + std::to_string(message.n_siblings);
  }
};

TEST_F(VersionsTest, D37TheArrowsGoToTheVersionBesideAndStopAtTheLast) {
  open_chat();
  EXPECT_EQ(versions(0), "3/3");
  EXPECT_EQ(versions(1), "0/0") << "the only one has no arrows";
  controller.on(ui::UiEvent(ui::ShowSibling{row(0), 1}));
  EXPECT_EQ(count_storage<command::ShowMessage>(), 0);
  controller.on(ui::UiEvent(ui::ShowSibling{row(0), -1}));
  EXPECT_EQ(asked_storage<command::ShowMessage>().message, 9);
  storage::PathEntry other;
  other.message.id = 9;
  other.message.content = "hello";
  other.siblings = {8, 9, 10};
  storage::Chat chat;
  chat.id = 1;
  controller.on(storage::Event(event::ChatOpened{asked_storage<command::ShowMessage>().request, chat, {other}}));
  ASSERT_EQ(view().messages.size(), 1u);
  EXPECT_EQ(view().messages[0].text, "hello");
  EXPECT_EQ(versions(0), "2/3");
}

TEST_F(VersionsTest, D36AnEditedQuestionIsASiblingAndIsAskedAnew) {
  open_chat();
  controller.on(ui::UiEvent(ui::EditMessage{row(0), "hi"}));
  EXPECT_EQ(view().messages.size(), 2u) << "nothing was changed";
  ready();
  controller.on(ui::UiEvent(ui::EditMessage{row(0), "good day"}));
  ASSERT_EQ(view().messages.size(), 2u);
  EXPECT_EQ(view().messages[0].text, "good day");
  EXPECT_EQ(versions(0), "4/4");
  const auto& question = asked_storage<command::AppendMessage>();
  EXPECT_EQ(question.message.chat_id, 1);
  EXPECT_EQ(question.message.parent_id, 0);
  EXPECT_EQ(count_storage<command::CreateChat>(), 0);
  const auto& prompt = std::get<std::vector<engine::ChatMessage>>(asked_engine<engine::Generate>().prompt);
  ASSERT_EQ(prompt.size(), 1u);
  EXPECT_EQ(prompt[0].content, "good day");
  saved(question.request, 12, 1);
  EXPECT_EQ(asked_storage<command::BeginAnswer>().message.parent_id, 12);
  done();
  controller.on(ui::UiEvent(ui::ShowSibling{row(0), -1}));
  EXPECT_EQ(asked_storage<command::ShowMessage>().message, 10) << "the old version is still there";
}

TEST_F(VersionsTest, D9AnEditedAnswerIsASiblingThatNobodyIsAskedFor) {
  open_chat();
  controller.on(ui::UiEvent(ui::EditMessage{row(1), "better"}));
  EXPECT_TRUE(to_engine.empty());
  const auto& version = asked_storage<command::AppendMessage>();
  EXPECT_EQ(version.message.parent_id, 10);
  EXPECT_EQ(version.message.role, storage::Role::assistant);
  EXPECT_EQ(version.message.content, "better");
  const int opened = count_storage<command::OpenChat>();
  saved(version.request, 12, 1);
  EXPECT_EQ(count_storage<command::OpenChat>(), opened + 1);
}

TEST_F(VersionsTest, D8AnyAnswerIsAskedForAgainAndCountsItsVersions) {
  open_chat();
  ready();
  controller.on(ui::UiEvent(ui::Regenerate{row(1)}));
  EXPECT_EQ(versions(1), "2/2");
  EXPECT_EQ(asked_storage<command::BeginAnswer>().message.parent_id, 10);
  saved(asked_storage<command::BeginAnswer>().request, 12, 1, storage::Status::streaming);
  controller.on(ui::UiEvent(ui::ShowSibling{row(1), -1}));
  EXPECT_EQ(count_storage<command::ShowMessage>(), 0) << "not while it is being answered";
  done();
  controller.on(ui::UiEvent(ui::ShowSibling{row(1), -1}));
  EXPECT_EQ(asked_storage<command::ShowMessage>().message, 11);
}

TEST_F(VersionsTest, D39AStoppedAnswerGoesOnWhereItEnded) {
  open_chat();
  ready();
  controller.on(ui::UiEvent(ui::ContinueAnswer{row(1)}));
  EXPECT_TRUE(to_engine.empty() || last<engine::Generate>(to_engine) == nullptr) << "it is complete";
  open_chat(storage::Status::interrupted);
  EXPECT_EQ(view().messages[1].state, ui::MessageState::interrupted);
  controller.on(ui::UiEvent(ui::ContinueAnswer{row(1)}));
  const auto& generate = asked_engine<engine::Generate>();
  EXPECT_EQ(generate.answer_so_far, "one");
  EXPECT_EQ(std::get<std::vector<engine::ChatMessage>>(generate.prompt).size(), 1u);
  EXPECT_EQ(asked_storage<command::ResumeAnswer>().message, 11);
  piece(" two");
  EXPECT_EQ(view().messages[1].text, "one two");
  EXPECT_EQ(asked_storage<command::AppendText>().content, " two");
  saved(asked_storage<command::ResumeAnswer>().request, 11, 1, storage::Status::streaming);
  done();
  EXPECT_EQ(asked_storage<command::FinishAnswer>().request, asked_storage<command::ResumeAnswer>().request);
  saved(asked_storage<command::ResumeAnswer>().request, 11, 1);
  EXPECT_EQ(view().messages[1].state, ui::MessageState::complete);
  EXPECT_EQ(count_storage<command::BeginAnswer>(), 0);
}

TEST_F(VersionsTest, D38AForkIsOpenedOnceItIsThere) {
  open_chat();
  controller.on(ui::UiEvent(ui::ForkChat{row(1)}));
  EXPECT_EQ(asked_storage<command::ForkChat>().message, 11);
  chat_saved(asked_storage<command::ForkChat>().request, 2);
  EXPECT_EQ(asked_storage<command::OpenChat>().chat, 2);
}

TEST_F(VersionsTest, D38DeletionsAndRenamingsAreTakenBackInTurn) {
  storage::Chat chat;
  chat.id = 1;
  chat.title = "Walks";
  controller.on(storage::Event(event::Chats{1, {chat}}));
  open_chat();
  controller.on(ui::UiEvent(ui::RenameChat{1, "Hikes"}));
  controller.on(ui::UiEvent(ui::DeleteMessage{row(1)}));
  EXPECT_EQ(asked_storage<command::DeleteBranch>().message, 11);
  controller.on(storage::Event(event::BranchDeleted{asked_storage<command::DeleteBranch>().request, 1, 70}));
  EXPECT_EQ(asked_storage<command::OpenChat>().chat, 1) << "the branch beside it is shown";
  ASSERT_EQ(view().notices.size(), 1u);
  EXPECT_TRUE(view().notices[0].can_undo);
  controller.on(ui::UiEvent(ui::DeleteChat{1}));
  controller.on(storage::Event(event::ChatDeleted{asked_storage<command::DeleteChat>().request, 1, 71}));
  EXPECT_EQ(view().current_chat, 0);
  EXPECT_FALSE(view().notices[0].can_undo) << "only the last change is offered";
  controller.on(ui::UiEvent(ui::Undo{}));
  EXPECT_EQ(asked_storage<command::Restore>().entry, 71);
  controller.on(storage::Event(event::Restored{asked_storage<command::Restore>().request, 1}));
  EXPECT_EQ(asked_storage<command::OpenChat>().chat, 1);
  controller.on(ui::UiEvent(ui::Undo{}));
  EXPECT_EQ(asked_storage<command::Restore>().entry, 70);
  controller.on(ui::UiEvent(ui::Undo{}));
  EXPECT_EQ(asked_storage<command::RenameChat>().title, "Walks");
  const std::size_t n = to_storage.size();
  controller.on(ui::UiEvent(ui::Undo{}));
  EXPECT_EQ(to_storage.size(), n);
}

}  // namespace
}  // namespace foreword::app
