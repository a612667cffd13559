#include "app/settings_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "app/words.h"
#include "ui/autocomplete/tier_policy.h"
#include "ui/commands.h"
#include "ui/status_line.h"

namespace foreword::app {
namespace {

using engine::KvMode;
using ui::autocomplete::Tier;

constexpr const char* kSuggestions = "Suggestions while you write";
constexpr const char* kAutomatic = "auto";

std::string name_of(Tier tier) { return std::string(ui::autocomplete::row_of(tier).name); }

std::string percent(float share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string percent_words(double share) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.1f %%", 100 * share);
  return buffer.data();
}

constexpr const char* kAsSystem = "system";

/// A look that the desktop has a word in. `silent` ends the help while it is left to a desktop that has none.
struct LookChoice {
  const char* key;
  std::optional<bool> Looks::*look;
  const char *label, *help, *silent;
  const char *no, *no_label, *yes, *yes_label;
};
constexpr LookChoice kColours{kThemeKey, &Looks::dark, "Colours", "Of the whole window.", "they are light", "light", "Light", "dark", "Dark"};
constexpr LookChoice kContrast{kContrastKey, &Looks::high_contrast, "Contrast", "High: black and white, and stronger lines.", "it is as usual", "usual", "Usual", "high", "High"};
constexpr LookChoice kMotion{kMotionKey, &Looks::less_motion, "Motion", "With less of it nothing fades in, and the caret stands still.", "it is as usual", "usual", "Usual", "less", "Less"};

ui::SettingRow look_row(const LookChoice& choice, const SettingFacts& facts) {
  const auto& chosen = facts.chosen.*choice.look;
  ui::SettingRow row{.key = choice.key, .section = "Look", .label = choice.label, .help = choice.help,
                     .options = {{kAsSystem, "As the system"}, {choice.no, choice.no_label}, {choice.yes, choice.yes_label}},
                     .chosen = !chosen ? kAsSystem : *chosen ? choice.yes : choice.no};
  if (!chosen && !(facts.system.*choice.look)) row.help.append(" This desktop does not tell, so ").append(choice.silent).append(".");
  return row;
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

ui::SettingRow thinking_row(const SettingFacts& facts) {
  return {.key = kThinkKey, .section = "Answers", .label = "Thinking before an answer", .help = "Of models that can. Thoughts take time, and are folded away above the answer.",
          .options = {{kAutomatic, "As the model does"}, {ui::kOn, "On"}, {ui::kOff, "Off"}},
          .chosen = !facts.thinking ? kAutomatic : *facts.thinking ? ui::kOn : ui::kOff};
}

ui::SettingRow announce_row(bool on) {
  return {.key = kAnnounceKey, .section = "Answers", .label = "Say when one is ready", .help = "By a notification, when it took more than ten seconds and this window is not in front. Nothing of the chat stands in it.",
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = on ? ui::kOn : ui::kOff};
}

ui::SettingRow suggestions_row(const SettingFacts& facts) {
  return {.key = ui::kSuggestionsSetting, .section = kSuggestions, .label = "Suggest what comes next",
          .help = "Made by the model on this computer; only counts are kept, never text (" + ui::words_of(ui::command(ui::CommandId::suggestion_health).keys[0]) + "). Off means that nothing runs.",
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = facts.suggestions.enabled ? ui::kOn : ui::kOff};
}

ui::SettingRow drafts_row(const SettingFacts& facts) {
  return {.key = kDraftsKey, .section = kSuggestions, .label = "At a time", .help = "The others stand below the text, with numbers.",
          .options = {{"3", "Up to three"}, {"1", "One"}}, .chosen = facts.suggestions.drafts == 1 ? "1" : "3"};
}

ui::SettingRow tab_row(const SettingFacts& facts) {
  return {.key = kTabKey, .section = kSuggestions, .label = "The Tab key takes", .help = "Ctrl and the right arrow always take a word.",
          .options = {{"all", "All of it"}, {"word", "The next word"}}, .chosen = facts.suggestions.tab_accepts_word ? "word" : "all"};
}

/// Of tiers; how many come at a time is another row's.
ui::SettingRow speed_row(const SettingFacts& facts) {
  const auto& speed = facts.suggestions.speed;
  return {.key = kSpeedKey, .section = kSuggestions, .label = "When they come", .help = facts.suggestions_now,
          .options = {{kAutomatic, "By speed"}, {name_of(Tier::full), "At once"}, {name_of(Tier::pause_only), "In pauses"}, {name_of(Tier::manual), "On request"}},
          .chosen = speed ? name_of(*speed) : kAutomatic};
}

constexpr std::array<const char*, 3> kWriters{kAutomatic, "chat", "small"};  // by WriterWish

ui::SettingRow writer_row(const SettingFacts& facts) {
  ui::SettingRow row{.key = kWriterKey, .section = kSuggestions, .label = "Written by", .help = facts.writer_now,
                     .options = {{kWriters[0], "Whichever fits"}, {kWriters[1], "The open model"}, {kWriters[2], "The small one"}},
                     .chosen = kWriters[static_cast<std::size_t>(facts.writer)]};
  if (!facts.helper_there) row.reason = "The small model that comes with the program is missing.";
  return row;
}

ui::SettingRow own_row(const SettingFacts& facts) {
  return {.key = kOwnKey, .section = kSuggestions, .label = "Learn from what you send", .help = "From your last 2,000 messages, in memory alone, never from private chats. Off forgets them.",
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = facts.suggestions.own_words ? ui::kOn : ui::kOff};
}

ui::SettingRow battery_row(const SettingFacts& facts) {
  return {.key = kBatteryKey, .section = kSuggestions, .label = "On battery", .help = "Sparing: one at a time, in pauses; in the power saver only when you press Alt+\u2193.",
          .options = {{"saves", "Sparing"}, {"ignored", "As usual"}}, .chosen = facts.suggestions.battery_rule ? "saves" : "ignored"};
}

ui::SettingRow aliases_row(const SettingFacts& facts) {
  return {.key = kAliasesKey, .section = kSuggestions, .label = "Keys of other editors", .help = "Alt+] and Alt+[ choose another suggestion, Alt+\\ asks for one.",
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = facts.suggestions.aliases ? ui::kOn : ui::kOff};
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

constexpr const char* kOthers = "Other programs";

ui::SettingRow server_row(const ui::ServerView& server) {
  return {.key = kServerKey, .section = kOthers, .label = "Answer other programs on this computer",
          .help = server.trouble.empty() ? "Over OpenAI's interface, by the open model, to whoever has the key. Nothing of it is kept." : server.trouble,
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = server.on ? ui::kOn : ui::kOff};
}

ui::SettingRow server_access_row(const ui::ServerView& server) {
  return {.key = "server.access", .section = kOthers, .label = "What they need to know", .help = "The address is " + server.url + ". The key is kept for the next time, too.",
          .options = {{.value = "url", .label = "Copy the address", .copies = server.url}, {.value = "key", .label = "Copy the key", .copies = server.key}}};
}

ui::SettingRow network_row(bool on) {
  return {.key = kNetworkKey, .section = "The internet", .label = "Look for models on Hugging Face",
          .help = "When you press Search or choose one to download, and at no other time. Nothing else of this program asks anybody anything.",
          .options = {{ui::kOn, "On"}, {ui::kOff, "Off"}}, .chosen = on ? ui::kOn : ui::kOff};
}

constexpr std::int64_t kLimits[] = {0, 10'000'000, 5'000'000, 2'000'000, 1'000'000, 500'000};  // bytes a second
std::string limit_text(std::int64_t limit) { return limit == 0 ? "none" : std::to_string(limit); }

ui::SettingRow limit_row(std::int64_t limit) {
  ui::SettingRow row{.key = kLimitKey, .section = "The internet", .label = "Downloads may take", .help = "In a second; counts at once.", .chosen = limit_text(limit)};
  for (const std::int64_t each : kLimits) row.options.push_back({limit_text(each), each == 0 ? "All there is" : each < 1'000'000 ? std::to_string(each / 1000) + " kB" : std::to_string(each / 1'000'000) + " MB"});
  return row;
}

ui::SettingRow asked_row() {
  return {.key = "network.asked", .section = "The internet", .label = "What was asked of it", .help = "Whom, what for, and how much came (" + ui::words_of(ui::command(ui::CommandId::network).keys[0]) + ").",
          .options = {{.value = "show", .label = "Show the list", .runs = ui::command(ui::CommandId::network).name}}};
}

}  // namespace

std::vector<ui::SettingRow> settings_page(const SettingFacts& facts) {
  std::vector<ui::SettingRow> rows{look_row(kColours, facts), look_row(kContrast, facts), scale_row(facts), look_row(kMotion, facts), enter_row(facts), thinking_row(facts)};
  if (facts.announces) rows.push_back(announce_row(*facts.announces));
  rows.insert(rows.end(), {suggestions_row(facts), speed_row(facts), drafts_row(facts), writer_row(facts), own_row(facts), battery_row(facts), tab_row(facts), aliases_row(facts)});
  if (facts.server != nullptr) rows.push_back(server_row(*facts.server));
  if (facts.server != nullptr && facts.server->on) rows.push_back(server_access_row(*facts.server));
  if (facts.network) rows.insert(rows.end(), {network_row(*facts.network), limit_row(facts.download_limit), asked_row()});
  rows.push_back(kv_row(facts));
  return rows;
}

void choose_look(Looks& chosen, std::string_view key, std::string_view value) {
  for (const LookChoice* choice : {&kColours, &kContrast, &kMotion}) {
    if (key == choice->key) chosen.*choice->look = value == choice->yes ? std::optional(true) : value == choice->no ? std::optional(false) : std::nullopt;
  }
}

WriterWish writer_wish_from(const std::string& value) {
  const auto wish = std::ranges::find(kWriters, value, [](const char* each) { return std::string_view(each); });
  return wish != kWriters.end() ? static_cast<WriterWish>(wish - kWriters.begin()) : WriterWish::automatic;
}

std::optional<bool> thinking_from(const std::string& value) {
  return value == ui::kOn ? std::optional(true) : value == ui::kOff ? std::optional(false) : std::nullopt;
}

std::int64_t limit_from(const std::string& value) {
  const auto limit = std::ranges::find(kLimits, value, limit_text);
  return limit == std::end(kLimits) ? 0 : *limit;
}

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
