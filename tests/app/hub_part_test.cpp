// The controller beside a hub that the test plays: what is asked, what is shown of the answer, downloads from click to file, and what was asked.
#include <gtest/gtest.h>

#include <utility>

#include "app/controller.h"
#include "app/known_models.h"
#include "app/settings_page.h"

namespace foreword::app {
namespace {

class HubTest : public ::testing::Test {
 protected:
  HubTest()
      : controller({.engine = [](engine::Command) {},
                    .storage = [](storage::Command) {},
                    .now_ms = [] { return std::int64_t{1234}; },
                    .find_models = [this](const std::vector<std::filesystem::path>&) { return ++n_found, FoundModels{}; },
                    .hub = {.ask = [this](HubAsk ask, std::function<void(HubAnswer)> tell) { asked.push_back(std::move(ask)), tell_ = std::move(tell); },
                            .get = [this](GetOrder order) { orders.push_back(std::move(order)); },
                            .next = [this](std::int64_t id) { hurried.push_back(id); },
                            .stop = [this](std::int64_t id) { stopped.push_back(id); },
                            .limit = [this](std::int64_t bytes) { limits.push_back(bytes); },
                            .find_unfinished = [] { return std::vector<Unfinished>{{"https://h/one", "one", 1'000'000'000, 4'700'000'000}, {"https://h/three", "three", 5'000'000}}; },
                            .read_ledger = [this] { return ledger; },
                            .clear_ledger = [this]() -> Result<void> {
                              if (!refuses.empty()) return Error{ErrorCode::io, refuses};
                              ledger = {};
                              return {};
                            }}},
                   {}) {}
  template <class Event>
  void on(Event event) {
    controller.on(ui::UiEvent(std::move(event)));
  }
  const ui::HubView& hub() const { return controller.view().hub; }
  const std::vector<ui::DownloadView>& downloads() const { return controller.view().downloads; }
  void offer_two() {
    on(ui::AskHub{"org/repo"});
    engine::Fit large{.verdict = engine::FitVerdict::too_large, .needed = 41'000'000'000, .free = 7'600'000'000};
    tell_({.about = "org/repo", .models = {{.target = "https://h/one", .name = "one", .quant = "Q4_K_M", .bytes = 4'700'000'000}, {.target = "https://h/two", .name = "two", .fit = large}}});
  }

  std::vector<HubAsk> asked;
  std::function<void(HubAnswer)> tell_;
  std::vector<GetOrder> orders;
  std::vector<std::int64_t> stopped, hurried, limits;
  Ledger::Page ledger;
  std::string refuses;  // why the ledger cannot be cleared
  int n_found = 0;
  Controller controller;
};

TEST_F(HubTest, NothingIsAskedUntilTheUserAsks) {
  EXPECT_TRUE(hub().can_ask);
  on(ui::FindModels{});
  EXPECT_TRUE(asked.empty());
  on(ui::AskHub{"qwen 7b"});
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].text, "qwen 7b");
  EXPECT_TRUE(hub().asking);
  tell_({.finds = {{"org/a", 12'345, false}, {"org/b", 1, true}}});
  EXPECT_FALSE(hub().asking);
  ASSERT_EQ(hub().rows.size(), 2U);
  EXPECT_EQ(hub().rows[0].repository, "org/a");
  EXPECT_EQ(hub().rows[0].detail, "12,345 downloads");
  EXPECT_EQ(hub().rows[1].detail, "1 download, asks for its licence to be accepted");
  on(ui::AskHub{""});
  EXPECT_TRUE(hub().rows.empty() && !hub().asking);
  tell_({.finds = {{"org/late", 1, false}}});
  EXPECT_TRUE(hub().rows.empty()) << "nobody waits for it any more";
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(HubTest, ModelsAreShownBeforeItIsKnownWhetherTheyFit) {
  controller.on(engine::Event(engine::MemoryThere{.processor_free = 5}));
  on(ui::AskHub{"org/repo"});
  ASSERT_TRUE(asked[0].memory);
  EXPECT_EQ(asked[0].memory->processor_free, 5);
  tell_({.about = "org/repo", .models = {{.target = "t", .name = "one", .quant = "Q8_0", .bytes = 4'700'000'000}}, .last = false});
  EXPECT_TRUE(hub().asking);
  EXPECT_EQ(hub().about, "org/repo");
  EXPECT_EQ(hub().rows.at(0).detail, "Q8_0, 4.7 GB");
  EXPECT_EQ(hub().rows[0].fit.level, ui::FitLevel::unknown);
  offer_two();
  EXPECT_FALSE(hub().asking);
  EXPECT_EQ(hub().rows.at(1).fit.level, ui::FitLevel::too_large);
  EXPECT_EQ(hub().rows[1].fit.words, "Needs 41.0 of 7.6 GB");
  EXPECT_EQ(hub().rows[1].detail, "Size unknown");
  on(ui::AskHub{"other"});
  tell_({.problem = "The hub cannot be reached."});
  EXPECT_EQ(hub().problem, "The hub cannot be reached.");
}

TEST_F(HubTest, ADownloadIsToldOfFromClickToFile) {
  offer_two();
  on(ui::DownloadModel{0});
  on(ui::DownloadModel{1});
  on(ui::DownloadModel{0});  // it is on its way
  on(ui::DownloadModel{7});
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].target, "https://h/one");
  ASSERT_EQ(downloads().size(), 2U);
  EXPECT_EQ(downloads()[1].state, ui::DownloadState::waiting);
  orders[0].on_progress({.done = 1'000'000'000, .total = 4'000'000'000, .bytes_per_second = 30e6});
  EXPECT_EQ(downloads()[0].state, ui::DownloadState::running);
  EXPECT_EQ(downloads()[0].detail, "1.0 GB of 4.0 GB, 30.0 MB/s, about 2 min");
  EXPECT_DOUBLE_EQ(downloads()[0].share, .25);
  orders[0].on_progress({.done = 1'000'000'000, .total = 4'000'000'000, .checking = true});
  EXPECT_LT(downloads()[0].share, 0) << "what is read again is no part of it";
  const int before = n_found;
  orders[0].on_end(std::filesystem::path("/m/one.gguf"));
  EXPECT_EQ(downloads()[0].state, ui::DownloadState::done);
  EXPECT_EQ(downloads()[0].path, "/m/one.gguf");
  EXPECT_EQ(n_found, before + 1) << "it is among the models now";
  EXPECT_NE(controller.view().notices.back().text.find("one has been downloaded"), std::string::npos);
  on(ui::StopDownload{downloads()[0].id});
  EXPECT_TRUE(stopped.empty()) << "it has ended; it leaves the list";
  EXPECT_EQ(downloads().size(), 1U);
}

TEST_F(HubTest, OneThatFailsSaysWhyAndGoesOnWhenClicked) {
  offer_two();
  on(ui::DownloadModel{0});
  orders[0].on_end(Error{ErrorCode::io, "The disk is full."});
  EXPECT_EQ(downloads()[0].state, ui::DownloadState::failed);
  EXPECT_EQ(downloads()[0].detail, "The disk is full.");
  EXPECT_NE(controller.view().notices.back().text.find("The disk is full."), std::string::npos);
  on(ui::TryDownloadAgain{downloads()[0].id});
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[1].target, orders[0].target);
  EXPECT_EQ(downloads()[0].state, ui::DownloadState::waiting);
  on(ui::TryDownloadAgain{downloads()[0].id});
  EXPECT_EQ(orders.size(), 2U) << "it is on its way";
}

TEST_F(HubTest, KnownModelsAreJudgedRoughly) {
  EXPECT_TRUE(controller.view().known_models.empty());
  controller.on(engine::Event(engine::MemoryThere{.processor_free = 5'000'000'000}));
  const auto& known = controller.view().known_models;
  ASSERT_EQ(known.size(), 3U);
  EXPECT_EQ(known[0].detail, "2.5 GB, licence Apache 2.0");
  EXPECT_EQ(known[0].fit.words, "Needs 3.9 of 5.0 GB");
  EXPECT_EQ(known[0].fit.level, ui::FitLevel::fits);
  EXPECT_EQ(known[2].fit.level, ui::FitLevel::too_large);
  controller.on(engine::Event(engine::MemoryThere{.device = "cuda:0", .device_free = 8'000'000'000, .processor_free = 30'000'000'000}));
  EXPECT_EQ(known[1].fit.level, ui::FitLevel::fits);
  EXPECT_EQ(known[2].fit.level, ui::FitLevel::slow);
  for (std::size_t i = 1; i < known_models().size(); ++i) EXPECT_GT(known_models()[i].bytes, known_models()[i - 1].bytes);
}

TEST_F(HubTest, WhatWasNotFinishedIsListedAndGoesOnWhenClicked) {
  controller.start("/m/any.gguf");
  ASSERT_EQ(downloads().size(), 2U);
  EXPECT_EQ(downloads()[0].detail, "1.0 GB of 4.7 GB are there; click to go on");
  EXPECT_EQ(downloads()[1].detail, "5 MB are there; click to go on");
  EXPECT_TRUE(orders.empty()) << "not by itself";
  on(ui::TryDownloadAgain{downloads()[1].id});
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].target, "https://h/three");
  offer_two();
  on(ui::DownloadModel{0});
  EXPECT_EQ(downloads().size(), 2U) << "the same one";
  EXPECT_EQ(orders.at(1).target, "https://h/one");
}

TEST_F(HubTest, SwitchedOffNothingIsAskedAndWhatRunsEnds) {
  const auto set = [&](const char* value) { on(ui::ChangeSetting{kNetworkKey, value}); };
  controller.on(engine::Event(engine::MemoryThere{.processor_free = 5'000'000'000}));
  offer_two();
  on(ui::DownloadModel{0});
  on(ui::AskHub{"more"});
  set(ui::kOff);
  EXPECT_FALSE(hub().can_ask);
  EXPECT_TRUE(controller.view().known_models.empty());
  EXPECT_EQ(stopped, std::vector<std::int64_t>{orders[0].id});
  tell_({.finds = {{"org/late", 1, false}}});
  EXPECT_TRUE(hub().rows.empty());
  orders[0].on_end(Error{ErrorCode::cancelled, "Stopped."});
  ASSERT_EQ(downloads().size(), 1U) << "it can go on later";
  on(ui::AskHub{"again"});
  EXPECT_EQ(asked.size(), 2U);
  on(ui::TryDownloadAgain{downloads()[0].id});
  EXPECT_EQ(orders.size(), 1U);
  EXPECT_NE(controller.view().notices.back().text.find("settings"), std::string::npos);
  set(ui::kOn);
  EXPECT_TRUE(hub().can_ask);
  EXPECT_FALSE(controller.view().known_models.empty());
  on(ui::TryDownloadAgain{downloads()[0].id});
  EXPECT_EQ(orders.size(), 2U);
  controller.on(storage::Event(storage::event::Settings{1, {{kNetworkKey, ui::kOff}}}));
  EXPECT_FALSE(hub().can_ask) << "it is kept";
  for (const ui::SettingRow& row : settings_page({})) EXPECT_NE(row.key, kNetworkKey) << "of a build that cannot";
}

TEST_F(HubTest, D51OneThatWaitsCanBeNext) {
  on(ui::AskHub{"org/repo"});
  tell_({.about = "org/repo", .models = {{.target = "https://h/a", .name = "a"}, {.target = "https://h/b", .name = "b"}, {.target = "https://h/c", .name = "c"}, {.target = "https://h/d", .name = "d"}}});
  for (std::size_t row = 0; row < 4; ++row) on(ui::DownloadModel{row});
  orders[0].on_progress({.done = 1});
  const auto names = [&] {
    std::string all;
    for (const ui::DownloadView& one : downloads()) all += one.name;
    return all;
  };
  const std::int64_t a = downloads()[0].id, b = downloads()[1].id, c = downloads()[2].id, d = downloads()[3].id;
  on(ui::DownloadNext{d});
  EXPECT_EQ(names(), "adbc");
  on(ui::DownloadNext{c});
  EXPECT_EQ(names(), "acdb");
  for (const std::int64_t id : {a, c, std::int64_t{99}}) on(ui::DownloadNext{id});  // it runs, it is next, there is none
  EXPECT_EQ(names(), "acdb");
  EXPECT_EQ(hurried, (std::vector<std::int64_t>{d, c}));
  orders[1].on_progress({.done = 1});
  EXPECT_EQ(downloads()[3].id, b);
  EXPECT_EQ(downloads()[3].state, ui::DownloadState::running) << "closures know theirs by its number";
}

TEST_F(HubTest, D51TheRateCountsAtOnceAndIsKept) {
  controller.on(storage::Event(storage::event::Settings{1, {{kLimitKey, "2000000"}}}));
  on(ui::ChangeSetting{kLimitKey, "500000"});
  on(ui::ChangeSetting{kEnterKey, "sends"});
  on(ui::ChangeSetting{kLimitKey, "none"});
  on(ui::ChangeSetting{kLimitKey, "7"});
  EXPECT_EQ(limits, (std::vector<std::int64_t>{2'000'000, 500'000, 0})) << "what is no choice is no limit";
}

TEST_F(HubTest, D54WhatWasAskedIsShownTheNewestFirst) {
  const Asked before{.id = 1, .at_ms = 10, .host = "hub.example", .purpose = "Searching for models", .received = 2'500, .status = 200, .ended = true};
  Asked now{.id = 2, .at_ms = 20, .host = "cdn.example", .purpose = "Downloading m.gguf"};
  const auto& network = controller.view().network;
  controller.on_asked(now, "");
  EXPECT_FALSE(network.known) << "nothing is made ready that nobody looks at";
  ledger = {{now, before}};
  on(ui::ShowNetwork{});
  ASSERT_TRUE(network.known);
  ASSERT_EQ(network.rows.size(), 2U);
  EXPECT_EQ(network.rows[0].purpose, "Downloading m.gguf");
  EXPECT_EQ(network.rows[0].outcome, "not ended");
  EXPECT_EQ(network.rows[0].bytes, "nothing came");
  EXPECT_EQ(network.rows[1].bytes, "2 kB");
  now.received = 4'700'000;
  now.ended = true;
  now.status = 206;
  controller.on_asked(now, "");
  EXPECT_EQ(network.rows[0].bytes, "4.7 MB") << "while the list is looked at";
  EXPECT_EQ(network.rows[0].outcome, "answered");
  on(ui::ShowNetwork{});  // read before that was written
  EXPECT_EQ(network.rows[0].outcome, "answered");
  now.received = 4'683'000'000;
  controller.on_asked(now, "");
  EXPECT_EQ(network.rows[0].bytes, "4.7 GB");
  on(ui::ClearNetwork{});
  EXPECT_TRUE(network.known && network.rows.empty());
}

TEST_F(HubTest, D54WhatCannotBeWrittenIsShownAllTheSameAndSaid) {
  const Asked row{.id = 7, .at_ms = 10, .host = "hub.example", .purpose = "Searching for models", .ended = true, .end = WebEnd::unreachable};
  controller.on_asked(row, "It cannot be written.");
  ledger.problem = "It cannot be read.";
  on(ui::ShowNetwork{});
  const auto& network = controller.view().network;
  ASSERT_EQ(network.rows.size(), 1U);
  EXPECT_EQ(network.rows[0].outcome, "not reached");
  EXPECT_EQ(network.problem, "It cannot be written.");
  refuses = "It cannot be cleared.";
  on(ui::ClearNetwork{});
  EXPECT_EQ(network.rows.size(), 1U);
  EXPECT_EQ(controller.view().notices.back().text, "It cannot be cleared.");
  refuses.clear();
  on(ui::ClearNetwork{});
  EXPECT_TRUE(network.rows.empty() && network.problem.empty());
}

TEST_F(HubTest, WhatIsStoppedIsHeardOfNoMore) {
  offer_two();
  on(ui::DownloadModel{0});
  on(ui::StopDownload{downloads()[0].id});
  EXPECT_EQ(stopped, std::vector<std::int64_t>{orders[0].id});
  EXPECT_TRUE(downloads().empty());
  const std::size_t n_notices = controller.view().notices.size();
  orders[0].on_progress({.done = 1});
  orders[0].on_end(Error{ErrorCode::cancelled, "Stopped."});
  EXPECT_TRUE(downloads().empty());
  EXPECT_EQ(controller.view().notices.size(), n_notices);
  on(ui::DownloadModel{0});
  EXPECT_EQ(orders.size(), 2U) << "and may be begun again";
  EXPECT_NE(orders[1].id, orders[0].id);
}

}  // namespace
}  // namespace foreword::app
