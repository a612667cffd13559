#pragma once
// The settings page: the rows of the state, each with the values that it can have. What they are and do is the owner's.

#include <vector>

#include "ui/paragraph.h"
#include "ui/widgets.h"

namespace foreword::ui {

class SettingsPanel {
 public:
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while it is open. Sends ChangeSetting.
  void draw(Frame& frame, Rect window);

 private:
  bool open_ = false;
  float scroll_ = 0;
  Reached reached_;
  std::vector<Paragraph> help_;  // of the rows
};

}  // namespace foreword::ui
