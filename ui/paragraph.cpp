#include "ui/paragraph.h"

#include <algorithm>

namespace foreword::ui {

void Paragraph::set(Frame& frame, std::string_view text, text::Font font, float line_height, float width, std::size_t most_lines) {
  line_height_ = line_height;
  if (scale_ != frame.scale || text != text_ || width != layout_.width() || !(font == span_.font)) {
    scale_ = frame.scale;
    text_ = text;
    span_.font = font;
    layout_.set(frame.canvas.shapes(), styled(), width);
  }
  n_lines_ = std::min(layout_.n_lines(), most_lines);
}

text::Range Paragraph::line(Frame& frame, std::size_t index) {
  const text::Line line = layout_.line(frame.canvas.shapes(), styled(), index);
  return {line.begin, line.end};
}

void Paragraph::draw(Frame& frame, Vec at, Color color) {
  for (std::size_t i = 0; i < n_lines_; ++i) {
    frame.canvas.line({at.x, at.y + static_cast<float>(i) * line_height_}, line_height_, layout_, styled(), i, {&color, 1});
  }
}

void Paragraph::draw_centered(Frame& frame, Vec at, Color color) {
  for (std::size_t i = 0; i < n_lines_; ++i) {
    const text::Range range = line(frame, i);
    std::string_view words = std::string_view(text_).substr(range.begin, range.end - range.begin);
    words = words.substr(0, words.find_last_not_of(' ') + 1);
    const float left = std::round(at.x + (layout_.width() - frame.canvas.width(span_.font, words)) / 2);
    frame.canvas.text({left, at.y + static_cast<float>(i) * line_height_}, line_height_, span_.font, color, words);
  }
}

}  // namespace foreword::ui
