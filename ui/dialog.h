#pragma once
// The frame of a dialog: shade, box, title, cross. What is in it is drawn by its owner, on the layer of dialogs.

#include <string_view>

#include "ui/frame.h"

namespace foreword::ui {

struct DialogLook {
  std::string_view id;       // prefixes its items: "link"
  std::string_view title;
  float width = 0, height = 0;  // pixels; made smaller to fit the window
};

class Dialog {
 public:
  static constexpr float kPad = 22, kHead = 44;  // logical

  /// Items added from now on belong to the dialog.
  Dialog(Frame& frame, Rect window, const DialogLook& look);
  /// Items belong to the window again.
  ~Dialog() { frame_.input.set_layer(0); }
  Dialog(const Dialog&) = delete;
  Dialog& operator=(const Dialog&) = delete;

  /// Below the title, within the padding.
  Rect inside() const { return inside_; }
  /// The same, down to the lower edge: for what scrolls, with a padding of its own at its end.
  Rect to_the_edge() const { return {inside_.left, inside_.top, inside_.right, inside_.bottom + frame_.px(kPad) - frame_.px(1)}; }
  /// The cross, Escape, or a press outside.
  bool closed() const { return closed_; }

 private:
  Frame& frame_;
  Rect inside_;
  bool closed_ = false;
};

}  // namespace foreword::ui
