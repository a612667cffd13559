#pragma once
// A text that is broken into lines, in one font: for dialogs and notices. Lives as long as its owner, so that only a change
// lays it out.

#include <string>
#include <string_view>

#include "ui/frame.h"
#include "ui/text/layout.h"

namespace foreword::ui {

class Paragraph {
 public:
  /// Before each draw(). At most `most_lines` lines are drawn. Sizes in pixels.
  void set(Frame& frame, std::string_view text, text::Font font, float line_height, float width, std::size_t most_lines = 100);
  std::size_t n_lines() const { return n_lines_; }
  /// Bytes of a line, with the spaces at its end.
  text::Range line(Frame& frame, std::size_t index);
  float height() const { return static_cast<float>(n_lines_) * line_height_; }
  void draw(Frame& frame, Vec at, Color color);
  /// Each line in the middle of the width that it was laid out for.
  void draw_centered(Frame& frame, Vec at, Color color);

 private:
  text::StyledText styled() const { return {text_, {&span_, 1}}; }

  std::string text_;
  text::Span span_;
  text::Layout layout_;
  std::size_t n_lines_ = 0;
  float line_height_ = 0;
  float scale_ = 0;  // for which it was laid out; 0: for none
};

}  // namespace foreword::ui
