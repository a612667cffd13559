#pragma once
// How suggestions fare (A57, A60): what they are set to, in sentences, and the advisor's numbers without any text.

#include "ui/autocomplete/counters.h"
#include "ui/frame.h"
#include "ui/paragraph.h"

namespace foreword::ui {

class Suggester;

class SuggestionPanel {
 public:
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while it is open. Sends ChangeSetting.
  void draw(Frame& frame, Rect window, Suggester& suggester);

 private:
  bool open_ = false;
  float scroll_ = 0;
  Paragraph about_, state_;
};

/// The time below which a share of the measured ones lies, as the limit of its bucket; 0: nothing was measured.
autocomplete::Ms latency_at(const autocomplete::Counters& counters, autocomplete::Latency kind, double share);

}  // namespace foreword::ui
