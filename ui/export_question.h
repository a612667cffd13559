#pragma once
// Asks as what a chat shall be saved.

#include <cstdint>

#include "ui/frame.h"

namespace foreword::ui {

class ExportQuestion {
 public:
  void ask(Frame& frame);
  bool is_open() const { return chat_ != 0; }
  /// Draws over the whole window while open. Sends ExportChat and closes itself.
  void draw(Frame& frame, Rect window);

 private:
  std::int64_t chat_ = 0;
};

}  // namespace foreword::ui
