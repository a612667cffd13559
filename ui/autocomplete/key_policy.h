#pragma once
// What a key means to suggestions (section 8), as one table: the first row whose key, modifiers and facts fit. Pure.

#include <cstdint>
#include <span>
#include <string_view>

#include "ui/autocomplete/letters.h"

namespace foreword::ui::autocomplete {

/// Digits by their place on the keyboard, letters and brackets by the layout.
enum class Key : std::uint8_t { other, tab, left, right, up, down, escape, enter, digit, z, bracket_left, bracket_right, backslash, f6 };

struct KeyPress {
  Key key = Key::other;
  int digit = 0;  // 1..9 of Key::digit
  bool ctrl = false, shift = false, alt = false;  // on macOS: ctrl, shift, option
  bool alt_gr = false;  // or Ctrl and Alt at once, which is how Windows says it
};

/// What the composer knows at the moment of the key.
struct KeyFacts {
  bool ghost = false;
  Ms ghost_age = 0;          // since its first paint
  int n_drafts = 0;          // that the strip shows; 0: it is not open
  bool composing = false, popup = false;
  bool answering = false;    // an answer is being written
  bool selecting = false;
  bool caret_at_end = false; // of the whole text
  bool in_code = false;      // inside a fenced code block
  bool just_hidden = false;  // Esc hid a ghost, and nothing was typed since
  bool just_accepted = false;
  bool tab_accepts_word = false, aliases = false;  // Settings
  bool mac = false;
};

enum class Action : std::uint8_t {
  pass,            // the composer's own meaning, or none
  nothing,         // swallowed: no accept, no focus move (tab_too_early)
  accept_all, accept_word, accept_line, accept_nth, next_draft, previous_draft, ask_now, hide_ghost,
  open_snooze, stop_answer, clear_selection, send, undo_accept, undo, focus_next, focus_previous, indent, move_caret,
};
std::string_view name_of(Action action);

/// For the settings page and the tests.
struct KeyRow {
  Key key;
  bool any_key;
  bool ctrl, shift, alt;      // exactly these, unless any_key
  std::uint16_t needs, forbids;  // facts, as bits
  Action action;
};
std::span<const KeyRow> key_rows();

Action action_of(const KeyPress& press, const KeyFacts& facts);

}  // namespace foreword::ui::autocomplete
