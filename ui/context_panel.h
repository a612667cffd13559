#pragma once
// What becomes of a chat that outgrows the context: a panel above the composer with the choices, and the words of the line
// between what is left out and what is kept.

#include <string_view>

#include "ui/paragraph.h"

namespace foreword::ui {

class ContextPanel {
 public:
  /// By the meter, the cut line, or because something could not be sent.
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws upwards from the bottom of `area`; the height it took. Opens by itself when nothing can be sent. Sends
  /// ChooseOverflow.
  float draw(Frame& frame, Rect area);

 private:
  Paragraph question_;
  bool open_ = false, was_blocked_ = false;
};

/// "Above this line nothing is read any more."; what the cut line says.
std::string_view cut_line_words(Frame& frame, const ContextView& context);
/// "1,204 of 8,192 tokens would be sent" and the shares, "label\tnumber" a line: the meter's tooltip.
std::string_view meter_words(Frame& frame, const ContextView& context, std::int64_t context_size);

}  // namespace foreword::ui
