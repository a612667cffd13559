// Chats as the controller keeps them: private ones, files, searches, deletions; and without a database.

#include <gtest/gtest.h>

#include "app/words.h"
#include "tests/app/controller_fixture.h"

namespace foreword::app {
namespace {

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

TEST_F(ControllerTest, D40AHitLeadsToItsMessage) {
  controller.on(ui::UiEvent(ui::SearchChanged{"sk"}));
  storage::SearchHit hit;
  hit.chat.id = 3;
  hit.message_id = 12;
  hit.snippet = "the\nsky";
  hit.marks = {{4, 3}};
  controller.on(storage::Event(event::Found{1, "sk", {hit}}));
  EXPECT_EQ(view().found_for, "sk");
  ASSERT_EQ(view().chats[0].marks.size(), 1u);
  EXPECT_EQ(view().chats[0].marks[0].first, 4u);
  controller.on(ui::UiEvent(ui::SelectChat{3}));
  event::ChatOpened opened;
  opened.request = asked_storage<command::ShowMessage>().request;
  opened.chat.id = 3;
  opened.chat.title = "Weather";
  for (const storage::Id id : {11, 12}) {
    storage::PathEntry entry;
    entry.message.id = id;
    entry.message.role = storage::Role::user;
    entry.message.content = "the sky";
    opened.path.push_back(entry);
  }
  controller.on(storage::Event(opened));
  EXPECT_EQ(view().place.id, 1u);
  EXPECT_EQ(view().place.message, view().messages[1].id);
  EXPECT_EQ(view().place.query, "sk");
  EXPECT_EQ(view().place.words, "sky");
  EXPECT_EQ(view().title, "Weather");
  controller.on(ui::UiEvent(ui::SearchChanged{""}));
  controller.on(ui::UiEvent(ui::SelectChat{3}));
  opened.request = asked_storage<command::OpenChat>().request;
  controller.on(storage::Event(opened));
  EXPECT_EQ(view().place.id, 1u) << "only a hit leads anywhere";
  storage::Chat renamed;
  renamed.id = 3;
  renamed.title = "Clouds";
  controller.on(storage::Event(event::ChatSaved{99, renamed}));
  EXPECT_EQ(view().title, "Clouds");
  controller.on(ui::UiEvent(ui::NewChat{true}));
  EXPECT_EQ(view().title, "");
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

TEST_F(ControllerTest, TheStatusLineTellsOfNoOtherChatsPrompt) {
  const auto open = [this](storage::Id id) {
    controller.on(ui::UiEvent(ui::SelectChat{id}));
    event::ChatOpened opened;
    opened.request = asked_storage<command::OpenChat>().request;
    opened.chat.id = id;
    controller.on(storage::Event(opened));
  };
  const auto finish = [this] {
    engine::GenerationDone end;
    end.id = asked_engine<engine::Generate>().id;
    end.stats.prompt_tokens = 40;
    end.stats.first_token_seconds = 0.5;
    end.stats.n_tokens = 11;
    end.stats.decode_seconds = 2;
    controller.on(engine::Event(end));
  };
  ready();
  controller.on(ui::UiEvent(ui::NewChat{true}));
  say("a secret");
  finish();
  EXPECT_EQ(view().status.prompt_tokens, 40);
  open(7);
  EXPECT_EQ(view().status.prompt_tokens, 0);
  EXPECT_EQ(view().status.tokens_per_second, 0);
  EXPECT_EQ(view().status.first_token_seconds, 0);
  EXPECT_EQ(view().status.device, "a processor") << "which all chats have";
  say("hi");
  finish();
  open(7);
  EXPECT_EQ(view().status.prompt_tokens, 40) << "the same chat, read anew";
  say("and?");
  controller.on(ui::UiEvent(ui::NewChat{}));
  controller.on(engine::Event(engine::GenerationStarted{asked_engine<engine::Generate>().id, 60, 0}));
  piece("of the other chat");
  finish();
  EXPECT_EQ(view().status.prompt_tokens, 0);
  EXPECT_EQ(view().status.context_used, 0);
}

TEST_F(ControllerTest, AnAnswerThatIsWrittenInAnotherChatIsToldAsThat) {
  ready();
  say("hi");
  chat_saved(asked_storage<command::CreateChat>().request, 5);
  EXPECT_TRUE(view().answers_here());
  EXPECT_EQ(view().answering_chat, 5);
  controller.on(ui::UiEvent(ui::NewChat{}));
  EXPECT_TRUE(view().generating);
  EXPECT_FALSE(view().answers_here());
  EXPECT_EQ(view().answering_chat, 5);
  controller.on(ui::UiEvent(ui::DraftChanged{"meanwhile"}));
  ASSERT_NE(last<engine::CountTokens>(to_engine), nullptr) << "the meter is of the chat that is shown";
  EXPECT_EQ(asked_engine<engine::CountTokens>().messages.back().content, "meanwhile");
  controller.on(engine::Event(engine::TokensCounted{asked_engine<engine::CountTokens>().id, 12, {9}}));
  piece("Hello.");
  EXPECT_EQ(view().context.total, 12);
  done();
  EXPECT_FALSE(view().elsewhere);
  EXPECT_EQ(view().answering_chat, 0);
}

}  // namespace
}  // namespace foreword::app
