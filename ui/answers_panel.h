#pragma once
// How the chat that is shown is answered: its instructions, and the numbers by which answers are drawn. What is written is said in its pauses,
// and when the panel closes.

#include <string>
#include <vector>

#include "ui/paragraph.h"
#include "ui/text_field.h"
#include "ui/widgets.h"

namespace foreword::ui {

class AnswersPanel {
 public:
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while it is open; closes when another chat is shown. Sends SetInstructions, SetSampling and
  /// KeepForNewChats.
  void draw(Frame& frame, Rect window);

 private:
  /// A number as it is being written.
  struct Number {
    TextField field{TextField::Lines::one};
    bool wrong = false;  // what stands there is none, or none that can be
    Paragraph help;
  };

  static float number_height(const Frame& frame, float width, const Number& number);
  float draw_instructions(Frame& frame, Rect view, float y);
  void draw_number(Frame& frame, Rect view, float y, const SamplingRow& row, Number& number);
  float draw_for_new_chats(Frame& frame, Rect view, float y);
  void lay_out(Frame& frame, float width);
  void say_instructions(Frame& frame, bool at_once);
  void close(Frame& frame);

  bool open_ = false;
  float scroll_ = 0;
  Reached reached_;
  float height_ = 1e6f;  // of all that can be scrolled, as it was drawn last
  std::int64_t chat_ = 0;
  bool private_ = false;
  TextField instructions_{TextField::Lines::many};
  std::uint64_t said_ = 0, seen_ = 0;  // revisions of the instructions
  double changed_at_ = 0;
  std::vector<Number> numbers_;
  Paragraph about_, for_new_chats_;
};

}  // namespace foreword::ui
