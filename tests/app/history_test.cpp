// The controller and the history: imports, copies, folders, order, and taking things back.

#include "app/chat_json.h"
#include "app/words.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;

class HistoryTest : public ScriptedDesks {
 protected:
  static std::string exported(const std::string& title, const std::string& source) {
    storage::ChatTree tree;
    tree.chat = chat(1, title);
    tree.chat.source = source;
    tree.chat.updated_at = kNow;
    storage::TreeMessage message;
    message.message.id = 1;
    message.message.content = "hello";
    tree.messages = {message};
    return chat_to_json(tree);
  }
  void list(std::vector<storage::Chat> chats) { storage_says(event::Chats{asked_storage<command::ListChats>().request, std::move(chats)}); }
  std::string folder_of(std::int64_t id) const {
    for (const ui::ChatRow& row : view().chats) {
      if (row.id == id) return row.folder;
    }
    return "?";
  }
};

TEST_F(HistoryTest, D44AnImportShowsWhatItFoundAndWritesNothingUntilItIsTold) {
  files["sky.json"] = exported("Sky", "s1");
  files["sea.json"] = exported("Sea", "s2");
  files["again.json"] = exported("Sky", "s1");
  files["broken.json"] = "{\"format\": ";
  for (const char* name : {"sky.json", "broken.json", "sea.json", "again.json", "none.json"}) ui(ui::ImportFile{std::string("/d/") + name});
  EXPECT_EQ(asked_storage<command::FindSources>().sources, (std::vector<std::string>{"s1", "s2"}));
  ASSERT_TRUE(view().import);
  EXPECT_FALSE(view().import->busy.empty());
  ui(ui::ConfirmImport{});
  EXPECT_EQ(count_of<command::AddTrees>(to_storage), 0) << "not before it is known what is here already";
  storage::Chat known = chat(7, "The sea");
  known.source = "s2";
  storage_says(event::SourcesFound{asked_storage<command::FindSources>().request, {known}});
  ASSERT_EQ(view().import->rows.size(), 4u);
  EXPECT_EQ(view().import->rows[0].state, ui::ImportState::fresh);
  EXPECT_EQ(view().import->rows[0].title, "Sky");
  EXPECT_EQ(view().import->rows[0].detail.substr(0, 17), "1 message, Today,");
  EXPECT_EQ(view().import->rows[1].state, ui::ImportState::known);
  EXPECT_EQ(view().import->rows[2].title, "broken.json");
  EXPECT_NE(view().import->rows[2].detail.find("byte 12"), std::string::npos) << view().import->rows[2].detail;
  EXPECT_EQ(view().import->rows[3].detail, "There is no file /d/none.json.");
  EXPECT_EQ(view().import->busy, "");
  EXPECT_EQ(count_of<command::AddTrees>(to_storage), 0);
  ui(ui::ConfirmImport{});
  ASSERT_EQ(asked_storage<command::AddTrees>().trees.size(), 1u);
  EXPECT_EQ(asked_storage<command::AddTrees>().trees[0].chat.source, "s1");
  storage_says(event::TreesAdded{asked_storage<command::AddTrees>().request, {chat(9, "Sky")}});
  EXPECT_FALSE(view().import);
  EXPECT_EQ(asked_storage<command::OpenChat>().chat, 9);
}

TEST_F(HistoryTest, D44AnImportOfSeveralChatsIsTakenBackAsOne) {
  files["a.json"] = exported("A", "s1");
  files["b.json"] = exported("B", "s2");
  ui(ui::ImportFile{"/d/a.json"});
  ui(ui::ImportFile{"/d/b.json"});
  storage_says(event::SourcesFound{asked_storage<command::FindSources>().request, {}});
  ui(ui::ConfirmImport{});
  storage_says(event::TreesAdded{asked_storage<command::AddTrees>().request, {chat(8, "A"), chat(9, "B")}});
  EXPECT_EQ(view().notices.back().text, "2 chats were imported.");
  ui(ui::RenameChat{1, "x"});  // of a chat that is not listed: nothing to undo
  ui(ui::Undo{});
  EXPECT_EQ(count_of<command::DeleteChat>(to_storage), 2);
  storage_says(event::ChatDeleted{asked_storage<command::DeleteChat>().request, 9, 70});
  const std::size_t n = to_storage.size();
  ui(ui::Undo{});
  EXPECT_EQ(count_of<command::Restore>(to_storage), 0) << "what undo did is no new change";
  EXPECT_GE(to_storage.size(), n);
}

TEST_F(HistoryTest, D44ACancelledOrRefusedImportLeavesNothing) {
  files["a.json"] = exported("A", "s1");
  ui(ui::ImportFile{"/d/a.json"});
  ui(ui::CancelImport{});
  EXPECT_FALSE(view().import);
  storage_says(event::SourcesFound{asked_storage<command::FindSources>().request, {}});
  EXPECT_FALSE(view().import);
  ui(ui::ImportFile{"/d/a.json"});
  storage_says(event::SourcesFound{asked_storage<command::FindSources>().request, {}});
  ui(ui::ConfirmImport{});
  storage_says(event::Failed{asked_storage<command::AddTrees>().request, {ErrorCode::io, "The disk is full."}, false});
  EXPECT_FALSE(view().import);
  EXPECT_EQ(view().notices.back().text, "The disk is full.");
  const int n = count_of<command::AddTrees>(to_storage);
  ui(ui::ConfirmImport{});
  EXPECT_EQ(count_of<command::AddTrees>(to_storage), n);
}

TEST_F(HistoryTest, D43TheListOfCopiesIsShownAndOneIsRestoredAndTakenBack) {
  ui(ui::ShowBackups{});
  EXPECT_EQ(view().backups->busy, "Looking for copies\u2026");
  const std::int64_t day = 24LL * 3600 * 1000;
  storage_says(event::Backups{asked_storage<command::ListBackups>().request,
                              {{"/b/new.db", storage::BackupKind::daily, kNow - day, 12, 2'100'000},
                               {"/b/old.db", storage::BackupKind::before_restore, kNow - 400 * day, 1, 900}}});
  ASSERT_EQ(view().backups->rows.size(), 2u);
  EXPECT_EQ(view().backups->rows[0].when.substr(0, 11), "Yesterday, ");
  EXPECT_EQ(view().backups->rows[0].detail, "12 chats, 2.1 MB \u00b7 Daily copy");
  EXPECT_NE(view().backups->rows[1].when.find(" 2025, "), std::string::npos) << view().backups->rows[1].when;
  EXPECT_EQ(view().backups->rows[1].detail, "1 chat, 1 kB \u00b7 Before a restore");

  model_ready();
  ask_in_new_chat("hello", 3);
  ui(ui::RestoreBackup{view().backups->rows[0].id});
  EXPECT_EQ(count_of<engine::Stop>(to_engine), 1) << "its chat may not be there any more";
  EXPECT_EQ(asked_storage<command::RestoreBackup>().path, "/b/new.db");
  EXPECT_EQ(view().backups->busy, "Restoring\u2026");
  ui(ui::RestoreBackup{view().backups->rows[1].id});
  EXPECT_EQ(count_of<command::RestoreBackup>(to_storage), 1);
  storage_says(event::BackupRestored{asked_storage<command::RestoreBackup>().request, "/b/kept.db", true});
  answer("late", engine::StopReason::cancelled);
  EXPECT_EQ(count_of<command::FinishAnswer>(to_storage), 0) << "nothing of it reaches the restored chats";
  EXPECT_TRUE(view().messages.empty());
  EXPECT_FALSE(view().backups);
  EXPECT_GE(count_of<command::ListChats>(to_storage), 1);
  EXPECT_TRUE(view().notices.back().can_undo);
  ui(ui::Undo{});
  EXPECT_EQ(asked_storage<command::RestoreBackup>().path, "/b/kept.db");
  const std::size_t n_notices = view().notices.size();
  storage_says(event::BackupRestored{asked_storage<command::RestoreBackup>().request, "/b/kept2.db", true});
  EXPECT_EQ(view().notices.size(), n_notices) << "and there it ends";
}

TEST_F(HistoryTest, D43ADamagedDatabaseOffersItsNewestGoodCopy) {
  storage_says(event::OpenFailed{{ErrorCode::corrupt, "The chat database is damaged."}});
  EXPECT_EQ(view().notices.back().text, "The chat database is damaged. Chats are not saved.");
  storage_says(event::Backups{asked_storage<command::ListBackups>().request, {{"/b/good.db", storage::BackupKind::daily, kNow, 12, 5000}}});
  ASSERT_TRUE(view().backups);
  EXPECT_FALSE(view().backups->reason.empty());
  ui(ui::RestoreBackup{view().backups->rows[0].id});
  storage_says(event::BackupRestored{asked_storage<command::RestoreBackup>().request, "/b/foreword-damaged.db", false});
  EXPECT_FALSE(view().backups);
  EXPECT_FALSE(view().notices.back().can_undo);
  EXPECT_NE(view().notices.back().text.find("/b/foreword-damaged.db"), std::string::npos);
  to_storage.clear();
  storage_says(event::Opened{0});
  EXPECT_EQ(count_of<command::ListChats>(to_storage), 1);
  model_ready();
  ui(ui::SendMessage{"hello"});
  EXPECT_EQ(count_of<command::CreateChat>(to_storage), 1) << "chats are saved again";
}

TEST_F(HistoryTest, D43ANewerOrAnUnreadableDatabaseOffersNone) {
  storage_says(event::OpenFailed{{ErrorCode::unsupported, "Made by a newer version."}});
  EXPECT_EQ(count_of<command::ListBackups>(to_storage), 0);
  EXPECT_FALSE(view().backups);
}

TEST_F(HistoryTest, D42AFolderIsTakenAwayAndComesBackAsItWas) {
  ui(ui::SearchChanged{""});
  list({chat(1, "a", "Work/Reports"), chat(2, "b", "Work")});
  ui(ui::RemoveFolder{"Work/Reports"});
  EXPECT_EQ(asked_storage<command::RenameFolder>().from, "Work/Reports");
  EXPECT_EQ(asked_storage<command::RenameFolder>().to, "Work");
  storage_says(event::FolderRenamed{asked_storage<command::RenameFolder>().request, {{1, "Work/Reports"}}, {chat(1, "a", "Work"), chat(2, "b", "Work")}});
  EXPECT_EQ(folder_of(1), "Work");
  EXPECT_EQ(view().notices.back().text, "The folder \u201cReports\u201d is gone; its chats stand in \u201cWork\u201d.");
  EXPECT_TRUE(view().notices.back().can_undo);
  ui(ui::RenameFolder{"Work", "Office"});
  storage_says(event::FolderRenamed{asked_storage<command::RenameFolder>().request, {{1, "Work"}, {2, "Work"}}, {chat(1, "a", "Office"), chat(2, "b", "Office")}});
  ui(ui::Undo{});
  ASSERT_EQ(asked_storage<command::PlaceChats>().places.size(), 2u);
  EXPECT_EQ(asked_storage<command::PlaceChats>().places[1].folder, "Work");
  ui(ui::Undo{});
  EXPECT_EQ(asked_storage<command::PlaceChats>().places.size(), 1u);
  EXPECT_EQ(asked_storage<command::PlaceChats>().places[0].folder, "Work/Reports");
  storage_says(event::Chats{asked_storage<command::PlaceChats>().request, {chat(1, "a", "Work/Reports"), chat(2, "b", "Work")}});
  EXPECT_EQ(folder_of(1), "Work/Reports");
  ui(ui::RemoveFolder{"Work"});
  EXPECT_EQ(asked_storage<command::RenameFolder>().to, "");
}

TEST_F(HistoryTest, D42ChatsAreSortedByDateOrByNameAsPeopleDo) {
  ui(ui::SearchChanged{""});
  const std::vector<storage::Chat> chats{chat(1, "zebra"), chat(2, "Äpfel"), chat(3, "apple"), chat(4, "Birne"), chat(5, "\xff")};
  list(chats);
  EXPECT_EQ(view().chats[0].id, 1) << "as the storage has them: the latest first";
  ui(ui::SetChatOrder{ui::ChatOrder::name});
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "name");
  list(chats);
  std::vector<std::int64_t> order;
  for (const ui::ChatRow& row : view().chats) order.push_back(row.id);
  EXPECT_EQ(order, (std::vector<std::int64_t>{2, 3, 4, 1, 5}));
  storage_says(event::Settings{1, {{"chat_order", "date"}}});
  EXPECT_EQ(view().chat_order, ui::ChatOrder::date);
}

TEST_F(HistoryTest, D38AnAutomaticTitleThatIsTakenBackIsAutomaticAgain) {
  ui(ui::SearchChanged{""});
  list({chat(1, "first words")});
  ui(ui::RenameChat{1, "Mine"});
  EXPECT_TRUE(asked_storage<command::RenameChat>().by_user);
  ui(ui::Undo{});
  EXPECT_EQ(asked_storage<command::RenameChat>().title, "first words");
  EXPECT_FALSE(asked_storage<command::RenameChat>().by_user);
}

TEST_F(HistoryTest, D38AnEditIsTakenBackAndTheOldVersionIsShownAgain) {
  model_ready();
  ask_in_new_chat("hello", 3);
  answer_stored("yes", 3);
  answer("");  // the title
  ui(ui::EditMessage{view().messages[0].id, "good day"});
  saved(asked_storage<command::AppendMessage>().request, 40, 3);
  saved(asked_storage<command::BeginAnswer>().request, 41, 3, storage::Status::streaming);
  ui(ui::Undo{});
  EXPECT_EQ(count_of<engine::Stop>(to_engine), 1) << "the version that goes away was still being answered";
  EXPECT_EQ(asked_storage<command::DeleteBranch>().message, 40);
  EXPECT_EQ(asked_storage<command::ShowMessage>().message, 30);
  const int opened = count_of<command::OpenChat>(to_storage);
  storage_says(event::BranchDeleted{asked_storage<command::DeleteBranch>().request, 3, 70});
  EXPECT_EQ(count_of<command::OpenChat>(to_storage), opened) << "the old version is on its way";
  storage::PathEntry old;
  old.message.id = 30;
  old.message.content = "hello";
  storage_says(event::ChatOpened{asked_storage<command::ShowMessage>().request, chat(3), {old}});
  ASSERT_EQ(view().messages.size(), 1u);
  EXPECT_EQ(view().messages[0].text, "hello");
  answer("late", engine::StopReason::cancelled);
  EXPECT_EQ(view().messages.size(), 1u);
}

TEST_F(HistoryTest, D38AnEditedAnswerIsTakenBack) {
  model_ready();
  ask_in_new_chat("hello", 3);
  answer_stored("yes", 3);
  answer("");
  ui(ui::EditMessage{view().messages[1].id, "no"});
  saved(asked_storage<command::AppendMessage>().request, 32, 3);
  ui(ui::Undo{});
  EXPECT_EQ(asked_storage<command::DeleteBranch>().message, 32);
  EXPECT_EQ(asked_storage<command::ShowMessage>().message, 31);
}

/// What is read late belongs to the import that asked for it, which may be gone.
TEST_F(HistoryTest, D44AFileOfACancelledImportComesIntoNoOther) {
  std::vector<SideWork> works;
  Controller slow({.engine = [](engine::Command) {},
                   .storage = [](storage::Command) {},
                   .now_ms = [] { return kNow; },
                   .aside = [&](SideWork work) { works.push_back(std::move(work)); },
                   .save_file = {},
                   .read_file = [](const std::filesystem::path& path) { return Result<std::string>(exported(path.stem().string(), path.string())); }},
                  {});
  slow.on(ui::UiEvent(ui::ImportFile{"/d/A.json"}));
  slow.on(ui::UiEvent(ui::CancelImport{}));
  slow.on(ui::UiEvent(ui::ImportFile{"/d/B.json"}));
  works[0]()();
  ASSERT_TRUE(slow.view().import);
  EXPECT_TRUE(slow.view().import->rows.empty());
  works[1]()();
  ASSERT_EQ(slow.view().import->rows.size(), 1u);
  EXPECT_EQ(slow.view().import->rows[0].title, "B");
}

}  // namespace
}  // namespace foreword::app
