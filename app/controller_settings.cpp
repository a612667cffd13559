// The controller and what is set: read from the storage, changed by the user, shown as a page.

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "app/controller.h"
#include "app/settings_page.h"
#include "app/words.h"
#include "ui/autocomplete/tier_policy.h"

namespace foreword::app {

namespace command = storage::command;

namespace {

struct Applied {
  ui::ViewState& view;
  WriterWish& writer;
  engine::KvWish& kv;
  bool kv_given;
  std::optional<bool>& thinking;
  std::string &instructions, &new_chats;
  bool &server_wanted, &network, &announces;
  std::int64_t& download_limit;
};
using Apply = void (*)(Applied, const std::string&);

constexpr std::array<std::pair<std::string_view, Apply>, 19> kSettings{{
    {kScaleKey, [](Applied to, const std::string& value) { to.view.scale = scale_from(value, to.view.scale); }},
    {kEnterKey, [](Applied to, const std::string& value) { to.view.enter_sends = value != "new_line"; }},
    {kChatOrderKey, [](Applied to, const std::string& value) { to.view.chat_order = value == "name" ? ui::ChatOrder::name : ui::ChatOrder::date; }},
    {ui::kSuggestionsSetting, [](Applied to, const std::string& value) { to.view.suggestions.settings.enabled = value != ui::kOff; }},
    {kDraftsKey,
     [](Applied to, const std::string& value) { to.view.suggestions.settings.drafts = value == "1" ? 1 : ui::autocomplete::tuned_count("drafts"); }},
    {kSpeedKey,
     [](Applied to, const std::string& value) {
       const auto rows = ui::autocomplete::tier_rows();
       const auto row = std::ranges::find(rows, value, &ui::autocomplete::TierRow::name);
       to.view.suggestions.settings.speed = row != rows.end() && row->tier != ui::autocomplete::Tier::off ? std::optional(row->tier) : std::nullopt;
     }},
    {kWriterKey, [](Applied to, const std::string& value) { to.writer = writer_wish_from(value); }},
    {kOwnKey, [](Applied to, const std::string& value) { to.view.suggestions.settings.own_words = value != ui::kOff; }},
    {kBatteryKey, [](Applied to, const std::string& value) { to.view.suggestions.settings.battery_rule = value != "ignored"; }},
    {kAliasesKey, [](Applied to, const std::string& value) { to.view.suggestions.settings.aliases = value == ui::kOn; }},
    {kTabKey, [](Applied to, const std::string& value) { to.view.suggestions.settings.tab_accepts_word = value == "word"; }},
    {kInstructionsKey, [](Applied to, const std::string& value) { to.instructions = value; }},
    {kNewChatsKey, [](Applied to, const std::string& value) { to.new_chats = value; }},
    {kServerKey, [](Applied to, const std::string& value) { to.server_wanted = value == ui::kOn; }},
    {kNetworkKey, [](Applied to, const std::string& value) { to.network = value != ui::kOff; }},
    {kAnnounceKey, [](Applied to, const std::string& value) { to.announces = value != ui::kOff; }},
    {kLimitKey, [](Applied to, const std::string& value) { to.download_limit = limit_from(value); }},
    {kThinkKey, [](Applied to, const std::string& value) { to.thinking = thinking_from(value); }},
    {kKvKey,
     [](Applied to, const std::string& value) {
       const auto wish = engine::kv_wish_from_name(value);
       if (wish && !to.kv_given) to.kv = *wish;
     }},
}};

}  // namespace

void Controller::apply_setting(const std::string& key, const std::string& value) {
  if (take_suggestion_count(key, value)) return;
  choose_look(chosen_looks_, key, value);
  for (const auto& [name, apply] : kSettings) {
    if (name == key) apply({view_, suggesters_.wish, options_.model.kv, options_.kv_given, thinking_, new_chats_.instructions, new_chats_.settings, server_wanted_, network_, announces_, download_limit_}, value);
  }
}

void Controller::show_settings() {
  show_looks();
  view_.settings = settings_page({.chosen = chosen_looks_, .system = system_looks_, .scale = view_.scale, .enter_sends = view_.enter_sends, .thinking = thinking_,
                                  .suggestions = view_.suggestions.settings, .suggestions_now = explain_suggestions(),
                                  .writer = suggesters_.wish, .writer_now = std::string(writer_now().why), .helper_there = !options_.builtin.empty(), .kv = options_.model.kv, .kv_given = options_.kv_given,
                                  .kv_now = kv_now_, .kv_modes = kv_modes_, .answering = view_.generating, .server = out_.serve ? &view_.server : nullptr,
                                  .announces = out_.announce ? std::optional(announces_) : std::nullopt, .network = hub_.exists() ? std::optional(network_) : std::nullopt, .download_limit = download_limit_});
}

void Controller::set_setting(const std::string& key, std::string value) {
  apply_setting(key, value);
  show_settings();
  out_.storage(command::SetSetting{next_request_++, key, std::move(value)});
}

void Controller::handle(storage::event::Settings&& e) {
  const bool first = !std::exchange(settings_known_, true);
  for (const storage::Setting& setting : e.settings) apply_setting(setting.key, setting.value);
  if (!std::exchange(drafts_known_, true)) load_drafts(e.settings);
  switch_server();
  hub_.allow(network_);
  hub_.limit(download_limit_);
  show_settings();
  if (draft_key() == 0 && rows_.empty()) show_chat_settings();
  if (start_model_ == StartModel::awaited && !named_model_.empty()) open_start_model();
  if (first) learn_anew();
}

void Controller::handle(engine::KvMeasured&& e) {
  kv_modes_ = std::move(e.modes);  // counts from the next loading on
  show_settings();
}

void Controller::handle(ui::SetTheme&& e) { set_setting(kThemeKey, e.theme == ui::ThemeChoice::dark ? "dark" : "light"); }

void Controller::handle(ui::SetScale&& e) { set_setting(kScaleKey, scale_text(e.scale)); }

/// How a chat is kept is decided when the model is opened.
void Controller::handle(ui::ChangeSetting&& e) {
  const engine::KvWish before = options_.model.kv;
  const std::string key = e.key;
  set_setting(key, std::move(e.value));
  if (key == kServerKey) switch_server();
  hub_.allow(network_);
  hub_.limit(download_limit_);
  if (key == ui::kSuggestionsSetting) say_suggestions();
  if (key == ui::kSuggestionsSetting || key == kOwnKey) learn_anew();
  if (options_.model.kv != before && can_ask()) open_model(context_.model_path);
}

}  // namespace foreword::app
