#pragma once
// What the suggestion policies must know of the world: what the user has set, and what is going on. The caller fills them in.

#include <cstdint>
#include <optional>

#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {

/// How fast this computer answers, and so how suggestions behave; from the best to none.
enum class Tier : std::uint8_t { full, reduced, pause_only, manual, off };

struct Settings {
  bool enabled = true;           // one switch for everything
  int drafts = tuned_count("drafts");
  bool tab_accepts_word = false; // "Tab accepts: everything / next word"
  bool aliases = false;          // Alt+] Alt+[ Alt+Backslash
  bool mac = false;              // that platform's modifiers
  bool own_words = true;         // learn from what the user sends
  bool battery_rule = true;      // be sparing on battery and in the power saver
  std::optional<Tier> speed{};   // a fixed tier; none: automatic
  bool operator==(const Settings&) const = default;
};

struct Situation {
  std::uint64_t context = 0;  // hash of chat, branch leaf, system prompt, model file and settings that change drafts
  bool model = false;         // there is one that can suggest
  bool fills_middle = false;  // it has tokens for text on both sides of the caret
  bool focused = false;       // the composer
  bool composing = false;     // an input method is at work
  bool selecting = false;     // some text is selected
  bool popup = false;         // a menu or a question is open
  bool answering = false;     // an answer is being written
  bool busy = false;          // something that goes first needs the device
  bool on_battery = false;
  bool power_saver = false;
  bool operator==(const Situation&) const = default;
};

}  // namespace foreword::ui::autocomplete
