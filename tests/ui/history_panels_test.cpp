// The chat list and its dialogs: keys, dragging, folders, copies, imports.

#include <gtest/gtest.h>

#include "ui/headless.h"

namespace foreword::ui {
namespace {

class HistoryPanelsTest : public ::testing::Test {
 protected:
  HistoryPanelsTest() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.state.chats = {{1, "alpha", ""}, {2, "beta", ""}, {3, "pinned", "", true}, {4, "report", "", false, "Work/Reports"}, {5, "home", "", false, "Home"}};
    drive.frames(2);
  }
  void focus(const std::string& id) {
    for (int i = 0; i < 100 && drive.root().interaction().focus_id() != id; ++i) {
      drive.key(Key::tab);
      drive.frames(2);
    }
    ASSERT_EQ(drive.root().interaction().focus_id(), id);
    drive.events.clear();
  }
  template <class Event>
  int count() const {
    int n = 0;
    for (const UiEvent& event : drive.events) n += std::holds_alternative<Event>(event) ? 1 : 0;
    return n;
  }
  Headless drive;
};

TEST_F(HistoryPanelsTest, D42AFocusedChatGoesFromFolderToFolderByKeys) {
  focus("chats/row:1");
  drive.key(Key::down, {.alt = true});
  drive.frames(2);
  EXPECT_EQ(count<MoveChat>(), 0) << "what is in no folder stands below them all";
  drive.key(Key::up, {.alt = true});
  drive.frames(2);
  ASSERT_NE(drive.last<MoveChat>(), nullptr);
  EXPECT_EQ(drive.last<MoveChat>()->id, 1);
  EXPECT_EQ(drive.last<MoveChat>()->folder, "Work/Reports");
  drive.state.chats[0].folder = "Work/Reports";
  drive.frames(2);
  EXPECT_EQ(drive.root().interaction().focus_id(), "chats/row:1") << "it keeps the focus where it goes";
  drive.key(Key::up, {.alt = true});
  drive.frames(2);
  EXPECT_EQ(drive.last<MoveChat>()->folder, "Work") << "a folder that holds only folders counts";
  drive.state.chats[0].folder = "Home";
  drive.frames(2);
  drive.events.clear();
  drive.key(Key::up, {.alt = true});
  drive.frames(2);
  EXPECT_EQ(count<MoveChat>(), 0) << "the first one";
  drive.key(Key::down, {.alt = true});
  drive.frames(2);
  ASSERT_EQ(count<MoveChat>(), 1);
  EXPECT_EQ(drive.last<MoveChat>()->folder, "Work") << "also to folders that stand below it";
}

TEST_F(HistoryPanelsTest, D42KeysRenameAndDeleteWhatHasTheFocus) {
  drive.state.current_chat = 2;
  focus("chats/row:1");
  drive.key(Key::del);
  drive.frames(2);
  ASSERT_NE(drive.last<DeleteChat>(), nullptr);
  EXPECT_EQ(drive.last<DeleteChat>()->id, 1) << "not the one that is shown";
  drive.key(Key::f2);
  drive.frames(2);
  drive.type("new");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<RenameChat>()->id, 1);
  focus("composer/text");
  drive.key(Key::del);
  drive.frames(2);
  EXPECT_EQ(count<DeleteChat>(), 0) << "in a text it deletes a letter";
  focus("chats/folder:Work/Reports");
  drive.key(Key::f2);
  drive.frames(2);
  drive.type("Papers");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<RenameFolder>()->to, "Work/Papers");
  focus("chats/folder:Work/Reports");
  drive.key(Key::del);
  drive.frames(2);
  EXPECT_EQ(drive.last<RemoveFolder>()->path, "Work/Reports");
}

TEST_F(HistoryPanelsTest, D42AnyRowUndoesByCtrlZ) {
  focus("chats/row:1");
  drive.key(letter('z'), {.ctrl = true});
  drive.frames(2);
  EXPECT_EQ(count<Undo>(), 1);
}

TEST_F(HistoryPanelsTest, D42ADragShowsWhereItGoesAndAClickIsNone) {
  const Rect row = drive.find("chats/row:1")->rect, folder = drive.find("chats/folder:Home")->rect;
  drive.press(row.center());
  drive.push(MouseMove{drive.find("chats/row:2")->rect.center()});
  drive.frames(2);
  const int nowhere = drive.triangles();
  drive.push(MouseMove{folder.center()});
  drive.frames(2);
  EXPECT_GT(drive.triangles(), nowhere) << "a frame around the folder";
  drive.release(folder.center());
  drive.frames();
  EXPECT_EQ(drive.last<MoveChat>()->folder, "Home");
  drive.events.clear();
  drive.press(row.center());
  drive.release(row.center());
  drive.frames();
  EXPECT_EQ(count<MoveChat>(), 0);
  EXPECT_EQ(count<SelectChat>(), 1);
  drive.events.clear();
  drive.press(drive.find("chats/row:3")->rect.center());
  drive.push(MouseMove{folder.center()});
  drive.release(folder.center());
  drive.frames();
  EXPECT_EQ(count<MoveChat>(), 0) << "a pinned chat stands at the top whatever its folder";
}

TEST_F(HistoryPanelsTest, D42TheOrderIsOneButton) {
  ASSERT_TRUE(drive.click("chats/sort"));
  EXPECT_EQ(drive.last<SetChatOrder>()->order, ChatOrder::name);
  drive.state.chat_order = ChatOrder::name;
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/sort"));
  EXPECT_EQ(drive.last<SetChatOrder>()->order, ChatOrder::date);
}

TEST_F(HistoryPanelsTest, D43ACopyIsChosenBeforeItIsRestored) {
  ASSERT_TRUE(drive.click("chats/backups"));
  EXPECT_EQ(count<ShowBackups>(), 1);
  drive.state.backups = BackupsView{.reason = {}, .busy = "Looking for copies\u2026", .rows = {}};
  drive.frames(2);
  EXPECT_EQ(drive.find("backups/restore"), nullptr);
  drive.state.backups->busy.clear();
  drive.state.backups->rows = {{1, "Today, 18:03", "12 chats, 2.1 MB"}, {2, "Yesterday, 09:10", "11 chats, 2.0 MB"}};
  drive.frames(2);
  ASSERT_NE(drive.find("backups/restore"), nullptr);
  EXPECT_FALSE(drive.find("backups/restore")->enabled) << "no accident";
  drive.key(letter('n'), {.ctrl = true});
  drive.frames(2);
  EXPECT_EQ(count<NewChat>(), 0) << "shortcuts sleep";
  EXPECT_EQ(drive.root().interaction().focus_id(), "backups/row:1");
  drive.key(Key::down);
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_TRUE(drive.find("backups/row:2")->selected);
  ASSERT_TRUE(drive.click("backups/restore"));
  EXPECT_EQ(drive.last<RestoreBackup>()->id, 2);
  drive.state.backups->busy = "Restoring\u2026";
  drive.frames(2);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(count<CloseBackups>(), 0) << "what has begun is waited for";
  drive.state.backups->busy.clear();
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(count<CloseBackups>(), 1);
  drive.state.backups.reset();
  drive.frames(2);
  EXPECT_EQ(drive.find("backups/box"), nullptr);
}

TEST_F(HistoryPanelsTest, D43TheNewestGoodCopyOfADamagedDatabaseIsChosenAlready) {
  drive.state.backups = BackupsView{.reason = "The chats are damaged.", .busy = {}, .rows = {{1, "Today, 18:03", "12 chats"}}};
  drive.frames(2);
  EXPECT_TRUE(drive.find("backups/row:1")->selected);
  ASSERT_TRUE(drive.click("backups/restore"));
  EXPECT_EQ(drive.last<RestoreBackup>()->id, 1);
}

TEST_F(HistoryPanelsTest, D43ManyCopiesScrollInASmallWindow) {
  Headless small({700, 320});
  small.state.backups.emplace();
  for (std::int64_t i = 1; i <= 30; ++i) small.state.backups->rows.push_back({i, "Day " + std::to_string(i), "1 chat"});
  small.frames(2);
  EXPECT_EQ(small.find("backups/row:30"), nullptr);
  ASSERT_NE(small.find("backups/cancel"), nullptr);
  EXPECT_LE(small.find("backups/cancel")->rect.bottom, 320);
  for (int i = 0; i < 60; ++i) small.wheel(small.find("backups/list")->rect.center(), -1);
  small.frames(2);
  EXPECT_NE(small.find("backups/row:30"), nullptr);
}

TEST_F(HistoryPanelsTest, D44AnImportIsConfirmedOrLeft) {
  drive.state.import = ImportView{.rows = {{ImportState::fresh, "Sky", "38 messages, Today, 18:03"}, {ImportState::known, "Sea", "Is here already"},
                                           {ImportState::unreadable, "bad.json", "The file is no JSON: there is a mistake at byte 12."}}, .busy = "Looking\u2026"};
  drive.frames(2);
  EXPECT_FALSE(drive.find("import/confirm")->enabled);
  drive.state.import->busy.clear();
  drive.frames(2);
  EXPECT_EQ(drive.find("import/confirm")->label, "Import 1 chat");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(count<ConfirmImport>(), 1);
  EXPECT_EQ(count<CancelImport>(), 0);
  ASSERT_TRUE(drive.click("import/cancel"));
  EXPECT_EQ(count<CancelImport>(), 1);
  drive.state.import->rows.erase(drive.state.import->rows.begin());
  drive.frames(2);
  EXPECT_EQ(drive.find("import/confirm")->label, "Close");
  EXPECT_EQ(drive.find("import/cancel"), nullptr);
  ASSERT_TRUE(drive.click("import/confirm"));
  EXPECT_EQ(count<ConfirmImport>(), 1);
  EXPECT_EQ(count<CancelImport>(), 2);
}

TEST_F(HistoryPanelsTest, EveryEntryOfALongBinIsRestoredByWheelAndByKeyboard) {
  for (int i = 1; i <= 40; ++i) drive.state.bin.push_back({i, "Chat " + std::to_string(i), i % 2 == 0 ? "its words" : ""});
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/bin"));
  EXPECT_EQ(drive.find("chats/bin/40"), nullptr) << "it is folded to a part of the window";
  for (int i = 0; i < 40; ++i) drive.wheel(drive.find("chats/bin/list")->rect.center(), -1);
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/bin/40"));
  EXPECT_EQ(drive.last<RestoreDeleted>()->entry, 40);
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/bin"));
  ASSERT_TRUE(drive.click("chats/bin")) << "folded and unfolded, it stands at its beginning again";
  ASSERT_NE(drive.find("chats/bin/1"), nullptr);
  for (int i = 1; i <= 40; ++i) {
    drive.key(Key::tab);
    drive.frames(3);
    ASSERT_EQ(drive.root().interaction().focus_id(), "chats/bin/" + std::to_string(i));
    const Rect rect = drive.find("chats/bin/" + std::to_string(i))->rect;
    EXPECT_EQ(rect.height(), 26) << "all of it can be seen, " << i;
  }
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<RestoreDeleted>()->entry, 40);
}

}  // namespace
}  // namespace foreword::ui
