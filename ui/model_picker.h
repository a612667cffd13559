#pragma once
// A dialog that asks for a model: a path, a recent one, the built-in one, or a file dropped on the window.

#include "ui/paragraph.h"
#include "ui/text_field.h"

namespace foreword::ui {

class ModelPicker {
 public:
  void open(Frame& frame);
  void close() { open_ = false; }
  bool is_open() const { return open_; }
  /// Draws over the whole window while open. Sends OpenModel and closes itself.
  void draw(Frame& frame, Rect window);

 private:
  void choose(Frame& frame, std::string path);
  /// A model to choose. True: it was chosen.
  bool draw_row(Frame& frame, std::string_view id, const RecentModel& model, std::string_view detail, Rect row);

  Paragraph failure_, drop_;
  TextField path_{TextField::Lines::one};
  bool open_ = false;
};

}  // namespace foreword::ui
