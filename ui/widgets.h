#pragma once
// Small things that every panel needs. Each registers its item and says whether it was activated.

#include <string>
#include <string_view>

#include "ui/frame.h"

namespace foreword::ui {

enum class ButtonLook : std::uint8_t { primary, plain, danger };

struct ButtonState {
  bool enabled = true;
  bool selected = false;
};

bool text_button(Frame& frame, std::string_view id, std::string_view label, Rect rect, ButtonLook look, ButtonState state = {});
/// Width that a text button wants, pixels.
float text_button_width(Frame& frame, std::string_view label);
/// `label` is its tooltip.
bool icon_button(Frame& frame, std::string_view id, std::string_view label, Icon icon, Rect rect, ButtonState state = {});
/// Shown around what the keyboard has reached.
void focus_ring(Frame& frame, std::string_view id, Rect rect, float radius);
/// Where a page of this height that has the focus, or is under the mouse, is scrolled to by its wheel and keys; not limited.
float scrolled(Frame& frame, std::string_view id, float height, float scroll);
/// What the keyboard has reached in a page, and how far down; kept from frame to frame.
struct Reached {
  std::string id;
  float y = 0;
};
/// Where a page is scrolled to so that what the keyboard has just reached in `view` is seen, and what stands next to it in the direction in which it
/// goes; not limited. Once all of the page is drawn. `prefix`: of the page's ids.
float follow_keyboard(Frame& frame, std::string_view prefix, Rect view, float scroll, Reached& reached);
/// A thin bar at the right edge of `area`; returns the new scroll position if it is being dragged.
float scroll_bar(Frame& frame, std::string_view id, Rect area, float content_height, float scroll);
/// The same at the lower edge of `area`, for what is wider than it.
float sideways_bar(Frame& frame, std::string_view id, Rect area, float content_width, float scroll);

}  // namespace foreword::ui
