#pragma once
// The overlay that lists the commands and their keys, from the table of commands.

#include "ui/frame.h"

namespace foreword::ui {

class ShortcutList {
 public:
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while open.
  void draw(Frame& frame, Rect window);

 private:
  void draw_row(Frame& frame, const struct Command& command, Rect row);

  bool open_ = false;
  float scroll_ = 0;
};

}  // namespace foreword::ui
