// The whole window, driven without a display: what hands do, and what the program is told.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "ui/headless.h"
#include "ui/status_line.h"

namespace foreword::ui {
namespace {

constexpr Mods kCtrl{.ctrl = true}, kShift{.shift = true};
const std::string kHardText = "Grüße 😀 👩‍👩‍👧 🇯🇵 漢字かな e\u0301 العربية";

class WindowTest : public ::testing::Test {
 protected:
  WindowTest() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.frames();
  }
  void add_messages(int n, const std::string& text = "Some words that wrap once the line is full, as words do. ") {
    for (int i = 0; i < n; ++i) {
      MessageRow row;
      row.id = ++ids_;
      row.author = i % 2 == 0 ? Author::user : Author::assistant;
      row.text = text + std::to_string(row.id);
      drive.state.messages.push_back(row);
    }
  }
  Headless drive;

 private:
  std::int64_t ids_ = 0;
};

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

TEST_F(WindowTest, AModelIsOpenedByPathByDropAndFromTheRecentOnes) {
  drive.state.recent_models = {{"/m/old.gguf", "Old"}};
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  drive.type(" \"/m/模型 a.gguf\" ");
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<OpenModel>(), nullptr);
  EXPECT_EQ(drive.last<OpenModel>()->path, "/m/模型 a.gguf");
  EXPECT_EQ(drive.find("models/path"), nullptr);

  ASSERT_TRUE(drive.click("header/model"));
  ASSERT_TRUE(drive.click("models/recent:0"));
  EXPECT_EQ(drive.last<OpenModel>()->path, "/m/old.gguf");

  drive.state.builtin_model = {"/b/main.gguf", "Built-in"};
  ASSERT_TRUE(drive.click("header/model"));
  ASSERT_TRUE(drive.click("models/builtin"));
  EXPECT_EQ(drive.last<OpenModel>()->path, "/b/main.gguf");
  drive.state.builtin_model = {};
  ASSERT_TRUE(drive.click("header/model"));
  EXPECT_EQ(drive.find("models/builtin"), nullptr);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_TRUE(drive.click("header/model"));
  ASSERT_TRUE(drive.click("models/recent:0"));

  drive.push(FilesDropped{{"/tmp/picture.png"}});
  drive.frames(2);
  EXPECT_EQ(drive.last<OpenModel>()->path, "/m/old.gguf");
  EXPECT_EQ(drive.last<AttachFile>()->path, "/tmp/picture.png");
  drive.push(FilesDropped{{"/tmp/B.GGUF"}});
  drive.frames(2);
  EXPECT_EQ(drive.last<OpenModel>()->path, "/tmp/B.GGUF");
}

TEST_F(WindowTest, ADialogKeepsInputFromWhatIsBelow) {
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  drive.type("abc");
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "");
  drive.click("chats/new");  // below the dialog's shade: closes it
  EXPECT_EQ(drive.last<NewChat>(), nullptr);
  EXPECT_EQ(drive.find("models/path"), nullptr);
}

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

TEST_F(WindowTest, D38MessagesAreForkedAndDeleted) {
  add_messages(2);
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/2/fork"));
  EXPECT_EQ(drive.last<ForkChat>()->message, 2);
  ASSERT_TRUE(drive.click("messages/2/delete"));
  EXPECT_EQ(drive.last<DeleteMessage>()->message, 2);
}

TEST_F(WindowTest, SearchIsSaidAsItIsTyped) {
  ASSERT_TRUE(drive.click("chats/search"));
  drive.type("漢字");
  drive.frames();
  ASSERT_NE(drive.last<SearchChanged>(), nullptr);
  EXPECT_EQ(drive.last<SearchChanged>()->query, "漢字");
}

TEST_F(WindowTest, AnAnswerIsStoppedByButtonAndByEscape) {
  add_messages(2);
  drive.state.generating = true;
  drive.frames(2);
  ASSERT_TRUE(drive.click("composer/stop"));
  EXPECT_NE(drive.last<StopGenerating>(), nullptr);
  drive.events.clear();
  drive.key(Key::escape);
  drive.frames();
  EXPECT_NE(drive.last<StopGenerating>(), nullptr);
}

TEST_F(WindowTest, DraftsStayWithTheirChats) {
  drive.state.current_chat = 1;
  drive.frames();
  drive.type("unsent");
  drive.frames();
  drive.state.current_chat = 2;
  drive.state.draft = "of two";
  drive.frames();
  ASSERT_NE(drive.last<DraftLeft>(), nullptr);
  EXPECT_EQ(drive.last<DraftLeft>()->chat, 1);
  EXPECT_EQ(drive.last<DraftLeft>()->text, "unsent");
  EXPECT_EQ(drive.root().composer().text(), "of two");
}

TEST_F(WindowTest, ANewChatThatGetsItsNumberKeepsWhatIsBeingWritten) {
  drive.type("first");
  drive.key(Key::enter);
  drive.type("next");
  drive.frames(2);
  add_messages(2);
  drive.state.current_chat = 12;
  drive.frames();
  EXPECT_EQ(drive.root().composer().text(), "next");
}

TEST_F(WindowTest, D64SelectionCrossesMessagesAndIsCopied) {
  add_messages(2, "word ");
  drive.frames(2);
  const Rect view = drive.find("messages")->rect;
  drive.press({view.left + 40, view.top + 2});
  drive.push(MouseMove{{view.right - 40, view.bottom - 2}});
  drive.release({view.right - 40, view.bottom - 2});
  drive.frames();
  drive.key(letter('c'), kCtrl);
  drive.frames();
  EXPECT_EQ(drive.clipboard, "word 1\n\nword 2");
}

TEST_F(WindowTest, D65FollowsTheEndOnlyWhileTheReaderIsThere) {
  add_messages(40);
  drive.frames(2);
  EXPECT_TRUE(drive.root().conversation().following());
  const auto bottom_item = [&] { return drive.find("messages/40/copy"); };
  ASSERT_NE(bottom_item(), nullptr);
  drive.state.messages.back().text += std::string(3000, 'x');
  drive.frames(2);
  EXPECT_NE(bottom_item(), nullptr);
  drive.wheel(drive.find("messages")->rect.center(), 8);
  drive.frames(2);
  EXPECT_FALSE(drive.root().conversation().following());
  EXPECT_EQ(bottom_item(), nullptr);
  drive.state.messages.back().text += std::string(3000, 'y');
  drive.frames(2);
  EXPECT_EQ(bottom_item(), nullptr);
  ASSERT_TRUE(drive.click("messages/end"));
  EXPECT_TRUE(drive.root().conversation().following());
  EXPECT_NE(bottom_item(), nullptr);
}

TEST_F(WindowTest, D66ScrollingUpThroughGuessedHeightsNeverJumps) {
  add_messages(300, "Some words, then more, of a length that a guess of the height does not meet exactly. 漢字漢字漢字 ");
  drive.frames(2);
  const Vec middle = drive.find("messages")->rect.center();
  const auto place_of = [&](int id) {
    const Item* item = drive.find("messages/" + std::to_string(id) + "/copy");
    return item == nullptr || item->rect.height() < 27.5f ? -1.0f : item->rect.top;
  };
  int seen = 0;
  for (int step = 0; step < 60; ++step) {
    std::vector<float> before;
    for (int id = 2; id <= 300; id += 2) before.push_back(place_of(id));
    drive.wheel(middle, 1);
    drive.frames();
    for (int id = 2; id <= 300; id += 2) {
      const float was = before[static_cast<std::size_t>(id / 2 - 1)], is = place_of(id);
      if (was < 0 || is < 0) continue;
      EXPECT_NEAR(is - was, 70, 1.5) << "step " << step << " message " << id;
      ++seen;
    }
  }
  EXPECT_GT(seen, 60);
}

TEST_F(WindowTest, NoMessageIsDrawnOverAnotherHoweverWrongTheGuessOfItsHeight) {
  std::string lines;
  for (int i = 0; i < 8; ++i) lines += "a\n";  // eight lines, guessed as one
  add_messages(60, lines);
  drive.frames(2);
  const Vec middle = drive.find("messages")->rect.center();
  for (int step = 0; step < 40; ++step) {
    drive.wheel(middle, 2);
    drive.frames();
    std::vector<float> tops;
    for (const Item& item : drive.root().interaction().items()) {
      const bool answer = item.id.starts_with("messages/") && item.id.ends_with("/copy") && std::stoi(std::string(item.id.substr(9))) % 2 == 0;
      if (answer && item.rect.height() > 27.5f) tops.push_back(item.rect.top);
    }
    for (std::size_t i = 1; i < tops.size(); ++i) EXPECT_GT(tops[i] - tops[i - 1], 2 * 9 * 24) << "step " << step;
  }
}

TEST_F(WindowTest, AnswersAreCopiedAndAskedForAgain) {
  add_messages(2, "text ");
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/2/copy"));
  EXPECT_EQ(drive.clipboard, "text 2");
  ASSERT_TRUE(drive.click("messages/2/regenerate"));
  EXPECT_EQ(drive.last<Regenerate>()->message, 2);
}

TEST_F(WindowTest, D37VersionsAreChangedByArrowsAndKeys) {
  add_messages(2);
  drive.state.messages[1].sibling = 2;
  drive.state.messages[1].n_siblings = 3;
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/1/previous"), nullptr) << "the only version has no arrows";
  ASSERT_TRUE(drive.click("messages/2/previous"));
  EXPECT_EQ(drive.last<ShowSibling>()->message, 2);
  EXPECT_EQ(drive.last<ShowSibling>()->step, -1);
  drive.press(drive.find("messages")->rect.center());
  drive.release(drive.find("messages")->rect.center());
  drive.key(Key::right, {.alt = true});
  drive.frames();
  EXPECT_EQ(drive.last<ShowSibling>()->step, 1);
  drive.state.messages[1].sibling = 3;
  drive.frames(2);
  EXPECT_FALSE(drive.find("messages/2/next")->enabled);
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

TEST_F(WindowTest, D39OnlyAnUnfinishedLastAnswerIsContinued) {
  add_messages(2);
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/2/continue"), nullptr);
  drive.state.messages[1].state = MessageState::stopped;
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/2/continue"));
  EXPECT_EQ(drive.last<ContinueAnswer>()->message, 2);
}

TEST_F(WindowTest, D97EveryItemHasALabelAndEveryButtonIsReachedByTheKeyboard) {
  drive.state.chats = {{7, "First", ""}};
  drive.state.notices = {{1, NoticeKind::error, "Something broke; do this."}};
  add_messages(4);
  drive.frames(2);
  std::vector<std::string> wanted, reached;
  for (const Item& item : drive.root().interaction().items()) {
    EXPECT_FALSE(item.label.empty()) << item.id;
    if (item.focusable && item.enabled && item.role != ItemRole::scroll_area) wanted.emplace_back(item.id);
  }
  for (std::size_t i = 0; i < 2 * wanted.size(); ++i) {  // rows show their buttons once they are reached
    drive.key(Key::tab);
    drive.frames(2);
    reached.push_back(drive.root().interaction().focus_id());
  }
  for (const std::string& id : wanted) EXPECT_NE(std::find(reached.begin(), reached.end(), id), reached.end()) << id;
}

TEST_F(WindowTest, ScaleAndQuitAndThemeAreSaid) {
  drive.key(Key::plus, kCtrl);
  drive.frames();
  EXPECT_FLOAT_EQ(drive.last<SetScale>()->scale, 1.25f);
  drive.key(letter('0'), kCtrl);
  drive.frames();
  EXPECT_FLOAT_EQ(drive.last<SetScale>()->scale, 1);
  drive.key(letter('q'), kCtrl);
  drive.frames();
  EXPECT_NE(drive.last<Quit>(), nullptr);
  ASSERT_TRUE(drive.click("header/theme"));
  EXPECT_EQ(drive.last<SetTheme>()->theme, ThemeChoice::dark);
}

TEST_F(WindowTest, D98DrawsEveryStateAtEverySize) {
  for (const ModelState model : {ModelState::none, ModelState::loading, ModelState::ready, ModelState::failed}) {
    for (const float scale : {0.75f, 1.0f, 3.0f}) {
      for (const Vec size : {Vec{360, 320}, Vec{1920, 1080}}) {
        Headless window(size);
        window.state.model = {model, "a model with quite a long name", 0.4, "It could not be read; choose another file."};
        window.state.scale = scale;
        window.state.notices = {{1, NoticeKind::info, std::string(500, 'w')}, {2, NoticeKind::error, "漢字"}};
        for (int i = 0; i < 6; ++i) {
          MessageRow row;
          row.id = i + 1;
          row.author = static_cast<Author>(i % 3);
          row.state = static_cast<MessageState>(i);
          row.text = i == 1 ? "" : "```\ncode\n```\n" + kHardText + std::string(300, 'x') + "\xff\xfe";
          window.state.messages.push_back(row);
        }
        window.key(letter('o'), kCtrl);
        window.frames(3);
        EXPECT_GT(window.triangles(), 100);
      }
    }
  }
}

TEST_F(WindowTest, AnIdleWindowAsksOnlyForTheCaretAndThenForNothing) {
  drive.now = 100;
  drive.type("x");
  drive.frames();
  EXPECT_NEAR(drive.wake_at(), 100.5, 1e-6);
  drive.now = 111;
  drive.frames();
  EXPECT_EQ(drive.wake_at(), std::numeric_limits<double>::infinity());
  drive.push(FocusChange{false});
  drive.now = 112;
  drive.frames();
  EXPECT_EQ(drive.wake_at(), std::numeric_limits<double>::infinity());
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

TEST_F(WindowTest, FiveThousandMessagesAreCheap) {
  using Clock = std::chrono::steady_clock;
  add_messages(5000, std::string(3000, 'm') + " and some words after that. ");
  auto start = Clock::now();
  drive.frames();
  const double first = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  start = Clock::now();
  for (int i = 0; i < 200; ++i) {
    drive.state.messages.back().text += " token";
    drive.wheel({700, 300}, i % 2 == 0 ? 3.0f : -2.0f);
    drive.frames();
  }
  const double each = std::chrono::duration<double, std::milli>(Clock::now() - start).count() / 200;
  std::printf("5,000 messages: first frame %.1f ms, then %.2f ms a frame\n", first, each);
}

TEST(D58Status, ShowsOnlyWhatIsKnownAndNeverOneSpeedForReadingAndAnswering) {
  Phrases phrases;
  const auto facts = [&](const StatusView& status) {
    const PhraseList list = status_facts(phrases, status);
    return std::vector<std::string>(list.begin(), list.end());
  };
  const auto places = [&](const ViewState& state) {
    const PhraseList list = status_places(phrases, state);
    return std::vector<std::string>(list.begin(), list.end());
  };
  EXPECT_TRUE(facts({}).empty());
  EXPECT_TRUE(places({}).empty());
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(bytes_words(1'100'000'000), "1.1 GB");
  EXPECT_EQ(bytes_words(512'400'000), "512 MB");
  ViewState state;
  state.model = {ModelState::loading, "tiny", 0.43, ""};
  EXPECT_EQ(places(state), (std::vector<std::string>{"Loading the model 43 %"}));
  state.model.state = ModelState::ready;
  state.status.device = "a processor";
  state.status.memory_used = 400'000'000;
  state.status.memory_total = 16'600'000'000;
  EXPECT_EQ(places(state), (std::vector<std::string>{"Ready", "a processor", "400 MB of 16.6 GB"}));
  state.status.activity = "Reading 1,200 tokens, about 12 s";
  EXPECT_EQ(places(state).front(), state.status.activity);
  state.status.prompt_tokens = 1300;
  state.status.reused_tokens = 100;
  state.status.first_token_seconds = 1.25;
  state.status.tokens_per_second = 21.44;
  EXPECT_EQ(facts(state.status), (std::vector<std::string>{"100 tokens reused, 1,200 new", "first token after 1.2 s", "21.4 tokens/s"}));
}

}  // namespace
}  // namespace foreword::ui
