#pragma once
// The rows of the settings page from what is set and what the open model can do. Pure; the keys are those of the stored
// settings.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/kv/kv_choice.h"
#include "ui/view_state.h"

namespace foreword::app {

inline constexpr const char* kThemeKey = "theme";
inline constexpr const char* kScaleKey = "scale";
inline constexpr const char* kEnterKey = "enter";  // "sends" or "new_line"
inline constexpr const char* kDraftsKey = "suggestions.drafts";  // "1" or "3"
inline constexpr const char* kTabKey = "suggestions.tab";        // "all" or "word"
inline constexpr const char* kKvKey = "kv";        // a name of kv_wish_from_name()

struct SettingFacts {
  ui::ThemeChoice theme = ui::ThemeChoice::light;
  float scale = 1;
  bool enter_sends = true;
  ui::autocomplete::Settings suggestions{};
  engine::KvWish kv{};
  bool kv_given = false;       // on the command line, which counts more than what is stored
  std::string kv_now{};        // of the open model: "balanced"; empty: none is open
  std::span<const engine::KvModeOffer> kv_modes{};
  bool answering = false;
};

std::vector<ui::SettingRow> settings_page(const SettingFacts& facts);

/// As it is stored: "1.25".
std::string scale_text(float scale);
/// Of 0.75 to 3; `otherwise` for what is none.
float scale_from(const std::string& text, float otherwise);

}  // namespace foreword::app
