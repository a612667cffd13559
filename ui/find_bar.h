#pragma once
// The field that finds words in the chat that is shown: a counter, both directions, Enter and Shift+Enter.

#include "ui/message_view.h"
#include "ui/text_field.h"

namespace foreword::ui {

class FindBar {
 public:
  static constexpr const char* kFieldId = "find/text";

  /// Also when it is open: the field gets the focus and its text is selected.
  void open(Frame& frame);
  /// Looks for these words, and leaves the focus where it is.
  void show(std::string_view words);
  void close(Frame& frame, MessageView& conversation);
  bool is_open() const { return open_; }
  /// Draws at the top right of `area`, over the conversation, which it tells what to look for.
  void draw(Frame& frame, Rect area, MessageView& conversation);

 private:
  TextField field_{TextField::Lines::one};
  bool open_ = false;
};

}  // namespace foreword::ui
