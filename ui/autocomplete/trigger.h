#pragma once
// Whether a change of the text starts computing (A3 to A6). A table of holds, asked in order; the first that applies says no.

#include <cstdint>
#include <span>
#include <string_view>

#include "ui/autocomplete/reason.h"
#include "ui/autocomplete/situation.h"

namespace foreword::ui::autocomplete {

/// Where a change of the text came from.
enum class Origin : std::uint8_t { typing, commit, accept, paste, deletion, undo, redo, drop, recall, program };

struct OriginRow {
  Origin origin;
  std::string_view name;
  bool starts;    // may start a job
  bool keeps;     // a ghost may be painted for the new text
  bool judged;    // a ghost that does not fit the change is rejected by it; else nobody is to blame
  bool is_key;    // one more key for the gate's measure of the typist
};
const OriginRow& row_of(Origin origin);
std::span<const OriginRow> origin_rows();

enum class Hold : std::uint8_t {
  none, switched_off, no_model, snoozed, silenced, dismissed, busy, battery, tier, unfocused, composing, selecting, wrong_origin,
  large_paste, too_little, mid_line, fence,
};

struct TriggerInput {
  const Settings& settings;
  const Situation& situation;
  Tier tier = Tier::full;        // the one in force
  bool battery_limits = false;   // it is the battery or the power saver that makes the tier what it is
  bool snoozed = false, silenced = false, dismissed = false;
  Origin origin = Origin::typing;
  std::string_view before, after;  // the whole text around the caret
  std::string_view inserted;       // by the change
};

struct HoldRow {
  Hold hold;
  std::string_view name;
  Reason counted;        // none: not worth a counter
  bool manual_ignores;   // Alt+Down does not care
  bool (*holds)(const TriggerInput&);
};
std::span<const HoldRow> hold_rows();

/// The first row that holds; null: go. manual: the user asks with a key.
const HoldRow* first_hold(const TriggerInput& input, bool manual);

}  // namespace foreword::ui::autocomplete
