#pragma once
// What was deleted and can be restored: a line at the lower edge of the chats, which unfolds; and the way to the copies.

#include <cstdint>

#include "ui/frame.h"

namespace foreword::ui {

class BinList {
 public:
  /// Draws upwards from the bottom of `area`; the height it took. Sends RestoreDeleted and ShowBackups.
  float draw(Frame& frame, Rect area);

 private:
  void draw_head(Frame& frame, Rect rect);
  void draw_rows(Frame& frame, Rect view, float content);
  bool draw_row(Frame& frame, const BinRow& row, Rect rect);

  bool open_ = false;
  float scroll_ = 0;
  std::int64_t reached_ = 0;  // the entry that the keyboard was at in the last frame; 0: none
};

}  // namespace foreword::ui
