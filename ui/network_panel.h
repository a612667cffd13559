#pragma once
// What was asked of the internet: whom, what for, how much came of it, and when.

#include "ui/paragraph.h"
#include "ui/widgets.h"

namespace foreword::ui {

class NetworkPanel {
 public:
  /// Sends ShowNetwork.
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while it is open. Sends ClearNetwork.
  void draw(Frame& frame, Rect window);

 private:
  void draw_rows(Frame& frame, Rect view);
  static void draw_row(Frame& frame, const NetworkRow& row, Rect rect);

  bool open_ = false;
  float scroll_ = 0;
  Paragraph about_, problem_;
};

}  // namespace foreword::ui
