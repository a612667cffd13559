// The controller on a desktop that the test plays: files that are chosen in dialogs (D79), what it is asked to say, and when it shall not sleep (D81).

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "app/controller.h"
#include "app/settings_page.h"

namespace foreword::app {
namespace {

class DesktopTest : public ::testing::Test {
 protected:
  DesktopTest()
      : controller({.engine = [this](engine::Command c) { to_engine.push_back(std::move(c)); },
                    .storage = [this](storage::Command c) { to_storage.push_back(std::move(c)); },
                    .now_ms = [this] { return now; },
                    .save_file = [this](const std::string& name, const std::string& text) { return downloaded[name] = text, Result<std::filesystem::path>("/d/" + name); },
                    .read_file = [](const std::filesystem::path& path) { return Result<std::string>("of " + path.string()); },
                    .replace_file = [this](const std::string& path, const std::string& text) { return replaced[path] = text, Result<void>(); },
                    .ask_file = [this](FileQuestion question, std::function<void(const FileChoice&)> tell) { questions.push_back(std::move(question)), tell_ = std::move(tell); },
                    .announce = [this](std::string sentence) { announced.push_back(std::move(sentence)); },
                    .keep_awake = [this](bool on) { awake.push_back(on); },
                    .hub = {.ask = [this](HubAsk, std::function<void(HubAnswer)> tell) { tell({.about = "org/repo", .models = {{.target = "https://h/one", .name = "one"}}}); },
                            .get = [this](GetOrder order) { orders.push_back(std::move(order)); },
                            .stop = [](std::int64_t) {}}},
                   {}) {}
  void ui(ui::UiEvent event) { controller.on(std::move(event)); }
  const ui::ViewState& view() const { return controller.view(); }
  std::string last_notice() const { return view().notices.empty() ? std::string() : view().notices.back().text; }
  template <class Letter>
  const Letter* asked_engine() const {
    return to_engine.empty() ? nullptr : std::get_if<Letter>(&to_engine.back());
  }
  /// A message, and its answer after so many milliseconds.
  void say(const std::string& words) {
    engine::ModelSummary summary;
    summary.path = "/m/tiny.gguf";
    summary.context = 512;
    controller.on(engine::Event(engine::ModelReady{summary}));
    ui(ui::SendMessage{words});
  }
  void end(std::int64_t milliseconds, engine::StopReason reason = engine::StopReason::eos) {
    now += milliseconds;
    engine::GenerationDone done;
    done.id = asked_engine<engine::Generate>()->id;
    done.stats.stop_reason = reason;
    controller.on(engine::Event(done));
  }
  void export_a_chat() {
    ui(ui::ExportChat{7, ui::ExportAs::markdown});
    storage::event::TreeRead read;
    read.request = std::visit([](const auto& letter) { return letter.request; }, to_storage.back());
    read.tree.chat.title = "A walk";
    controller.on(storage::Event(std::move(read)));
  }

  std::int64_t now = 1234;
  std::vector<engine::Command> to_engine;
  std::vector<storage::Command> to_storage;
  std::map<std::string, std::string> downloaded, replaced;
  std::vector<FileQuestion> questions;
  std::function<void(const FileChoice&)> tell_;
  std::vector<std::string> announced;
  std::vector<bool> awake;
  std::vector<GetOrder> orders;
  Controller controller;
};

TEST_F(DesktopTest, D79AModelThatIsChosenOpens) {
  controller.on_dialogs(true);
  EXPECT_TRUE(view().can_choose_files);
  ui(ui::ChooseFile{ui::FileUse::model});
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_FALSE(questions[0].save);
  EXPECT_EQ(questions[0].filters.at(0).patterns, std::vector<std::string>{"*.gguf"});
  tell_({FileEnd::chosen, "/m/two words.gguf"});
  ASSERT_NE(asked_engine<engine::LoadModel>(), nullptr);
  EXPECT_EQ(asked_engine<engine::LoadModel>()->path, "/m/two words.gguf");
}

TEST_F(DesktopTest, D79ATextThatIsChosenComesWithTheMessage) {
  controller.on_dialogs(true);
  ui(ui::ChooseFile{ui::FileUse::message});
  tell_({FileEnd::chosen, "/t/notes.txt"});
  ASSERT_EQ(view().offers.size(), 1U);
  EXPECT_EQ(view().offers[0].name, "notes.txt");
  EXPECT_EQ(view().offers[0].text, "of /t/notes.txt");
}

TEST_F(DesktopTest, WhatIsNotChosenDoesNothingAndSaysWhy) {
  controller.on_dialogs(true);
  const std::size_t before = to_engine.size();
  ui(ui::ChooseFile{ui::FileUse::model});
  tell_({.end = FileEnd::cancelled});
  EXPECT_EQ(last_notice(), "");
  ui(ui::ChooseFile{ui::FileUse::model});
  tell_({.end = FileEnd::elsewhere});
  EXPECT_NE(last_notice().find("no file on this computer"), std::string::npos);
  ui(ui::ChooseFile{ui::FileUse::model});
  tell_({.end = FileEnd::unavailable});
  EXPECT_NE(last_notice().find("Ctrl+O"), std::string::npos);
  controller.on_dialogs(false);
  ui(ui::ChooseFile{ui::FileUse::message});
  EXPECT_NE(last_notice().find("drop"), std::string::npos);
  EXPECT_EQ(questions.size(), 3U) << "nobody is asked where nobody answers";
  EXPECT_EQ(to_engine.size(), before);
}

TEST_F(DesktopTest, D79AnExportGoesWhereTheUserSays) {
  export_a_chat();
  EXPECT_EQ(downloaded.count("A walk.md"), 1U) << "among the downloads, where nobody can be asked";
  controller.on_dialogs(true);
  downloaded.clear();
  export_a_chat();
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_TRUE(questions[0].save);
  EXPECT_EQ(questions[0].name, "A walk.md");
  EXPECT_TRUE(questions[0].folder.starts_with('/'));
  tell_({.end = FileEnd::cancelled});
  EXPECT_TRUE(downloaded.empty() && replaced.empty());
  export_a_chat();
  tell_({FileEnd::chosen, "/home/ada/walk.md"});
  EXPECT_EQ(replaced.count("/home/ada/walk.md"), 1U);
  EXPECT_EQ(last_notice(), "Saved as /home/ada/walk.md");
  export_a_chat();
  tell_({.end = FileEnd::unavailable});
  EXPECT_EQ(downloaded.count("A walk.md"), 1U);
}

TEST_F(DesktopTest, D81TheEndOfALongAnswerIsToldToWhoeverIsAway) {
  say("a secret");
  controller.on_watched(false);
  end(10'001);
  EXPECT_EQ(announced, std::vector<std::string>{"The answer is ready"}) << "and nothing of it";
  controller.on_watched(false);
  EXPECT_EQ(announced.size(), 1U);
  controller.on_watched(true);
  controller.on_watched(true);
  EXPECT_EQ(announced, (std::vector<std::string>{"The answer is ready", ""})) << "it is taken back once the user looks";
}

TEST_F(DesktopTest, D81NobodyIsToldWhatTheyKnow) {
  say("a short one");
  controller.on_watched(false);
  end(10'000);
  say("one that is watched");
  controller.on_watched(true);
  end(60'000);
  say("one that the user stops");
  controller.on_watched(false);
  end(60'000, engine::StopReason::cancelled);
  ui(ui::ChangeSetting{kAnnounceKey, ui::kOff});
  say("one of which nothing shall be told");
  end(60'000);
  EXPECT_TRUE(announced.empty()) << announced.front();
  controller.on(storage::Event(storage::event::Settings{1, {{kAnnounceKey, ui::kOn}}}));
  say("one that fails");
  now += 60'000;
  controller.on(engine::Event(engine::GenerationFailed{asked_engine<engine::Generate>()->id, {ErrorCode::io, "Gone."}}));
  EXPECT_EQ(announced, std::vector<std::string>{"The answer has ended too early"});
  for (const ui::SettingRow& row : settings_page({})) EXPECT_NE(row.key, kAnnounceKey) << "where nobody can be asked to";
}

TEST_F(DesktopTest, D81NothingSleepsWhileAnAnswerOrADownloadRuns) {
  say("hi");
  EXPECT_EQ(awake, std::vector<bool>{true});
  ui(ui::AskHub{"org/repo"});
  ui(ui::DownloadModel{0});
  end(1);
  EXPECT_EQ(awake, std::vector<bool>{true}) << "the download goes on";
  orders.at(0).on_end(Error{ErrorCode::io, "The disk is full."});
  EXPECT_EQ(awake, (std::vector<bool>{true, false}));
  ui(ui::TryDownloadAgain{view().downloads[0].id});
  EXPECT_EQ(awake, (std::vector<bool>{true, false, true}));
  ui(ui::StopDownload{view().downloads[0].id});
  EXPECT_EQ(awake, (std::vector<bool>{true, false, true, false}));
}

}  // namespace
}  // namespace foreword::app
