#include "ui/paragraph.h"

#include <algorithm>

namespace foreword::ui {

Paragraph::Paragraph(Frame& frame, std::string_view text, text::Font font, float line_height, float width, std::size_t most_lines)
    : text_(text), span_{.font = font}, line_height_(line_height) {
  layout_.set(frame.canvas.shapes(), styled(), width);
  n_lines_ = std::min(layout_.n_lines(), most_lines);
}

void Paragraph::draw(Frame& frame, Vec at, Color color) {
  for (std::size_t i = 0; i < n_lines_; ++i) {
    frame.canvas.line({at.x, at.y + static_cast<float>(i) * line_height_}, line_height_, layout_, styled(), i, {&color, 1});
  }
}

}  // namespace foreword::ui
