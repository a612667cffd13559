// The controller between scripted desks: what it asks of them, and what it shows.

#include "app/controller.h"

#include <gtest/gtest.h>

#include <vector>

#include "app/builtin.h"
#include "app/words.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;

class ControllerTest : public ::testing::Test {
 protected:
  explicit ControllerTest(Controller::Options options = {})
      : controller({.engine = [this](engine::Command c) { to_engine.push_back(std::move(c)); },
                    .storage = [this](storage::Command c) { to_storage.push_back(std::move(c)); },
                    .now_ms = [] { return std::int64_t{1234}; },
                    .save_file = [this](const std::string& name, const std::string& text) {
                      files[name] = text;
                      return Result<std::filesystem::path>("/d/" + name);
                    },
                    .read_file = [this](const std::filesystem::path& path) { return Result<std::string>(files[path.filename()]); }},
                   std::move(options)) {}

  template <class Letter, class Letters>
  static const Letter* last(const Letters& letters) {
    for (auto letter = letters.rbegin(); letter != letters.rend(); ++letter) {
      if (const auto* found = std::get_if<Letter>(&*letter)) return found;
    }
    return nullptr;
  }
  template <class Letter>
  const Letter& asked_engine() { return *last<Letter>(to_engine); }
  template <class Letter>
  const Letter& asked_storage() { return *last<Letter>(to_storage); }
  template <class Letter>
  int count_storage() const {
    int n = 0;
    for (const auto& letter : to_storage) n += std::holds_alternative<Letter>(letter) ? 1 : 0;
    return n;
  }

  void ready(const std::string& path = "/m/tiny.gguf") {
    engine::ModelSummary summary;
    summary.name = "tiny";
    summary.path = path;
    summary.device = "a processor";
    summary.context = 512;
    controller.on(engine::Event(engine::ModelReady{summary}));
  }
  void say(const std::string& text) { controller.on(ui::UiEvent(ui::SendMessage{text})); }
  void piece(const std::string& text) {
    engine::TextPiece p;
    p.id = asked_engine<engine::Generate>().id;
    p.text = text;
    controller.on(engine::Event(p));
  }
  void done(engine::StopReason reason = engine::StopReason::eos) {
    engine::GenerationDone d;
    d.id = asked_engine<engine::Generate>().id;
    d.stats.n_tokens = 11;
    d.stats.decode_seconds = 2;
    d.stats.stop_reason = reason;
    controller.on(engine::Event(d));
  }
  void saved(storage::Request request, storage::Id id, storage::Id chat, storage::Status status = storage::Status::complete) {
    storage::Message message;
    message.id = id;
    message.chat_id = chat;
    message.status = status;
    controller.on(storage::Event(event::MessageSaved{request, message}));
  }
  void chat_saved(storage::Request request, storage::Id id) {
    storage::Chat chat;
    chat.id = id;
    controller.on(storage::Event(event::ChatSaved{request, chat}));
  }
  void models(std::vector<storage::ModelRecord> records) { controller.on(storage::Event(event::Models{1, std::move(records)})); }
  const ui::ViewState& view() const { return controller.view(); }

  std::map<std::string, std::string> files;
  std::vector<engine::Command> to_engine;
  std::vector<storage::Command> to_storage;
  Controller controller;
};

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

TEST_F(ControllerTest, D42AMoveIsTakenBack) {
  storage::Chat chat;
  chat.id = 1;
  chat.folder = "Work";
  controller.on(storage::Event(event::Chats{1, {chat}}));
  EXPECT_EQ(view().chats[0].folder, "Work");
  controller.on(ui::UiEvent(ui::MoveChat{1, "Home"}));
  EXPECT_EQ(asked_storage<command::MoveChat>().folder, "Home");
  controller.on(ui::UiEvent(ui::Undo{}));
  EXPECT_EQ(asked_storage<command::MoveChat>().folder, "Work");
  controller.on(ui::UiEvent(ui::RenameFolder{"Work", "Office"}));
  EXPECT_EQ(asked_storage<command::RenameFolder>().to, "Office");
}

TEST_F(ControllerTest, D17APrivateChatAsksNothingOfTheStorage) {
  ready();
  controller.on(ui::UiEvent(ui::NewChat{true}));
  EXPECT_TRUE(view().private_chat);
  to_storage.clear();
  say("a secret");
  piece("kept");
  done();
  controller.on(ui::UiEvent(ui::Regenerate{view().messages.back().id}));
  piece("kep");
  controller.on(ui::UiEvent(ui::StopGenerating{}));
  done(engine::StopReason::cancelled);
  controller.on(ui::UiEvent(ui::ContinueAnswer{view().messages.back().id}));
  piece("t");
  done();
  EXPECT_EQ(view().messages.back().text, "kept");
  controller.on(ui::UiEvent(ui::EditMessage{view().messages.front().id, "another"}));
  controller.on(ui::UiEvent(ui::ForkChat{view().messages.front().id}));
  EXPECT_EQ(view().messages.front().text, "another");
  EXPECT_TRUE(to_storage.empty()) << "not a byte";
  controller.on(ui::UiEvent(ui::NewChat{}));
  EXPECT_FALSE(view().private_chat);
  EXPECT_NE(last<engine::Stop>(to_engine), nullptr) << "nobody would see the rest";
  done(engine::StopReason::cancelled);
  EXPECT_TRUE(to_storage.empty());
  EXPECT_TRUE(view().messages.empty());
}

TEST_F(ControllerTest, D15AChatIsSavedAsAFile) {
  controller.on(ui::UiEvent(ui::ExportChat{3, ui::ExportAs::json}));
  const auto& read = asked_storage<command::ReadTree>();
  EXPECT_EQ(read.chat, 3);
  storage::ChatTree tree;
  tree.chat.title = "Sky";
  controller.on(storage::Event(event::TreeRead{read.request, tree}));
  EXPECT_EQ(view().notices.back().text, "Saved as /d/Sky.json");
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

TEST_F(ControllerTest, WithoutADatabaseTheChatGoesOnUnsaved) {
  ready();
  controller.on(storage::Event(event::OpenFailed{{ErrorCode::io, "The database cannot be opened."}}));
  EXPECT_EQ(view().notices.back().text, "The database cannot be opened. Chats are not saved.");
  to_storage.clear();
  say("hi");
  piece("yes");
  done();
  EXPECT_EQ(count_storage<command::CreateChat>() + count_storage<command::AppendMessage>() + count_storage<command::BeginAnswer>(), 0);
  EXPECT_EQ(view().messages[1].text, "yes");
  EXPECT_TRUE(controller.settled());
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

TEST_F(ControllerTest, ModelsAreLoadedRememberedAndTheirFailureSaid) {
  controller.start("/m/tiny.gguf");
  EXPECT_TRUE(to_engine.empty()) << "how it is opened stands in the settings";
  controller.on(storage::Event(event::Settings{1, {}}));
  EXPECT_EQ(asked_engine<engine::LoadModel>().path, "/m/tiny.gguf");
  EXPECT_EQ(view().model.state, ui::ModelState::loading);
  ready();
  EXPECT_EQ(view().model.state, ui::ModelState::ready);
  EXPECT_EQ(view().status.device, "a processor");
  EXPECT_EQ(asked_storage<command::RememberModel>().model.path, "/m/tiny.gguf");
  EXPECT_EQ(asked_storage<command::RememberModel>().model.last_used, 1234);
  controller.on(engine::Event(engine::ModelFailed{"/m/bad.gguf", {ErrorCode::corrupt, "bad.gguf is no GGUF file."}}));
  EXPECT_EQ(view().model.state, ui::ModelState::failed);
  EXPECT_EQ(view().notices.back().text, "bad.gguf is no GGUF file.");
}

TEST_F(ControllerTest, D58ALoadingSaysHowFarItIs) {
  controller.on(ui::UiEvent(ui::OpenModel{"/m/tiny.gguf"}));
  controller.on(engine::Event(engine::ModelLoading{"/m/tiny.gguf"}));
  EXPECT_LT(view().model.progress, 0);
  controller.on(engine::Event(engine::ModelLoading{"/m/tiny.gguf", 0.43}));
  EXPECT_EQ(view().model.state, ui::ModelState::loading);
  EXPECT_EQ(view().model.progress, 0.43);
  ready();
  EXPECT_LT(view().model.progress, 0);
}

class BuiltinTest : public ControllerTest {
 protected:
  static Controller::Options with_builtin() {
    Controller::Options options;
    options.builtin = "/b/main.gguf";
    return options;
  }
  BuiltinTest() : ControllerTest(with_builtin()) {
    controller.start("");
    controller.on(storage::Event(event::Settings{1, {}}));
  }
  std::string loaded() {
    const auto* letter = last<engine::LoadModel>(to_engine);
    return letter == nullptr ? "" : letter->path.string();
  }
};

TEST_F(BuiltinTest, IsOpenedWhenNothingElseWasEverUsed) {
  EXPECT_FALSE(controller.settled()) << "which model it will be is not known yet";
  EXPECT_EQ(loaded(), "");
  models({});
  EXPECT_EQ(loaded(), "/b/main.gguf");
  EXPECT_EQ(view().model.name, kBuiltinName) << "not main.gguf";
  EXPECT_EQ(view().model.about, "");
  ready("/b/main.gguf");
  EXPECT_EQ(view().model.about, kBuiltinAbout);
  EXPECT_EQ(view().builtin_model.path, "/b/main.gguf");
  EXPECT_EQ(asked_storage<command::RememberModel>().model.path, kBuiltinKey) << "the program may move";
  models({{kBuiltinKey, "tiny", 1234, 1}});
  EXPECT_TRUE(view().recent_models.empty());
  controller.on(ui::UiEvent(ui::OpenModel{"/m/tiny.gguf"}));
  ready();
  EXPECT_EQ(view().model.about, "") << "the sentence is about the built-in one alone";
}

TEST_F(BuiltinTest, GivesWayToTheModelThatWasUsedLast) {
  models({{kBuiltinKey, "b", 5, 1}, {"/m/old.gguf", "Old", 7, 1}, {"/m/older.gguf", "Older", 6, 1}});
  EXPECT_EQ(loaded(), "/m/old.gguf");
  ASSERT_EQ(view().recent_models.size(), 2u);
  ready("/m/old.gguf");
  to_engine.clear();
  models({{"/m/older.gguf", "Older", 9, 1}});
  controller.on(engine::Event(engine::ModelFailed{"/m/x.gguf", {ErrorCode::corrupt, "x.gguf is no GGUF file."}}));
  EXPECT_TRUE(to_engine.empty()) << "after the start only the user opens models";
}

TEST_F(BuiltinTest, IsOpenedAgainIfItWasUsedLast) {
  models({{"/m/old.gguf", "Old", 5, 1}, {kBuiltinKey, "b", 7, 1}});
  EXPECT_EQ(loaded(), "/b/main.gguf");
}

TEST_F(BuiltinTest, StandsInForALostModelAndTheLossIsSaid) {
  models({{"/m/old.gguf", "Old", 7, 1}});
  controller.on(engine::Event(engine::ModelFailed{"/m/old.gguf", {ErrorCode::not_found, "There is no file /m/old.gguf."}}));
  EXPECT_EQ(loaded(), "/b/main.gguf");
  EXPECT_EQ(view().notices.back().text, "There is no file /m/old.gguf.");
  to_engine.clear();
  controller.on(engine::Event(engine::ModelFailed{"/b/main.gguf", {ErrorCode::corrupt, "main.gguf is damaged."}}));
  EXPECT_TRUE(to_engine.empty()) << "once is enough";
}

TEST_F(BuiltinTest, IsOpenedWithoutADatabaseToo) {
  controller.on(storage::Event(event::OpenFailed{{ErrorCode::io, "The database cannot be opened."}}));
  EXPECT_EQ(loaded(), "/b/main.gguf");
}

TEST_F(BuiltinTest, IsNotOpenedOverTheUsersChoice) {
  controller.on(ui::UiEvent(ui::OpenModel{"/m/mine.gguf"}));
  models({{"/m/old.gguf", "Old", 7, 1}});
  EXPECT_EQ(loaded(), "/m/mine.gguf");
}

TEST_F(ControllerTest, WithoutABuiltInModelNothingIsOpened) {
  controller.start("");
  controller.on(storage::Event(event::Settings{1, {}}));
  models({});
  EXPECT_TRUE(to_engine.empty());
  EXPECT_TRUE(controller.settled());
  EXPECT_EQ(view().model.state, ui::ModelState::none);
}

TEST_F(ControllerTest, SearchHitsAreGroupedByChatAndOldOnesIgnored) {
  controller.on(ui::UiEvent(ui::SearchChanged{"sky"}));
  const auto request = asked_storage<command::Search>().request;
  storage::SearchHit a, b;
  a.chat.id = b.chat.id = 3;
  a.message_id = 1;
  a.snippet = "the\nsky";
  controller.on(storage::Event(event::Found{request, "sk", {a}}));
  EXPECT_TRUE(view().chats.empty());
  controller.on(storage::Event(event::Found{request, "sky", {a, b}}));
  ASSERT_EQ(view().chats.size(), 1u);
  EXPECT_EQ(view().chats[0].detail, "the sky");
  controller.on(ui::UiEvent(ui::SelectChat{3}));
  EXPECT_EQ(asked_storage<command::ShowMessage>().message, 1) << "D40: a hit is opened in its branch";
  controller.on(ui::UiEvent(ui::SearchChanged{""}));
  controller.on(ui::UiEvent(ui::SelectChat{3}));
  EXPECT_EQ(asked_storage<command::OpenChat>().chat, 3);
}

TEST_F(ControllerTest, ThemeAndScaleAreKept) {
  controller.on(ui::UiEvent(ui::SetTheme{ui::ThemeChoice::dark}));
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "dark");
  controller.on(ui::UiEvent(ui::SetScale{1.25f}));
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "1.25");
  controller.on(storage::Event(event::Settings{1, {{"theme", "light"}, {"scale", "1.5"}, {"scale ", "x"}}}));
  EXPECT_EQ(view().theme, ui::ThemeChoice::light);
  EXPECT_FLOAT_EQ(view().scale, 1.5f);
}

TEST_F(ControllerTest, DeletingTheShownChatShowsANewOne) {
  ready();
  say("hi");
  chat_saved(asked_storage<command::CreateChat>().request, 4);
  controller.on(ui::UiEvent(ui::DeleteChat{4}));
  EXPECT_NE(last<engine::Stop>(to_engine), nullptr);
  controller.on(storage::Event(event::ChatDeleted{asked_storage<command::DeleteChat>().request, 4, 70}));
  EXPECT_EQ(view().current_chat, 0);
  EXPECT_TRUE(view().messages.empty());
  piece("late");
  done(engine::StopReason::cancelled);
  EXPECT_FALSE(view().generating);
  EXPECT_TRUE(controller.settled() || !controller.start_known());
}

TEST_F(ControllerTest, D16AnAnswerThatWasGrowingInADeletedChatIsEndedThere) {
  ready();
  say("hi");
  chat_saved(asked_storage<command::CreateChat>().request, 4);
  saved(asked_storage<command::AppendMessage>().request, 10, 4);
  piece("half");
  controller.on(ui::UiEvent(ui::DeleteChat{4}));
  controller.on(storage::Event(event::ChatDeleted{asked_storage<command::DeleteChat>().request, 4, 70}));
  done(engine::StopReason::cancelled);
  ASSERT_NE(last<command::FinishAnswer>(to_storage), nullptr) << "else it would be streaming for ever once it is restored";
  EXPECT_EQ(asked_storage<command::FinishAnswer>().end.status, storage::Status::stopped);
}

TEST(Title, IsTheStartOfTheQuestionInWholeCharacters) {
  EXPECT_EQ(title_from("  \nhello\nworld"), "hello");
  EXPECT_EQ(title_from("one two three four five six seven eight nine ten eleven twelve thirteen"),
            "one two three four five six seven eight nine ten eleven\u2026");
  const std::string wide = title_from(std::string("漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢"));
  EXPECT_EQ(wide.size() % 3, 0u);
}

}  // namespace
}  // namespace foreword::app
