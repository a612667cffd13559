#pragma once
// The copies of all chats: choose one, and go back to it. Open while the state has a list of them.

#include <cstdint>

#include "ui/paragraph.h"

namespace foreword::ui {

class BackupList {
 public:
  /// Draws over the whole window. Sends RestoreBackup and CloseBackups.
  void draw(Frame& frame, Rect window);

 private:
  void draw_rows(Frame& frame, Rect area);

  std::int64_t chosen_ = 0;
  std::size_t n_rows_ = 0;  // of the last frame
  float scroll_ = 0;
  Paragraph about_;
};

}  // namespace foreword::ui
