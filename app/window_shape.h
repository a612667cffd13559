#pragma once
// What the window is kept as from one start to the next: its size, and how the desktop wanted things to look, so that the first frame has the right
// colours. A line of text: "1120 760", and words behind it, "maximized dark".

#include <string>

#include "app/bus/looks.h"
#include "ui/window.h"

namespace foreword::app {

struct WindowShape {
  ui::WindowOptions window{};
  Looks system{};
};

std::string shape_text(const WindowShape& shape);
/// What cannot be read, or is no size for a window, is as if nothing had been kept.
WindowShape shape_from(const std::string& text);

}  // namespace foreword::app
