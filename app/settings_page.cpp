#include "app/settings_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "app/words.h"
#include "ui/commands.h"
#include "ui/status_line.h"

namespace foreword::app {
namespace {

using engine::KvMode;

std::string percent(float share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string percent_words(double share) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.1f %%", 100 * share);
  return buffer.data();
}

ui::SettingRow theme_row(const SettingFacts& facts) {
  return {.key = kThemeKey, .section = "Look", .label = "Colours", .help = "Of the whole window.",
          .options = {{"light", "Light"}, {"dark", "Dark"}}, .chosen = facts.theme == ui::ThemeChoice::dark ? "dark" : "light"};
}

ui::SettingRow scale_row(const SettingFacts& facts) {
  ui::SettingRow row{.key = kScaleKey, .section = "Look", .label = "Size", .help = "Of text and everything else, on top of the monitor's own scale.", .chosen = scale_text(facts.scale)};
  for (const float scale : {0.75f, 1.0f, 1.25f, 1.5f, 2.0f, 3.0f}) row.options.push_back({scale_text(scale), percent(scale)});
  return row;
}

ui::SettingRow enter_row(const SettingFacts& facts) {
  return {.key = kEnterKey, .section = "Writing", .label = "The Enter key", .help = "The other one is on Shift+Enter. Ctrl+Enter always sends.",
          .options = {{"sends", "Sends"}, {"new_line", "Begins a line"}}, .chosen = facts.enter_sends ? "sends" : "new_line"};
}

ui::SettingRow suggestions_row(const SettingFacts& facts) {
  return {.key = ui::kSuggestionsSetting, .section = "Suggestions while you write", .label = "Suggest what comes next",
          .help = "Made by the model on this computer; only counts are kept, never text (" + ui::words_of(ui::command(ui::CommandId::suggestion_health).keys[0]) + "). Off means that nothing runs.",
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = facts.suggestions.enabled ? ui::kOn : ui::kOff};
}

ui::SettingRow drafts_row(const SettingFacts& facts) {
  return {.key = kDraftsKey, .section = "Suggestions while you write", .label = "At a time", .help = "The others stand below the text, with numbers.",
          .options = {{"3", "Up to three"}, {"1", "One"}}, .chosen = facts.suggestions.drafts == 1 ? "1" : "3"};
}

ui::SettingRow tab_row(const SettingFacts& facts) {
  return {.key = kTabKey, .section = "Suggestions while you write", .label = "The Tab key takes", .help = "Ctrl and the right arrow always take a word.",
          .options = {{"all", "All of it"}, {"word", "The next word"}}, .chosen = facts.suggestions.tab_accepts_word ? "word" : "all"};
}

struct ModeWords {
  KvMode mode;
  const char* label;
  const char* bits;
};
constexpr ModeWords kModeWords[] = {
    {KvMode::exact, "Exact", "16 bits a number"},
    {KvMode::fast, "Fast", "8 bits a number"},
    {KvMode::balanced, "Balanced", "8 and 4 bits a number"},
    {KvMode::roomy, "Long chats", "4 bits a number"},
    {KvMode::memory, "Little memory", "4 bits, and 2 for what is long past"},
};

ui::SettingOption mode_option(const SettingFacts& facts, const ModeWords& words) {
  ui::SettingOption option{.value = std::string(engine::row_of(words.mode).name), .label = words.label, .detail = words.bits};
  const auto offer = std::ranges::find(facts.kv_modes, words.mode, &engine::KvModeOffer::mode);
  if (offer == facts.kv_modes.end()) return option;
  if (offer->bytes > 0) option.detail += ", " + ui::bytes_words(offer->bytes);
  if (words.mode == KvMode::exact) return option;
  if (!offer->measured) {
    option.detail += "; not measured on this model yet";
  } else if (offer->allowed) {
    option.detail += "; the same first choice at " + percent_words(offer->top1_agree) + " of tokens";
  } else {
    option.detail += "; too coarse for this model, where " + percent_words(1 - offer->top1_agree) + " of tokens differ";
    option.enabled = false;
  }
  return option;
}

ui::SettingRow kv_row(const SettingFacts& facts) {
  ui::SettingRow row{.key = kKvKey, .section = "Memory of a chat", .label = "How older parts of a chat are kept",
                     .help = "The newest part is always exact. Sizes are for a full context; what a mode costs is measured on the open model in idle moments."};
  row.options.push_back({"auto", "Automatic", "The smallest of exact, fast and balanced that the model bears" + (facts.kv_now.empty() ? std::string() : "; now " + facts.kv_now)});
  for (const ModeWords& words : kModeWords) row.options.push_back(mode_option(facts, words));
  if (const auto* mode = std::get_if<KvMode>(&facts.kv)) row.chosen = *mode == KvMode::automatic ? "auto" : std::string(engine::row_of(*mode).name);
  if (facts.kv_given) row.reason = "Set by --kv on the command line.";
  if (facts.answering) row.reason = "Can be changed when the answer is finished.";
  return row;
}

}  // namespace

std::vector<ui::SettingRow> settings_page(const SettingFacts& facts) { return {theme_row(facts), scale_row(facts), enter_row(facts), suggestions_row(facts), drafts_row(facts), tab_row(facts), kv_row(facts)}; }

std::string scale_text(float scale) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f", static_cast<double>(scale));
  return buffer.data();
}

float scale_from(const std::string& text, float otherwise) {
  float scale = 0;
  std::from_chars(text.data(), text.data() + text.size(), scale);
  return scale >= 0.75f && scale <= 3 ? scale : otherwise;
}

}  // namespace foreword::app
