// What is written but not sent: kept for each chat across the end of the program, and given back where it cannot be used.

#include <gtest/gtest.h>

#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;

class DraftsTest : public ScriptedDesks {
 protected:
  void open_chat(storage::Id id, const std::vector<storage::Id>& messages = {}) {
    ui(ui::SelectChat{id});
    event::ChatOpened opened;
    opened.request = asked_storage<command::OpenChat>().request;
    opened.chat = chat(id);
    for (const storage::Id message : messages) {
      storage::PathEntry& entry = opened.path.emplace_back();
      entry.message.id = message;
      entry.message.role = message % 2 == 0 ? storage::Role::user : storage::Role::assistant;
      entry.message.content = "message " + std::to_string(message);
    }
    storage_says(opened);
  }
  int n_writes() const { return count_of<command::SetSetting>(to_storage) + count_of<command::EraseSetting>(to_storage); }
  /// The last words that came back to the composer.
  std::string given_back() const { return view().offers.empty() || !view().offers.back().name.empty() ? "" : view().offers.back().text; }
};

TEST_F(DraftsTest, D68AreStoredWithTheirChatsAndErasedOnceTheyAreGone) {
  ui(ui::KeepDraft{7, "half a thought"});
  EXPECT_EQ(asked_storage<command::SetSetting>().key, "draft/7");
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "half a thought");
  ui(ui::KeepDraft{7, "half a thought"});
  EXPECT_EQ(n_writes(), 1) << "it is there already";
  open_chat(7);
  EXPECT_EQ(view().draft, "half a thought");
  model_ready();
  ui(ui::SendMessage{"half a thought"});
  EXPECT_EQ(asked_storage<command::EraseSetting>().key, "draft/7");
  EXPECT_EQ(n_writes(), 2);
  ui(ui::KeepDraft{-1, "before the first frame"});
  EXPECT_EQ(n_writes(), 2);
}

TEST_F(DraftsTest, D68ComeBackAtTheNextStart) {
  storage_says(event::Settings{1, {{"draft/0", "of a new chat"}, {"draft/7", "of seven"}, {"draft/", "x"}, {"draft/x", "x"}, {"draft/-1", "x"}, {"draft/8 ", "x"}}});
  ASSERT_EQ(view().offers.size(), 1u);
  EXPECT_EQ(given_back(), "of a new chat") << "the composer stands already";
  open_chat(7);
  EXPECT_EQ(view().draft, "of seven");
  open_chat(8);
  EXPECT_EQ(view().draft, "");
  ui(ui::KeepDraft{7, "of seven, and more"});
  storage_says(event::Settings{2, {{"draft/7", "of seven"}}});
  open_chat(7);
  EXPECT_EQ(view().draft, "of seven, and more") << "only the first list is news";
}

TEST_F(DraftsTest, OfChatsThatAreNoMoreAreErasedAtTheStart) {
  storage_says(event::Settings{1, {{"draft/0", "new"}, {"draft/7", "kept"}, {"draft/8", "gone"}}});
  storage_says(event::Chats{2, {chat(7)}});
  EXPECT_EQ(count_of<command::EraseSetting>(to_storage), 1);
  EXPECT_EQ(asked_storage<command::EraseSetting>().key, "draft/8");
}

TEST_F(DraftsTest, D17OfAPrivateChatAreWrittenNowhere) {
  model_ready();
  ui(ui::NewChat{true});
  to_storage.clear();
  ui(ui::KeepDraft{0, "a secret", true});
  EXPECT_TRUE(to_storage.empty());
  ui(ui::NewChat{});
  EXPECT_EQ(view().draft, "");
  ui(ui::NewChat{true});
  EXPECT_EQ(view().draft, "a secret");
  ui(ui::SendMessage{"a secret"});
  EXPECT_TRUE(to_storage.empty());
}

TEST_F(DraftsTest, OfADeletedChatComeBackWithIt) {
  open_chat(7);
  ui(ui::DeleteChat{7});
  storage_says(event::ChatDeleted{asked_storage<command::DeleteChat>().request, 7, 70});
  ui(ui::KeepDraft{7, "unsent"});
  ui(ui::Undo{});
  storage_says(event::Restored{asked_storage<command::Restore>().request, 7});
  open_chat(7);
  EXPECT_EQ(view().draft, "unsent");
}

TEST_F(DraftsTest, AMessageThatCannotBeAskedNowComesBack) {
  ui(ui::SendMessage{"too early"});
  EXPECT_EQ(given_back(), "too early");
  EXPECT_EQ(view().notices.back().text, "No model is open. Your words are in the composer again.");
  model_ready();
  ask_in_new_chat("question", 1);
  ui(ui::SendMessage{"meanwhile"});
  EXPECT_EQ(given_back(), "meanwhile");
  EXPECT_EQ(view().messages.size(), 2u);
  ui(ui::OffersTaken{view().offers.back().id});
  EXPECT_TRUE(view().offers.empty());
}

TEST_F(DraftsTest, AVersionOfAMessageThatIsGoneComesBack) {
  model_ready();
  open_chat(7, {10, 11});
  const std::int64_t row = view().messages[1].id;
  open_chat(7, {10, 13});
  ui(ui::EditMessage{row, "my version"});
  EXPECT_EQ(given_back(), "my version");
  EXPECT_FALSE(view().notices.empty());
}

TEST_F(DraftsTest, AVersionOfAMessageThatIsNotSavedComesBack) {
  model_ready();
  ui(ui::SendMessage{"question"});
  storage_says(event::Failed{asked_storage<command::CreateChat>().request, {ErrorCode::io, "The disk is full."}, false});
  answer("yes");
  ui(ui::EditMessage{view().messages[0].id, "another question"});
  EXPECT_EQ(given_back(), "another question");
  ui(ui::EditMessage{view().messages[1].id, "another answer"});
  EXPECT_EQ(given_back(), "another answer");
  EXPECT_EQ(view().messages[0].text, "question");
}

TEST_F(DraftsTest, ARowIsTheSameWheneverItsMessageIsShown) {
  model_ready();
  ask_in_new_chat("question", 1);
  answer_stored("yes", 1);
  const std::int64_t question = view().messages[0].id, reply = view().messages[1].id;
  open_chat(1, {10, 11});
  EXPECT_EQ(view().messages[0].id, question);
  EXPECT_EQ(view().messages[1].id, reply);
  EXPECT_GT(view().messages[1].revision, 0u) << "\"message 11\" is not what stood there";
  open_chat(1, {10, 13});
  EXPECT_EQ(view().messages[0].id, question);
  EXPECT_EQ(view().messages[0].revision, 1u) << "not changed again";
  EXPECT_NE(view().messages[1].id, reply);
  open_chat(1, {10, 11});
  EXPECT_EQ(view().messages[1].id, reply);
}

TEST_F(DraftsTest, EveryAttachedFileWaitsUntilTheComposerHasIt) {
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i) + ".txt";
    files[name] = "text";
    ui(ui::AttachFile{"/d/" + name});
  }
  EXPECT_EQ(view().offers.size(), 40u);
  ui(ui::OffersTaken{view().offers[29].id});
  ASSERT_EQ(view().offers.size(), 10u);
  EXPECT_EQ(view().offers[0].name, "30.txt");
}

TEST_F(DraftsTest, AnEndThatTheDiskHoldsUpSaysWhyAndASecondOneWins) {
  model_ready();
  open_chat(7);
  ui(ui::SendMessage{"unsaved"});
  const auto request = asked_storage<command::AppendMessage>().request;
  ui(ui::Quit{});
  EXPECT_FALSE(controller.quit()) << "it is on its way to the disk";
  EXPECT_TRUE(view().notices.empty());
  now += 9'000;
  storage_says(event::Failed{request, {ErrorCode::io, "The disk is full."}, true});
  EXPECT_FALSE(controller.quit());
  const std::string said = "What you sent last is not saved yet: The disk is full. Quit once more within ten seconds to end without it.";
  EXPECT_EQ(view().notices.back().text, said);
  now += 11'000;
  ui(ui::Quit{});
  EXPECT_FALSE(controller.quit()) << "much later, so it is said again";
  now += 3'000;
  ui(ui::Quit{});
  EXPECT_TRUE(controller.quit());
}

TEST_F(DraftsTest, AnEndThatWasOnlyLateNeedsNoSecondWord) {
  model_ready();
  open_chat(7);
  ui(ui::SendMessage{"late"});
  const auto request = asked_storage<command::AppendMessage>().request;
  storage_says(event::Failed{request, {ErrorCode::io, "The disk is full."}, true});
  saved(request, 200, 7);
  ui(ui::Quit{});
  EXPECT_TRUE(controller.quit());
}

TEST_F(DraftsTest, D17APrivateChatIsNotEndedByWhatIsBroughtBack) {
  storage_says(event::ChatDeleted{1, 7, 70});
  ui(ui::NewChat{true});
  const int opened = count_of<command::OpenChat>(to_storage);
  ui(ui::Undo{});
  storage_says(event::Restored{asked_storage<command::Restore>().request, 7});
  ui(ui::RestoreDeleted{71});
  storage_says(event::Restored{asked_storage<command::Restore>().request, 8});
  EXPECT_EQ(count_of<command::OpenChat>(to_storage), opened);
  EXPECT_TRUE(view().private_chat);
}

}  // namespace
}  // namespace foreword::app
