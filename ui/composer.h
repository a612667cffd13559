#pragma once
// Where the user writes. Enter sends, Shift+Enter starts a line; it grows with its text to a share of the window.

#include "ui/text_field.h"

namespace foreword::ui {

class Composer {
 public:
  static constexpr const char* kFieldId = "composer/text";

  /// Height it wants for a column of `width` pixels, at most 40 % of `window_height`.
  float wanted_height(Frame& frame, float width, float window_height);
  /// Sends SendMessage, EditMessage and StopGenerating. True: the user wants to send, but no model is open.
  bool draw(Frame& frame, Rect rect);

  const std::string& text() const { return field_.text(); }
  /// Also ends editing.
  void set_text(std::string_view text) { field_.set_text(text), editing_ = 0, draft_.clear(); }
  /// Takes up a message to be written anew; what stood here comes back afterwards.
  void edit(Frame& frame, const MessageRow& message);
  /// What the user had written for a message of its own, editing or not.
  const std::string& draft() const { return editing_ == 0 ? field_.text() : draft_; }

 private:
  TextField::Options options(const Frame& frame) const;
  void draw_editing_head(Frame& frame, Rect rect);
  void stop_editing();

  TextField field_{TextField::Lines::many};
  std::int64_t editing_ = 0;   // the message; 0: a new one
  bool edits_answer_ = false;
  std::string draft_;          // of the new one, while another is edited
};

}  // namespace foreword::ui
