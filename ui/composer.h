#pragma once
// Where the user writes. Enter sends, Shift+Enter starts a line; it grows with its text to a share of the window.

#include "ui/text_field.h"

namespace foreword::ui {

class Composer {
 public:
  static constexpr const char* kFieldId = "composer/text";

  /// Height it wants for a column of `width` pixels, at most 40 % of `window_height`.
  float wanted_height(Frame& frame, float width, float window_height);
  /// Sends SendMessage and StopGenerating. True: the user wants to send, but no model is open.
  bool draw(Frame& frame, Rect rect);

  const std::string& text() const { return field_.text(); }
  void set_text(std::string_view text) { field_.set_text(text); }

 private:
  TextField::Options options(const Frame& frame) const;

  TextField field_{TextField::Lines::many};
};

}  // namespace foreword::ui
