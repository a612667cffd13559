// Section 8: every row, with ghosts of every age, compositions and popups.

#include "ui/autocomplete/key_policy.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {
namespace {

constexpr Ms kOld = tuned("tab_age");

struct Expected {
  std::string what;
  KeyPress press;
  Action ghost, no_ghost;
  std::function<void(KeyFacts&)> also = [](KeyFacts&) {};
};

KeyPress press(Key key, bool ctrl = false, bool shift = false, bool alt = false, int digit = 0) { return {key, digit, ctrl, shift, alt, false}; }

const std::vector<Expected> kExpected = {
    {"Tab", press(Key::tab), Action::accept_all, Action::focus_next},
    {"Tab in a code block", press(Key::tab), Action::accept_all, Action::indent, [](KeyFacts& f) { f.in_code = true; }},
    {"A27 Tab accepts the next word", press(Key::tab), Action::accept_word, Action::focus_next, [](KeyFacts& f) { f.tab_accepts_word = true; }},
    {"Shift+Tab", press(Key::tab, false, true), Action::accept_line, Action::focus_previous},
    {"Ctrl+Right", press(Key::right, true), Action::accept_word, Action::move_caret},
    {"Option+Right", press(Key::right, false, false, true), Action::accept_word, Action::move_caret, [](KeyFacts& f) { f.mac = true; }},
    {"Ctrl+Right on macOS", press(Key::right, true), Action::move_caret, Action::move_caret, [](KeyFacts& f) { f.mac = true; }},
    {"Alt+Right elsewhere", press(Key::right, false, false, true), Action::move_caret, Action::move_caret},
    {"Right at the end", press(Key::right), Action::accept_word, Action::move_caret, [](KeyFacts& f) { f.caret_at_end = true; }},
    {"Right before the end", press(Key::right), Action::move_caret, Action::move_caret},
    {"Left", press(Key::left), Action::move_caret, Action::move_caret},
    {"Alt+Down", press(Key::down, false, false, true), Action::next_draft, Action::ask_now},
    {"Alt+Up", press(Key::up, false, false, true), Action::previous_draft, Action::pass},
    {"Down", press(Key::down), Action::pass, Action::pass},
    {"Alt+1", press(Key::digit, false, false, true, 1), Action::accept_nth, Action::pass},
    {"Alt+3", press(Key::digit, false, false, true, 3), Action::accept_nth, Action::pass},
    {"Alt+4 of three", press(Key::digit, false, false, true, 4), Action::pass, Action::pass},
    {"Alt+0", press(Key::digit, false, false, true, 0), Action::pass, Action::pass},
    {"Ctrl+2 on macOS", press(Key::digit, true, false, false, 2), Action::accept_nth, Action::pass, [](KeyFacts& f) { f.mac = true; }},
    {"Alt+2 on macOS", press(Key::digit, false, false, true, 2), Action::pass, Action::pass, [](KeyFacts& f) { f.mac = true; }},
    {"Ctrl+2 elsewhere", press(Key::digit, true, false, false, 2), Action::pass, Action::pass},
    {"a digit", press(Key::digit, false, false, false, 2), Action::pass, Action::pass},
    {"Esc", press(Key::escape), Action::hide_ghost, Action::pass},
    {"Esc while answering", press(Key::escape), Action::hide_ghost, Action::stop_answer, [](KeyFacts& f) { f.answering = true; }},
    {"second Esc", press(Key::escape), Action::hide_ghost, Action::open_snooze, [](KeyFacts& f) { f.just_hidden = true; }},
    {"second Esc while answering", press(Key::escape), Action::hide_ghost, Action::stop_answer,
     [](KeyFacts& f) { f.just_hidden = f.answering = true; }},
    {"Esc with a selection", press(Key::escape), Action::hide_ghost, Action::clear_selection, [](KeyFacts& f) { f.selecting = true; }},
    {"Esc while answering with a selection", press(Key::escape), Action::hide_ghost, Action::stop_answer,
     [](KeyFacts& f) { f.selecting = f.answering = true; }},
    {"Enter", press(Key::enter), Action::send, Action::send},
    {"Shift+Enter", press(Key::enter, false, true), Action::pass, Action::pass},
    {"Ctrl+Z", press(Key::z, true), Action::undo, Action::undo},
    {"Ctrl+Z right after an accept", press(Key::z, true), Action::undo_accept, Action::undo_accept, [](KeyFacts& f) { f.just_accepted = true; }},
    {"Alt+]", press(Key::bracket_right, false, false, true), Action::pass, Action::pass},
    {"A27 Alt+] as alias", press(Key::bracket_right, false, false, true), Action::next_draft, Action::pass, [](KeyFacts& f) { f.aliases = true; }},
    {"A27 Alt+[ as alias", press(Key::bracket_left, false, false, true), Action::previous_draft, Action::pass, [](KeyFacts& f) { f.aliases = true; }},
    {"A27 Alt+Backslash as alias", press(Key::backslash, false, false, true), Action::pass, Action::ask_now, [](KeyFacts& f) { f.aliases = true; }},
    {"A27 F6", press(Key::f6), Action::pass, Action::pass},
    {"a letter", press(Key::other), Action::pass, Action::pass},
};

bool accepts(Action action) {
  return action == Action::accept_all || action == Action::accept_word || action == Action::accept_line || action == Action::accept_nth;
}

TEST(KeyPolicy, EveryRowOfTheTableWithEveryAgeCompositionAndPopup) {
  for (const Expected& each : kExpected) {
    for (const bool ghost : {false, true}) {
      for (const Ms age : {0.0, kOld - 1, kOld, 1000.0}) {
        for (const bool composing : {false, true}) {
          for (const bool popup : {false, true}) {
            KeyFacts facts;
            facts.ghost = ghost;
            facts.ghost_age = age;
            facts.n_drafts = ghost ? 3 : 0;
            facts.composing = composing;
            facts.popup = popup;
            each.also(facts);
            Action expected = ghost ? each.ghost : each.no_ghost;
            const bool tab = each.press.key == Key::tab && !each.press.shift;
            if (ghost && tab && age < kOld) expected = Action::nothing;  // A24
            if (composing || popup) expected = Action::pass;            // A25
            EXPECT_EQ(name_of(action_of(each.press, facts)), name_of(expected))
                << each.what << ", ghost " << ghost << ", age " << age << ", composing " << composing << ", popup " << popup;
          }
        }
      }
    }
  }
}

TEST(KeyPolicy, A24TabOnAYoungGhostDoesNothingAtAll) {
  KeyFacts facts;
  facts.ghost = true;
  facts.ghost_age = kOld - 0.1;
  EXPECT_EQ(action_of(press(Key::tab), facts), Action::nothing);
  facts.tab_accepts_word = true;
  EXPECT_EQ(action_of(press(Key::tab), facts), Action::nothing);
  facts.ghost_age = kOld;
  EXPECT_EQ(action_of(press(Key::tab), facts), Action::accept_word);
}

TEST(KeyPolicy, A26AltGrTriggersNothing) {
  for (const Expected& each : kExpected) {
    KeyFacts facts;
    facts.ghost = true;
    facts.ghost_age = 1000;
    facts.n_drafts = 3;
    each.also(facts);
    KeyPress with_alt_gr = each.press;
    with_alt_gr.alt_gr = true;
    EXPECT_EQ(action_of(with_alt_gr, facts), Action::pass) << each.what;
    KeyPress as_windows_says = each.press;
    as_windows_says.ctrl = as_windows_says.alt = true;
    EXPECT_EQ(action_of(as_windows_says, facts), Action::pass) << each.what;
  }
}

TEST(KeyPolicy, A25NoAcceptWithoutAGhostOrAStrip) {
  for (const KeyRow& row : key_rows()) {
    for (int digit = 0; digit < 10; ++digit) {
      KeyFacts facts;
      facts.ghost_age = 1000;
      facts.caret_at_end = facts.aliases = facts.just_accepted = true;
      EXPECT_FALSE(accepts(action_of({row.key, digit, row.ctrl, row.shift, row.alt, false}, facts)));
    }
  }
}

TEST(KeyPolicy, NoRowIsNeverReached) {
  std::set<Action> seen;
  for (const Expected& each : kExpected) {
    for (const bool ghost : {false, true}) {
      for (const Ms age : {0.0, 1000.0}) {
        KeyFacts facts;
        facts.ghost = ghost, facts.ghost_age = age, facts.n_drafts = ghost ? 3 : 0;
        each.also(facts);
        seen.insert(action_of(each.press, facts));
      }
    }
  }
  for (const KeyRow& row : key_rows()) EXPECT_TRUE(seen.contains(row.action)) << name_of(row.action);
}

}  // namespace
}  // namespace foreword::ui::autocomplete
