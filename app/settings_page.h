#pragma once
// The rows of the settings page from what is set and what the open model can do. Pure; the keys are those of the stored
// settings.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/bus/looks.h"
#include "app/suggestion_writer.h"
#include "engine/kv/kv_choice.h"
#include "ui/view_state.h"

namespace foreword::app {

inline constexpr const char* kThemeKey = "theme";        // "system", "light" or "dark"
inline constexpr const char* kContrastKey = "contrast";  // "system", "usual" or "high"
inline constexpr const char* kScaleKey = "scale";
inline constexpr const char* kEnterKey = "enter";  // "sends" or "new_line"
inline constexpr const char* kDraftsKey = "suggestions.drafts";  // "1" or "3"
inline constexpr const char* kTabKey = "suggestions.tab";        // "all" or "word"
inline constexpr const char* kSpeedKey = "suggestions.speed";    // "auto", or a name of tier_rows()
inline constexpr const char* kWriterKey = "suggestions.model";   // "auto", "chat" or "small"
inline constexpr const char* kOwnKey = "suggestions.own";        // "on" or "off"
inline constexpr const char* kBatteryKey = "suggestions.battery";  // "saves" or "ignored"
inline constexpr const char* kAliasesKey = "suggestions.aliases";  // "on" or "off"
inline constexpr const char* kMotionKey = "motion";  // "system", "usual" or "less"
inline constexpr const char* kThinkKey = "think";  // "auto", "on" or "off"
inline constexpr const char* kAnnounceKey = "announce";  // "on" or "off"
inline constexpr const char* kInstructionsKey = "new_chats.instructions";  // that new chats begin with; not on the page
inline constexpr const char* kNewChatsKey = "new_chats.settings";          // likewise, as a chat's settings
inline constexpr const char* kServerKey = "server";  // "on" or "off"
inline constexpr const char* kNetworkKey = "network";  // "on" or "off"
inline constexpr const char* kLimitKey = "download_limit";  // bytes a second that downloads may take, or "none"
inline constexpr const char* kKvKey = "kv";        // a name of kv_wish_from_name()

struct SettingFacts {
  Looks chosen{}, system{};
  float scale = 1;
  bool enter_sends = true;
  std::optional<bool> thinking = {};  // of models that can; nothing: as they do by themselves
  ui::autocomplete::Settings suggestions{};
  std::string suggestions_now{};  // how they behave just now, and why
  WriterWish writer = WriterWish::automatic;
  std::string writer_now{};    // which model writes them, and why
  bool helper_there = false;
  engine::KvWish kv{};
  bool kv_given = false;       // on the command line, which counts more than what is stored
  std::string kv_now{};        // of the open model: "balanced"; empty: none is open
  std::span<const engine::KvModeOffer> kv_modes{};
  bool answering = false;
  const ui::ServerView* server = nullptr;  // null: there is none
  std::optional<bool> announces = {};  // answers that took long; nothing: the desktop cannot be asked to
  std::optional<bool> network = {};  // whether models are looked for on the web; nothing: this build cannot
  std::int64_t download_limit = 0;   // bytes a second; 0: none
};

std::vector<ui::SettingRow> settings_page(const SettingFacts& facts);

/// As it is stored, under the key of a row of looks; what is none is left to the desktop. A key of something else changes nothing.
void choose_look(Looks& chosen, std::string_view key, std::string_view value);
/// As it is stored; what is none is automatic.
WriterWish writer_wish_from(const std::string& value);
/// As it is stored; what is neither "on" nor "off" is left to the model.
std::optional<bool> thinking_from(const std::string& value);
/// As it is stored; what is no row of the page's is no limit, 0.
std::int64_t limit_from(const std::string& value);
/// As it is stored: "1.25".
std::string scale_text(float scale);
/// Of 0.75 to 3; `otherwise` for what is none.
float scale_from(const std::string& text, float otherwise);

}  // namespace foreword::app
