// The local server as the window has it: switched by a setting, told on the settings page.

#include <algorithm>
#include <deque>

#include "app/settings_page.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

class ControllerServerTest : public ::testing::Test {
 protected:
  ControllerServerTest()
      : controller({.engine = [](const engine::Command&) {},
                    .storage = [this](storage::Command c) { to_storage.push_back(std::move(c)); },
                    .now_ms = [] { return std::int64_t{1}; },
                    .aside = [this](SideWork work) { waiting.push_back(std::move(work)); },
                    .serve = [this](bool on) {
                      orders.push_back(on);
                      return on ? answer : ui::ServerView();
                    }},
                   {}) {}

  void set(const std::string& value) { controller.on(ui::UiEvent(ui::ChangeSetting{kServerKey, value})); }
  void stored(const std::string& value) { controller.on(storage::Event(storage::event::Settings{1, {{kServerKey, value}}})); }
  /// Work on the side, and what follows.
  void work() {
    for (; !waiting.empty(); waiting.pop_front()) waiting.front()()();
  }
  const ui::SettingRow* row(const std::string& key) const {
    const auto& rows = controller.view().settings;
    const auto found = std::ranges::find(rows, key, &ui::SettingRow::key);
    return found == rows.end() ? nullptr : &*found;
  }

  ui::ServerView answer{.on = true, .url = "http://127.0.0.1:3673/v1", .key = "fw-0123"};
  std::vector<bool> orders;
  std::deque<SideWork> waiting;
  std::vector<storage::Command> to_storage;
  Controller controller;
};

TEST_F(ControllerServerTest, ItIsOffUntilItIsSwitchedOn) {
  stored("off");
  work();
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(row(kServerKey)->chosen, ui::kOff);
  EXPECT_EQ(row("server.access"), nullptr);
  set(ui::kOn);
  EXPECT_FALSE(controller.view().server.on) << "not yet";
  work();
  EXPECT_TRUE(controller.view().server.on);
  EXPECT_EQ(row(kServerKey)->chosen, ui::kOn);
  EXPECT_EQ(row("server.access")->options[0].copies, answer.url);
  EXPECT_EQ(row("server.access")->options[1].copies, answer.key);
  EXPECT_NE(row("server.access")->help.find(answer.url), std::string::npos);
  const auto& kept = std::get<storage::command::SetSetting>(to_storage.back());
  EXPECT_EQ(kept.key + "=" + kept.value, "server=on");
  controller.on_server(2);
  EXPECT_EQ(controller.view().server.running, 2);
  set(ui::kOff);
  work();
  EXPECT_EQ(orders, (std::vector<bool>{true, false}));
  EXPECT_EQ(controller.view().server.running, 0);
  controller.on_server(1);
  EXPECT_EQ(controller.view().server.running, 0) << "a word from before";
}

TEST_F(ControllerServerTest, WhatIsStoredCountsFromTheStart) {
  stored("on");
  work();
  stored("on");
  work();
  EXPECT_EQ(orders, std::vector<bool>{true});
  EXPECT_TRUE(controller.view().server.on);
}

TEST_F(ControllerServerTest, TheLastWordCounts) {
  set(ui::kOn);
  set(ui::kOff);
  set(ui::kOn);
  set(ui::kOff);
  work();
  EXPECT_EQ(orders, (std::vector<bool>{true, false, true, false}));
  EXPECT_FALSE(controller.view().server.on);
}

TEST_F(ControllerServerTest, WhereItCannotBeItSaysWhyAndCanBeAskedAgain) {
  answer = {.trouble = "Another program has the port."};
  set(ui::kOn);
  work();
  EXPECT_EQ(row(kServerKey)->chosen, ui::kOff);
  EXPECT_EQ(row(kServerKey)->help, answer.trouble);
  ASSERT_EQ(controller.view().notices.size(), 1U);
  EXPECT_EQ(controller.view().notices[0].text, answer.trouble);
  answer = {.on = true, .url = "http://127.0.0.1:3673/v1", .key = "fw-0123"};
  set(ui::kOn);
  work();
  EXPECT_TRUE(controller.view().server.on);
  EXPECT_EQ(orders.size(), 2U);
}

TEST(ControllerWithoutAServer, HasNoRowOfIt) {
  for (const ui::SettingRow& row : settings_page({})) EXPECT_FALSE(row.key.starts_with(kServerKey));
}

}  // namespace
}  // namespace foreword::app
