// The settings page: its rows, what a change does, and what is read back (D68: the Enter key; the KV cache's modes).

#include <gtest/gtest.h>

#include <algorithm>

#include "app/settings_page.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;
using engine::KvMode, engine::KvModeOffer;

const ui::SettingRow& row_of(const std::vector<ui::SettingRow>& rows, const std::string& key) {
  return *std::find_if(rows.begin(), rows.end(), [&](const ui::SettingRow& row) { return row.key == key; });
}
const ui::SettingOption& option_of(const ui::SettingRow& row, const std::string& value) {
  return *std::find_if(row.options.begin(), row.options.end(), [&](const ui::SettingOption& option) { return option.value == value; });
}

TEST(SettingsPage, EveryRowShowsOneOfItsValues) {
  for (const ui::SettingRow& row : settings_page({})) {
    EXPECT_EQ(std::ranges::count(row.options, row.chosen, &ui::SettingOption::value), 1) << row.key;
    EXPECT_FALSE(row.label.empty() || row.section.empty()) << row.key;
  }
}

TEST(SettingsPage, ModesSayWhatTheyCostAndCannotBeChosenWhereTheyCostTooMuch) {
  const std::vector<KvModeOffer> offers{{.mode = KvMode::exact, .measured = true, .allowed = true, .bytes = 1'100'000'000},
                                        {.mode = KvMode::balanced, .measured = true, .allowed = true, .mean_kl = 0.002, .top1_agree = 0.987, .bytes = 430'000'000},
                                        {.mode = KvMode::roomy, .top1_agree = 0, .bytes = 300'000'000},
                                        {.mode = KvMode::memory, .measured = true, .allowed = false, .mean_kl = 0.4, .top1_agree = 0.79}};
  const auto rows = settings_page({.kv = KvMode::balanced, .kv_now = "balanced", .kv_modes = offers});
  const ui::SettingRow& row = row_of(rows, kKvKey);
  EXPECT_EQ(row.chosen, "balanced");
  EXPECT_NE(option_of(row, "auto").detail.find("now balanced"), std::string::npos);
  EXPECT_EQ(option_of(row, "exact").detail, "16 bits a number, 1.1 GB");
  EXPECT_NE(option_of(row, "balanced").detail.find("98.7 %"), std::string::npos);
  EXPECT_NE(option_of(row, "long").detail.find("not measured"), std::string::npos);
  EXPECT_TRUE(option_of(row, "long").enabled) << "what was not measured may be tried";
  EXPECT_FALSE(option_of(row, "memory").enabled);
}

TEST(SettingsPage, TheCommandLineCountsMore) {
  const auto rows = settings_page({.kv_given = true});
  EXPECT_NE(row_of(rows, kKvKey).reason.find("--kv"), std::string::npos);
  EXPECT_TRUE(row_of(rows, kThemeKey).reason.empty());
}

class SettingsTest : public ScriptedDesks {
 protected:
  using ScriptedDesks::ScriptedDesks;
  void stored(std::vector<storage::Setting> settings) { storage_says(event::Settings{1, std::move(settings)}); }
  std::string chosen(const std::string& key) const { return row_of(view().settings, key).chosen; }
};

TEST_F(SettingsTest, AModelIsOpenedWithTheModeThatIsStored) {
  controller.start("/m/tiny.gguf");
  stored({{"kv", "memory"}});
  EXPECT_EQ(asked_engine<engine::LoadModel>().options.kv, engine::KvWish(KvMode::memory));
  EXPECT_EQ(chosen(kKvKey), "memory");
}

TEST_F(SettingsTest, AnotherModeOpensTheModelAnewAndIsKept) {
  controller.start("");
  stored({});
  model_ready();
  ui(ui::ChangeSetting{kKvKey, "exact"});
  EXPECT_EQ(asked_engine<engine::LoadModel>().options.kv, engine::KvWish(KvMode::exact));
  EXPECT_EQ(asked_engine<engine::LoadModel>().path, "/m/tiny.gguf");
  EXPECT_EQ(asked_storage<command::SetSetting>().key, kKvKey);
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "exact");
}

TEST_F(SettingsTest, ThePageFollowsTheModelAndItsSelfTest) {
  controller.start("");
  stored({});
  engine::ModelSummary summary;
  summary.kv = "exact";
  summary.kv_modes = {{.mode = KvMode::balanced, .top1_agree = 0}};
  engine_says(engine::ModelReady{summary});
  EXPECT_NE(option_of(row_of(view().settings, kKvKey), "balanced").detail.find("not measured"), std::string::npos);
  engine_says(engine::KvMeasured{{{.mode = KvMode::balanced, .measured = true, .allowed = true, .top1_agree = 0.99}}});
  EXPECT_NE(option_of(row_of(view().settings, kKvKey), "balanced").detail.find("99.0 %"), std::string::npos);
  EXPECT_NE(option_of(row_of(view().settings, kKvKey), "auto").detail.find("now exact"), std::string::npos);
}

TEST_F(SettingsTest, NothingIsReopenedWhileAnAnswerRuns) {
  controller.start("");
  stored({});
  model_ready();
  ui(ui::SendMessage{"hi"});
  EXPECT_FALSE(row_of(view().settings, kKvKey).reason.empty());
  ui(ui::ChangeSetting{kKvKey, "exact"});
  EXPECT_EQ(count_of<engine::LoadModel>(to_engine), 0);
  answer("hello");
  EXPECT_TRUE(row_of(view().settings, kKvKey).reason.empty());
}

TEST_F(SettingsTest, D68TheEnterKeyAndOtherValuesAreKeptAndReadBack) {
  EXPECT_TRUE(view().enter_sends);
  ui(ui::ChangeSetting{kEnterKey, "new_line"});
  EXPECT_FALSE(view().enter_sends);
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "new_line");
  stored({{"enter", "sends"}, {"theme", "dark"}, {"contrast", "high"}, {"scale", "2.00"}, {"kv", "a word of tomorrow"}, {"scale", "900"}});
  EXPECT_TRUE(view().enter_sends);
  EXPECT_EQ(view().theme, ui::ThemeChoice::dark);
  EXPECT_TRUE(view().high_contrast);
  EXPECT_EQ(chosen(kContrastKey), "high");
  EXPECT_FLOAT_EQ(view().scale, 2);
  EXPECT_EQ(chosen(kKvKey), "auto");
}

TEST_F(SettingsTest, ThinkingIsLeftToTheModelUntilItIsSwitched) {
  model_ready();
  EXPECT_EQ(chosen(kThinkKey), "auto");
  ask_in_new_chat("why?", 7);
  EXPECT_EQ(asked_engine<engine::Generate>().thinking, std::nullopt);
  EXPECT_EQ(asked_storage<command::BeginAnswer>().message.settings.find("think"), std::string::npos);
  answer("so");
  const auto count = [&] { engine_says(engine::TokensCounted{asked_engine<engine::CountTokens>().id, 10, {}}); };
  for (const auto& [value, thinking] : {std::pair<const char*, std::optional<bool>>{"on", true}, {"off", false}, {"auto", std::nullopt}}) {
    count();
    ui(ui::ChangeSetting{kThinkKey, value});
    EXPECT_EQ(chosen(kThinkKey), value);
    EXPECT_EQ(asked_storage<command::SetSetting>().value, value);
    EXPECT_EQ(asked_engine<engine::CountTokens>().thinking, thinking) << "the prompt may have another length";
    count();
    ui(ui::SendMessage{"and?"});
    EXPECT_EQ(asked_engine<engine::Generate>().thinking, thinking);
    answer("so");
  }
  stored({{"think", "off"}});
  EXPECT_EQ(chosen(kThinkKey), "off");
}

TEST_F(SettingsTest, D36AnAnswerIsStoredWithHowItWasDrawnAndHowLongItThought) {
  model_ready();
  ask_in_new_chat("why?", 7);
  const std::string drawn = asked_storage<command::BeginAnswer>().message.settings;
  EXPECT_NE(drawn.find("\"temperature\":0.8,"), std::string::npos) << drawn;
  EXPECT_NE(drawn.find("\"seed\":1"), std::string::npos) << drawn;
  EXPECT_EQ(drawn.find("max_tokens"), std::string::npos);
  answer("<think>hm</think>Because.");
  EXPECT_GT(asked_storage<command::FinishAnswer>().end.stats.reasoning_seconds, 0);
  ui(ui::SendMessage{"and?"});
  answer("[THINK]hm[/THINK]Because");
  EXPECT_GT(view().messages.back().reasoning_seconds, 0);
}

TEST_F(SettingsTest, D63HowLongAnAnswerThoughtIsShownAgainLater) {
  ui(ui::SelectChat{7});
  EXPECT_TRUE(view().opening_chat) << "D59: what is being waited for";
  event::ChatOpened opened;
  opened.request = asked_storage<command::OpenChat>().request;
  opened.chat = chat(7);
  storage::PathEntry entry;
  entry.message.id = 1;
  entry.message.role = storage::Role::assistant;
  entry.message.stats.reasoning_seconds = 4.5;
  opened.path.push_back(entry);
  storage_says(std::move(opened));
  EXPECT_EQ(view().messages.at(0).reasoning_seconds, 4.5);
  EXPECT_FALSE(view().opening_chat);
}

class GivenKvTest : public SettingsTest {
 protected:
  GivenKvTest() : SettingsTest([] {
    Controller::Options options;
    options.model.kv = KvMode::fast;
    options.kv_given = true;
    return options;
  }()) {}
};

TEST_F(GivenKvTest, WhatWasNamedAtTheStartIsObeyed) {
  controller.start("/m/tiny.gguf");
  stored({{"kv", "memory"}});
  EXPECT_EQ(asked_engine<engine::LoadModel>().options.kv, engine::KvWish(KvMode::fast));
}

TEST_F(SettingsTest, D78LooksAreAsTheSystemUntilTheUserChooses) {
  EXPECT_EQ(chosen(kThemeKey), "system");
  EXPECT_EQ(view().theme, ui::ThemeChoice::light);
  EXPECT_NE(row_of(view().settings, kThemeKey).help.find("does not tell"), std::string::npos);
  controller.on_looks({.dark = true, .high_contrast = true, .less_motion = true});
  EXPECT_EQ(view().theme, ui::ThemeChoice::dark);
  EXPECT_TRUE(view().high_contrast && view().less_motion);
  EXPECT_EQ(row_of(view().settings, kThemeKey).help.find("does not tell"), std::string::npos);
  EXPECT_EQ(chosen(kThemeKey), "system");
  ui(ui::SetTheme{ui::ThemeChoice::light});
  EXPECT_EQ(view().theme, ui::ThemeChoice::light);
  EXPECT_EQ(chosen(kThemeKey), "light");
  ui(ui::ChangeSetting{kContrastKey, "usual"});
  ui(ui::ChangeSetting{kMotionKey, "usual"});
  EXPECT_FALSE(view().high_contrast || view().less_motion);
  ui(ui::ChangeSetting{kThemeKey, "system"});
  EXPECT_EQ(asked_storage<command::SetSetting>().value, "system");
  EXPECT_EQ(view().theme, ui::ThemeChoice::dark);
  controller.on_looks({});
  EXPECT_EQ(view().theme, ui::ThemeChoice::light) << "the desktop is silent";
}

TEST_F(SettingsTest, D78WhatIsStoredIsNotTheSystems) {
  controller.on_looks({.dark = true, .high_contrast = true, .less_motion = true});
  stored({{"theme", "light"}, {"contrast", "usual"}, {"motion", "a word of tomorrow"}});
  EXPECT_EQ(view().theme, ui::ThemeChoice::light);
  EXPECT_FALSE(view().high_contrast);
  EXPECT_TRUE(view().less_motion);
  controller.on_looks({.dark = true});
  EXPECT_EQ(view().theme, ui::ThemeChoice::light);
}

}  // namespace
}  // namespace foreword::app
