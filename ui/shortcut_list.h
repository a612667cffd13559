#pragma once
// The overlay that lists the commands and their keys, from the table of commands.

#include <string>
#include <vector>

#include "ui/frame.h"

namespace foreword::ui {

class ShortcutList {
 public:
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while open.
  void draw(Frame& frame, Rect window);

 private:
  float draw_caps(Frame& frame, const std::vector<std::string>& caps, float right, float top) const;
  void draw_row(Frame& frame, const struct Command& command, Rect row);

  std::vector<std::vector<std::string>> caps_;  // of all chords, two a command; known once it was opened
  bool open_ = false;
  float scroll_ = 0;
};

}  // namespace foreword::ui
