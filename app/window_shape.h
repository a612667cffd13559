#pragma once
// The window's size from one start to the next, as a line of text: "1120 760", and "maximized" behind it.

#include <string>

#include "ui/window.h"

namespace foreword::app {

std::string shape_text(const ui::WindowOptions& window);
/// What cannot be read, or is no size for a window, is as if nothing had been kept.
ui::WindowOptions shape_from(const std::string& text);

}  // namespace foreword::app
