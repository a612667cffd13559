// What hands do to chats, and what the program is told.

#include <gtest/gtest.h>

#include "tests/ui/window_fixture.h"
#include "ui/status_line.h"

namespace foreword::ui {
namespace {

TEST_F(WindowTest, D14ChatsAreChosenRenamedPinnedAndDeleted) {
  drive.state.chats = {{7, "First", ""}, {8, "Second", ""}};
  drive.state.current_chat = 7;
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/row:8"));
  EXPECT_EQ(drive.last<SelectChat>()->id, 8);
  ASSERT_TRUE(drive.click("chats/row:8/rename"));
  drive.type("Neu 😀");
  drive.key(Key::enter);
  drive.frames(4);  // the row returns, is found below the mouse, and shows its buttons
  ASSERT_NE(drive.last<RenameChat>(), nullptr);
  EXPECT_EQ(drive.last<RenameChat>()->id, 8);
  EXPECT_EQ(drive.last<RenameChat>()->title, "Neu 😀");
  drive.push(MouseMove{drive.find("chats/row:8")->rect.center()});
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/row:8/pin"));
  EXPECT_EQ(drive.last<PinChat>()->id, 8);
  EXPECT_TRUE(drive.last<PinChat>()->pinned);
  ASSERT_TRUE(drive.click("chats/row:8/delete"));
  EXPECT_EQ(drive.last<DeleteChat>()->id, 8);
}

TEST(NarrowWindow, HasTheChatListWhenItIsAskedFor) {
  Headless drive({560, 700});
  drive.state.model = {ModelState::ready, "tiny", -1, ""};
  drive.state.chats = {{7, "First", ""}, {8, "Second", ""}};
  drive.frames(2);
  EXPECT_EQ(drive.find("chats/row:7"), nullptr);
  drive.key(letter('k'), kCtrl);
  drive.type("boat");
  drive.frames(2);
  ASSERT_NE(drive.last<SearchChanged>(), nullptr);
  EXPECT_EQ(drive.last<SearchChanged>()->query, "boat");
  EXPECT_TRUE(drive.root().composer().text().empty());
  drive.state.search = "boat";
  ASSERT_TRUE(drive.click("chats/row:8"));
  EXPECT_EQ(drive.last<SelectChat>()->id, 8);
  drive.frames(2);
  EXPECT_EQ(drive.find("chats/row:8"), nullptr) << "chosen, it goes";
  drive.type("Hello");
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "Hello");

  drive.state.generating = true;
  for (const bool by_key : {true, false}) {
    drive.frames();
    ASSERT_TRUE(drive.click("header/chats"));
    drive.frames(2);
    ASSERT_NE(drive.find("chats/new"), nullptr);
    if (by_key) drive.state.search.clear(), drive.key(Key::tab), drive.frames(), drive.key(Key::escape);
    else drive.press({540, 300}), drive.release({540, 300});
    drive.frames(2);
    EXPECT_EQ(drive.find("chats/new"), nullptr) << by_key;
    EXPECT_EQ(drive.last<StopGenerating>(), nullptr) << "the key was for the list";
  }
}

TEST_F(WindowTest, AfterAClickOnAChatTheKeysAreTheComposers) {
  drive.state.chats = {{7, "First", ""}, {8, "Second", "", false, "Work"}};
  drive.state.current_chat = 7;
  drive.frames(2);
  for (const char* id : {"chats/row:8", "chats/row:7"}) {
    ASSERT_TRUE(drive.click(id));
    EXPECT_EQ(drive.root().interaction().focus_id(), Composer::kFieldId) << id;
  }
  drive.type("words");
  drive.key(Key::del);
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "words");
  const Rect row = drive.find("chats/row:8")->rect;
  drive.press(row.center());
  drive.push(MouseMove{{row.left, row.bottom + 400}});  // out of the list's rows, and let go there
  drive.release({row.left, row.bottom + 400});
  drive.frames(2);
  drive.key(Key::del);
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/folder:Work"));
  drive.key(Key::del);
  drive.frames(2);
  EXPECT_EQ(drive.last<DeleteChat>(), nullptr) << "no ring says that the row would be deleted";
  EXPECT_EQ(drive.last<RemoveFolder>(), nullptr);
  drive.type(" more");
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "words more") << "whatever was clicked";
}

TEST_F(WindowTest, AChatThatIsChosenByKeysKeepsTheFocus) {
  drive.state.chats = {{7, "First", ""}, {8, "Second", ""}};
  drive.state.current_chat = 7;
  drive.frames(2);
  while (drive.root().interaction().focus_id() != "chats/row:8") drive.key(Key::tab), drive.frames(2);
  drive.key(Key::space);
  drive.type(" ");  // what the key types
  drive.frames(2);
  EXPECT_EQ(drive.last<SelectChat>()->id, 8);
  EXPECT_EQ(drive.root().composer().text(), "") << "the key that presses types no blank";
  EXPECT_EQ(drive.root().interaction().focus_id(), "chats/row:8");
  drive.key(Key::del);
  drive.frames(2);
  EXPECT_EQ(drive.last<DeleteChat>()->id, 8);
  drive.type("w");
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "w");
}

TEST_F(WindowTest, AnAnswerInAnotherChatIsToldAsThatAndNotStoppedFromHere) {
  Phrases phrases;
  drive.state.chats = {{7, "First", ""}, {8, "Second", ""}};
  drive.state.current_chat = 8;
  drive.state.status.activity = "Answering";
  drive.state.generating = true;
  drive.frames(2);
  EXPECT_NE(drive.find("composer/stop"), nullptr) << "it is this one's";
  EXPECT_EQ(drive.find("chats/row:7")->label, "First");
  const Picture before = drive.picture();
  drive.state.elsewhere = true;
  drive.state.answering_chat = 7;
  drive.frames(2);
  EXPECT_NE(drive.picture().rgb, before.rgb);
  EXPECT_EQ(drive.find("composer/stop"), nullptr);
  EXPECT_NE(drive.find("composer/send"), nullptr);
  EXPECT_EQ(drive.find("chats/row:7")->label, "First, answering");
  EXPECT_EQ(*status_places(phrases, drive.state).begin(), "Answering in \u201cFirst\u201d");
  drive.key(Key::escape);
  drive.type("meanwhile");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<StopGenerating>(), nullptr);
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.root().composer().refusal(phrases, drive.state), "Not sent yet: an answer is still being written in \u201cFirst\u201d");
  drive.state.chats.clear();  // a search shows others
  EXPECT_EQ(*status_places(phrases, drive.state).begin(), "Answering in another chat");
}

TEST_F(WindowTest, D38ADeletionIsTakenBackByTheNoticeTheKeysAndTheBin) {
  drive.state.notices = {{1, NoticeKind::info, "The chat is in the bin.", true}};
  drive.state.bin = {{4, "Old walks", ""}, {3, "Old walks", "a message"}};
  drive.frames(2);
  ASSERT_TRUE(drive.click("notices/1/undo"));
  ASSERT_NE(drive.last<Undo>(), nullptr);
  drive.events.clear();
  drive.state.notices.clear();
  EXPECT_EQ(drive.find("chats/bin/4"), nullptr);
  ASSERT_TRUE(drive.click("chats/bin"));
  drive.frames(2);
  drive.key(letter('z'), kCtrl);
  drive.frames();
  EXPECT_NE(drive.last<Undo>(), nullptr);
  ASSERT_TRUE(drive.click("chats/bin/3"));
  EXPECT_EQ(drive.last<RestoreDeleted>()->entry, 3);
}

TEST_F(WindowTest, D38CtrlZIsTheComposersAsLongAsItHasSomethingToTakeBack) {
  drive.type("word");
  drive.key(letter('z'), kCtrl);  // in the same frame
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "");
  EXPECT_EQ(drive.last<Undo>(), nullptr);
  drive.key(letter('z'), kCtrl);
  drive.frames(2);
  EXPECT_NE(drive.last<Undo>(), nullptr) << "the composer has the focus, and nothing was written";
  drive.events.clear();
  drive.type("again");
  drive.frames(1);
  drive.key(letter('z'), kCtrl);
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "");
  EXPECT_EQ(drive.last<Undo>(), nullptr) << "in the very next frame";
  drive.key(letter('z'), {.ctrl = true, .shift = true});
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "again");
  EXPECT_EQ(drive.last<Undo>(), nullptr);
}

TEST_F(WindowTest, D15AChatIsExportedByItsDialogAndImportedByDropping) {
  EXPECT_EQ(drive.find("header/export"), nullptr) << "nothing to save yet";
  drive.state.current_chat = 5;
  add_messages(2);
  drive.frames(2);
  ASSERT_TRUE(drive.click("header/export"));
  ASSERT_TRUE(drive.click("export/html"));
  ASSERT_NE(drive.last<ExportChat>(), nullptr);
  EXPECT_EQ(drive.last<ExportChat>()->chat, 5);
  EXPECT_EQ(drive.last<ExportChat>()->format, ExportAs::html);
  drive.frames(2);
  EXPECT_EQ(drive.find("export/html"), nullptr);
  drive.key(letter('e'), kCtrl);
  drive.frames(2);
  EXPECT_NE(drive.find("export/json"), nullptr);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("export/json"), nullptr);
  drive.push(FilesDropped{{"/tmp/Sky.JSON"}});
  drive.frames(2);
  EXPECT_EQ(drive.last<ImportFile>()->path, "/tmp/Sky.JSON");
}

TEST_F(WindowTest, D42ChatsAreMovedToFoldersByNameAndByDragging) {
  drive.state.chats = {{1, "Loose", ""}, {2, "Deep", "", false, "Work/Reports"}, {3, "Pinned", "", true, "Work"}};
  drive.frames(2);
  const auto top_of = [&](const char* id) { return drive.find(id)->rect.top; };
  EXPECT_LT(top_of("chats/row:3"), top_of("chats/folder:Work")) << "pinned chats stand first";
  EXPECT_LT(top_of("chats/folder:Work"), top_of("chats/folder:Work/Reports"));
  EXPECT_LT(top_of("chats/folder:Work/Reports"), top_of("chats/row:2"));
  EXPECT_LT(top_of("chats/row:2"), top_of("chats/row:1"));
  drive.press(drive.find("chats/row:1")->rect.center());
  drive.push(MouseMove{drive.find("chats/folder:Work")->rect.center()});
  drive.release(drive.find("chats/folder:Work")->rect.center());
  drive.frames(2);
  ASSERT_NE(drive.last<MoveChat>(), nullptr);
  EXPECT_EQ(drive.last<MoveChat>()->id, 1);
  EXPECT_EQ(drive.last<MoveChat>()->folder, "Work");
  EXPECT_EQ(drive.last<SelectChat>(), nullptr) << "a drag is no click";
  ASSERT_TRUE(drive.click("chats/folder:Work"));
  EXPECT_EQ(drive.find("chats/row:2"), nullptr);
  EXPECT_EQ(drive.find("chats/folder:Work/Reports"), nullptr);
  ASSERT_TRUE(drive.click("chats/folder:Work"));
  drive.push(MouseMove{drive.find("chats/row:2")->rect.center()});
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/row:2/move"));
  drive.type("Home");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<MoveChat>()->id, 2);
  EXPECT_EQ(drive.last<MoveChat>()->folder, "Home");
  drive.push(MouseMove{drive.find("chats/folder:Work/Reports")->rect.center()});
  drive.frames(2);
  ASSERT_TRUE(drive.click("chats/folder:Work/Reports/rename"));
  drive.type("Papers");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<RenameFolder>()->from, "Work/Reports");
  EXPECT_EQ(drive.last<RenameFolder>()->to, "Work/Papers");
}

TEST_F(WindowTest, D17APrivateChatIsBegunAndLeftByItsButton) {
  ASSERT_TRUE(drive.click("header/private"));
  EXPECT_TRUE(drive.last<NewChat>()->private_chat);
  drive.state.private_chat = true;
  drive.frames(2);
  EXPECT_TRUE(drive.find("header/private")->selected);
  ASSERT_TRUE(drive.click("header/private"));
  EXPECT_FALSE(drive.last<NewChat>()->private_chat);
}

TEST_F(WindowTest, ATitleThatIsCutIsReadInItsTooltip) {
  const std::string title = "A title that is much longer than the list is wide, and worth reading to its end";
  drive.state.chats = {{7, title, ""}, {8, "Short", ""}};
  for (const char* id : {"chats/row:7", "chats/row:8"}) {
    drive.frames(2);
    drive.push(MouseMove{drive.find(id)->rect.center()});
    drive.frames(3);
    EXPECT_EQ(drive.find(id)->tip, drive.find(id)->label == title) << id;
  }
  EXPECT_EQ(drive.find("chats/row:7")->label, title);
  drive.push(MouseMove{drive.find("chats/row:7")->rect.center()});
  drive.frames(2);
  const int before = drive.triangles();
  drive.now += 1;
  drive.frames();
  EXPECT_GE(drive.triangles() - before, 2 * 60) << "all of its letters";
}

TEST(WindowTitle, IsTheChatsUnlessItIsPrivate) {
  ViewState state;
  EXPECT_EQ(window_title(state), "Foreword");
  state.title = "A walk";
  EXPECT_EQ(window_title(state), "A walk - Foreword");
  state.private_chat = true;
  EXPECT_EQ(window_title(state), "Foreword");
}

TEST_F(WindowTest, FromTheSearchFieldKeysLeadToTheHits) {
  drive.state.chats = {{7, "First", ""}, {8, "Second", ""}};
  ASSERT_TRUE(drive.click("chats/search"));
  drive.type("sky");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SelectChat>(), nullptr) << "these are not the hits yet";
  drive.state.search = drive.state.found_for = "sky";
  drive.state.chats = {{9, "Third", "the sky"}, {8, "Second", "sky"}};
  drive.frames(2);
  ASSERT_NE(drive.last<SelectChat>(), nullptr);
  EXPECT_EQ(drive.last<SelectChat>()->id, 9);
  EXPECT_EQ(drive.root().interaction().focus_id(), Composer::kFieldId);
  ASSERT_TRUE(drive.click("chats/search"));
  drive.key(Key::down);
  drive.frames(2);
  EXPECT_TRUE(drive.root().interaction().focus_ring("chats/row:9"));
  drive.key(Key::down);
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SelectChat>()->id, 8);
  drive.state.current_chat = 8;
  drive.frames(2);
  drive.events.clear();
  ASSERT_TRUE(drive.click("chats/row:8"));
  EXPECT_NE(drive.last<SelectChat>(), nullptr) << "also in the chat that is shown a hit is gone to";
}

TEST_F(WindowTest, AHitsSnippetBeginsShortlyBeforeWhatWasFoundAndMarksIt) {
  const auto picture_of = [&](std::string detail, std::size_t marked) {
    drive.state.search = "needle";
    drive.state.chats = {{9, "Third", std::move(detail)}};
    if (marked > 0) drive.state.chats[0].marks = {{static_cast<std::uint32_t>(marked), 6}};
    drive.frames(2);
    return drive.picture().rgb;
  };
  const std::string head = "Some very very long and rather tedious beginning ", words = "a few words before needle";
  const auto whole = picture_of("\u2026" + words, 22), cut = picture_of(head + words, head.size() + 19);
  EXPECT_TRUE(cut == whole);
  EXPECT_FALSE(picture_of("\u2026" + words, 0) == whole) << "without the mark";
}

TEST_F(WindowTest, AHitIsShownAsFindInThisChatShowsIt) {
  drive.state.current_chat = 4;
  add_messages(60);
  drive.state.messages[5].text = "a needle here";
  drive.state.messages[7].text = "one needle, another needle";
  drive.state.messages[50].text = "a needle at the end";
  drive.state.place = {1, 8, "needle", "needle"};
  drive.frames(3);
  const MessageView& view = drive.root().conversation();
  ASSERT_NE(view.finder().current(), nullptr);
  EXPECT_EQ(view.finder().current()->message, 7u);
  EXPECT_EQ(view.finder().n_matches(), 4u);
  EXPECT_NE(drive.find("messages/8/copy"), nullptr);
  ASSERT_NE(drive.find("messages/end"), nullptr);
  EXPECT_EQ(drive.find("messages/end")->label, "Go to the newest text (End)") << "nothing has come since";
  EXPECT_NE(drive.find("find/text"), nullptr);
  EXPECT_EQ(drive.root().interaction().focus_id(), Composer::kFieldId);
  drive.state.place = {2, 51, "needle end", "needle"};
  drive.frames(3);
  EXPECT_EQ(view.finder().query(), "needle") << "the words of the search stand apart there";
  ASSERT_NE(view.finder().current(), nullptr);
  EXPECT_EQ(view.finder().current()->message, 50u);
  drive.state.place = {3, 20, "nowhere", "nowhere"};
  drive.frames(3);
  EXPECT_NE(drive.find("messages/20/copy"), nullptr) << "the message itself is shown";
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("find/text"), nullptr);
}

TEST_F(WindowTest, SearchIsSaidAsItIsTyped) {
  ASSERT_TRUE(drive.click("chats/search"));
  drive.type("漢字");
  drive.frames();
  ASSERT_NE(drive.last<SearchChanged>(), nullptr);
  EXPECT_EQ(drive.last<SearchChanged>()->query, "漢字");
}

}  // namespace
}  // namespace foreword::ui
