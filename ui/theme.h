#pragma once
// Colours and sizes. Sizes are logical (scale 1); text pairs hold a contrast of at least 4.5:1, of the high-contrast themes 7:1 (WCAG 2.1,
// 1.4.3 and 1.4.6), which a test computes.

#include <array>

#include "ui/geometry.h"
#include "ui/text/highlight.h"
#include "ui/view_state.h"

namespace foreword::ui {

struct Theme {
  Color page;          // behind the conversation
  Color side;          // behind the chat list
  Color raised;        // fields, dialogs
  Color line;          // hairlines and borders
  Color border_focus;  // of the field that has the keyboard
  Color ink;           // text
  Color ink_soft;      // secondary text
  Color ghost;         // suggested text behind the caret
  Color accent;        // the one strong colour
  Color on_accent;     // text on it
  Color hover;         // behind a row or button under the mouse
  Color chosen;        // behind the current row
  Color bubble;        // behind what the user said
  Color code;          // behind code
  Color chip;          // behind code within a line
  Color selection;     // behind selected text
  Color found, found_here;  // behind what a search found, and where it stands
  Color danger;        // text and buttons that destroy or report failure
  Color on_danger;
  Color danger_soft;   // behind an error notice
  Color scrim;         // over the window while a dialog asks
  std::array<Color, text::kTokenKinds> tokens;  // of code, by text::Token
};

const Theme& theme_of(ThemeChoice choice, bool high_contrast = false);

/// WCAG 2.1 contrast ratio of two opaque colours, 1..21.
double contrast(Color a, Color b);

namespace size {  // logical pixels
inline constexpr float kText = 16, kInterface = 14, kSmall = 13, kTitle = 26;
inline constexpr float kLineHeight = 1.55f;  // of the conversation, times the font size
inline constexpr float kMeasure = 680;       // width of the conversation: about 75 characters
inline constexpr float kSidebar = 268;
inline constexpr float kSidebarFrom = 660;   // a narrower window shows the chat list when it is asked for
inline constexpr float kHeader = 52, kStatus = 30, kButton = 32, kRadius = 8;
}  // namespace size

}  // namespace foreword::ui
