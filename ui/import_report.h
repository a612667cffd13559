#pragma once
// What files hold that somebody wants to import, before anything of it is written. Open while the state has it.

#include <vector>

#include "ui/paragraph.h"

namespace foreword::ui {

class ImportReport {
 public:
  /// Draws over the whole window. Sends ConfirmImport and CancelImport.
  void draw(Frame& frame, Rect window);

 private:
  bool open_ = false;  // in the last frame
  std::vector<Paragraph> details_;  // of the rows
  float scroll_ = 0;
};

}  // namespace foreword::ui
