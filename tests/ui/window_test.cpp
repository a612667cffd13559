// The whole window: models, dialogs, every state, and what it asks for when nothing happens.

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "tests/ui/window_fixture.h"
#include "ui/status_line.h"

namespace foreword::ui {
namespace {

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

TEST_F(WindowTest, D46ModelsOnThisComputerAreListedLookedForAnewAndReachedByKeys) {
  for (int i = 0; i < 40; ++i) drive.state.found_models.push_back({"/f/" + std::to_string(i) + ".gguf", "Model " + std::to_string(i), "1.0 GB, from Jan", i != 1});
  drive.state.found_note = "/secret cannot be read: Permission denied.";
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  EXPECT_NE(drive.last<FindModels>(), nullptr);
  EXPECT_EQ(drive.find("models/found:39"), nullptr) << "below what is shown";
  EXPECT_FALSE(drive.find("models/found:1")->enabled);
  drive.click("models/found:1");
  EXPECT_EQ(drive.last<OpenModel>(), nullptr);
  const Rect list = drive.find("models/list")->rect;
  EXPECT_LE(drive.find("models/box")->rect.bottom, 760);
  drive.wheel(list.center(), -200);
  drive.frames(2);
  ASSERT_NE(drive.find("models/found:39"), nullptr);
  drive.wheel(list.center(), 200);
  drive.frames(2);
  std::set<std::string> reached;
  for (int i = 0; i < 50; ++i) {
    drive.key(Key::tab);
    drive.frames(3);
    reached.insert(drive.root().interaction().focus_id());
  }
  EXPECT_TRUE(reached.contains("models/found:0") && reached.contains("models/found:39"));
  drive.wheel(list.center(), 200);
  drive.frames(2);
  ASSERT_TRUE(drive.click("models/found:2"));
  EXPECT_EQ(drive.last<OpenModel>()->path, "/f/2.gguf");
  EXPECT_EQ(drive.find("models/path"), nullptr);
}

TEST_F(WindowTest, D47WhoHasNeverOpenedOneIsShownTheWayToModelsThatAreHere) {
  EXPECT_EQ(drive.find("welcome/open"), nullptr);
  drive.state.found_models = {{"/f/a.gguf", "A", "1.0 GB, from Jan"}, {"/f/b.gguf", "B", "no", false}};
  drive.frames(2);
  ASSERT_NE(drive.find("welcome/open"), nullptr);
  EXPECT_EQ(drive.find("welcome/open")->label, "A model was found on this computer\u2026");
  drive.state.recent_models = {{"/m/old.gguf", "Old"}};
  drive.frames(2);
  EXPECT_EQ(drive.find("welcome/open"), nullptr) << "they know where models are";
  drive.state.recent_models.clear();
  drive.frames(2);
  ASSERT_TRUE(drive.click("welcome/open"));
  drive.frames(2);
  EXPECT_NE(drive.find("models/found:0"), nullptr);
}

TEST_F(WindowTest, D47WhereNoneIsHereSomeAreNamedThatCanBeHad) {
  drive.state.known_models = {{"Small 4B", "2.5 GB, licence Apache 2.0", "org/small:Q4_K_M", {FitLevel::fits, "Needs 3.9 of 7.6 GB"}}};
  drive.frames(2);
  ASSERT_NE(drive.find("welcome/open"), nullptr);
  EXPECT_EQ(drive.find("welcome/open")->label, "Look for a larger model\u2026");
  ASSERT_TRUE(drive.click("welcome/open"));
  drive.frames(2);
  EXPECT_EQ(drive.find("models/known:0")->label, "Small 4B: Fits. Needs 3.9 of 7.6 GB \u00b7 2.5 GB, licence Apache 2.0");
  ASSERT_TRUE(drive.click("models/known:0"));
  EXPECT_EQ(drive.last<AskHub>()->text, "org/small:Q4_K_M");
  EXPECT_EQ(drive.last<DownloadModel>(), nullptr) << "the user sees what it is first";
  drive.state.hub.rows = {{"small", "Q4_K_M, 2.5 GB", ""}};
  drive.frames(2);
  EXPECT_EQ(drive.find("models/known:0"), nullptr) << "the answer stands there now";
}

TEST_F(WindowTest, D47TheLargestThatFitsIsOfferedAtOnce) {
  const auto fit = [](FitLevel level, std::int64_t needed) { return ModelFit{level, "Needs it", needed}; };
  drive.state.found_models = {{"/f/a.gguf", "A", "1.0 GB, from Jan", true, fit(FitLevel::fits, 1)}, {"/f/b.gguf", "B", "2.0 GB, from Jan", true, fit(FitLevel::fits, 2)},
                              {"/f/c.gguf", "C", "3.0 GB, from Jan", true, fit(FitLevel::slow, 3)}};
  drive.frames(2);
  ASSERT_NE(drive.find("welcome/others"), nullptr);
  EXPECT_EQ(drive.find("welcome/open")->label, "Open B");
  ASSERT_TRUE(drive.click("welcome/others"));
  drive.frames(2);
  EXPECT_EQ(drive.find("models/found:1")->label, "B: Fits. Needs it \u00b7 2.0 GB, from Jan");
  EXPECT_EQ(drive.find("models/found:2")->label, "C: Slow. Needs it \u00b7 3.0 GB, from Jan");
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.last<OpenModel>(), nullptr);
  ASSERT_TRUE(drive.click("welcome/open"));
  EXPECT_EQ(drive.last<OpenModel>()->path, "/f/b.gguf");
}

TEST_F(WindowTest, D79FilesAreChosenInADialogWhereThereIsOne) {
  EXPECT_EQ(drive.find("composer/attach"), nullptr);
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  EXPECT_FALSE(drive.find("models/open")->enabled);
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<ChooseFile>(), nullptr);
  drive.state.can_choose_files = true;
  drive.frames(2);
  EXPECT_EQ(drive.find("models/open")->label, "Choose a file\u2026");
  drive.type("/m/a.gguf");
  drive.frames(2);
  EXPECT_EQ(drive.find("models/open")->label, "Open");
  drive.key(letter('a'), kCtrl);
  drive.key(Key::backspace);
  drive.frames(2);
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<ChooseFile>(), nullptr);
  EXPECT_EQ(drive.last<ChooseFile>()->use, FileUse::model);
  EXPECT_EQ(drive.find("models/open"), nullptr) << "the desktop's dialog takes its place";
  ASSERT_TRUE(drive.click("composer/attach"));
  EXPECT_EQ(drive.last<ChooseFile>()->use, FileUse::message);
  drive.events.clear();
  drive.key(letter('o'), {.ctrl = true, .shift = true});
  drive.frames(2);
  ASSERT_NE(drive.last<ChooseFile>(), nullptr);
  EXPECT_EQ(drive.last<ChooseFile>()->use, FileUse::message);
}

TEST_F(WindowTest, D4WordsAreForTheHubAndPathsForTheDisk) {
  drive.state.hub.can_ask = true;
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  EXPECT_EQ(drive.find("models/open")->label, "Open");
  drive.type("qwen 7b");
  drive.frames(2);
  EXPECT_EQ(drive.find("models/open")->label, "Search") << "nothing goes out before that is said";
  EXPECT_EQ(drive.last<AskHub>(), nullptr);
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<AskHub>(), nullptr);
  EXPECT_EQ(drive.last<AskHub>()->text, "qwen 7b");
  drive.state.hub.rows = {{"org/repo", "5 downloads", "org/repo"}, {"one", "Q4_K_M, 4.7 GB", "", {FitLevel::fits, "Needs 5.1 of 7.6 GB"}}};
  drive.frames(2);
  ASSERT_TRUE(drive.click("models/hub:0"));
  EXPECT_EQ(drive.last<AskHub>()->text, "org/repo");
  EXPECT_EQ(drive.find("models/hub:1")->label, "one: Fits. Needs 5.1 of 7.6 GB \u00b7 Q4_K_M, 4.7 GB");
  ASSERT_TRUE(drive.click("models/hub:1"));
  EXPECT_EQ(drive.last<DownloadModel>()->row, 1U);
  ASSERT_NE(drive.find("models/path"), nullptr) << "the dialog stays";
  drive.state.downloads = {{.id = 4, .state = DownloadState::running, .name = "one", .detail = "1.0 GB of 4.7 GB", .share = .2}};
  drive.frames(2);
  ASSERT_TRUE(drive.click("models/stop:4"));
  EXPECT_EQ(drive.last<StopDownload>()->id, 4);
  EXPECT_EQ(drive.last<OpenModel>(), nullptr);
  drive.state.downloads[0] = {.id = 4, .state = DownloadState::failed, .name = "one", .detail = "No."};
  drive.frames(2);
  ASSERT_TRUE(drive.click("models/download:4"));
  EXPECT_EQ(drive.last<TryDownloadAgain>()->id, 4);
  drive.state.downloads[0] = {.id = 4, .state = DownloadState::done, .name = "one", .detail = "Done", .path = "/m/one.gguf"};
  drive.frames(2);
  ASSERT_TRUE(drive.click("models/download:4"));
  EXPECT_EQ(drive.last<OpenModel>()->path, "/m/one.gguf");
}

TEST_F(WindowTest, D51WhatWaitsCanBeNext) {
  drive.state.hub.can_ask = true;
  drive.state.downloads = {{.id = 1, .state = DownloadState::running, .name = "one", .detail = "D"}, {.id = 2, .name = "two", .detail = "D"}, {.id = 3, .name = "three", .detail = "D"}, {.id = 4, .state = DownloadState::failed, .name = "four", .detail = "D"}};
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  for (const char* none : {"models/next:1", "models/next:2", "models/next:4"}) EXPECT_EQ(drive.find(none), nullptr) << none << " is not one that could come sooner";
  ASSERT_TRUE(drive.click("models/next:3"));
  ASSERT_NE(drive.last<DownloadNext>(), nullptr);
  EXPECT_EQ(drive.last<DownloadNext>()->id, 3);
}

TEST_F(WindowTest, AModelsPathMayBeginInTheUsersFolder) {
  const std::string home = std::getenv("HOME");
  drive.key(letter('o'), kCtrl);
  drive.frames(2);
  drive.type("~/small.gguf");
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<OpenModel>(), nullptr);
  EXPECT_EQ(drive.last<OpenModel>()->path, home + "/small.gguf");
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

TEST_F(WindowTest, NoticesGoByThemselvesAndErrorsStay) {
  const auto dismissed = [this] {
    std::vector<std::uint64_t> ids;
    for (const UiEvent& event : std::exchange(drive.events, {})) {
      if (const auto* dismiss = std::get_if<DismissNotice>(&event)) ids.push_back(dismiss->id);
    }
    return ids;
  };
  drive.now = 100;
  drive.frames();
  drive.state.notices = {{1, NoticeKind::info, "Saved as /d/Sky.json"}, {2, NoticeKind::info, "The chat is in the bin.", true}, {3, NoticeKind::error, "The disk is full."}};
  drive.now = 120;  // the caret has come to rest
  drive.frames();
  EXPECT_NEAR(drive.wake_at(), 128, 1e-6) << "the window wakes for it";
  drive.now = 127.9;
  drive.frames();
  EXPECT_TRUE(dismissed().empty());
  drive.now = 128;
  drive.frames();
  EXPECT_EQ(dismissed(), std::vector<std::uint64_t>{1});
  drive.state.notices.erase(drive.state.notices.begin());
  drive.frames();
  EXPECT_NEAR(drive.wake_at(), 150, 1e-6);
  drive.now = 150;
  drive.frames();
  EXPECT_EQ(dismissed(), std::vector<std::uint64_t>{2});
  drive.state.notices.erase(drive.state.notices.begin());
  drive.now = 1000;
  drive.frames();
  EXPECT_TRUE(dismissed().empty());
  EXPECT_EQ(drive.wake_at(), std::numeric_limits<double>::infinity());
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
  state.server = {.on = true, .url = "http://127.0.0.1:3673/v1"};
  EXPECT_EQ(places(state), (std::vector<std::string>{"Ready", "Server at 127.0.0.1:3673", "a processor", "400 MB of 16.6 GB"}));
  state.server.running = 1;
  EXPECT_EQ(places(state)[1], "1 request by the server");
  state.server.running = 3;
  EXPECT_EQ(places(state)[1], "3 requests by the server");
  state.status.activity = "Reading 1,200 tokens, about 12 s";
  EXPECT_EQ(places(state).front(), state.status.activity);
  state.status.prompt_tokens = 1300;
  state.status.reused_tokens = 100;
  state.status.first_token_seconds = 1.25;
  state.status.tokens_per_second = 21.44;
  EXPECT_EQ(facts(state.status), (std::vector<std::string>{"100 tokens reused, 1,200 new", "first token after 1.2 s", "21.4 tokens/s"}));
}

TEST(D59Waits, AChatThatIsNotThereAtOnceIsSaidToBeOpened) {
  Headless drive;
  drive.state.opening_chat = true;
  drive.now = 10;
  drive.frames(2);
  const Picture before = drive.picture();
  EXPECT_NEAR(drive.wake_at(), 10.3, 1e-6) << "most are there before that";
  drive.now = 10.31;
  drive.frames(2);
  EXPECT_NE(drive.picture().rgb, before.rgb);
  drive.state.opening_chat = false;
  drive.frames(2);
  EXPECT_EQ(drive.picture().rgb, before.rgb);
}

}  // namespace
}  // namespace foreword::ui
