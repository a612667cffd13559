#pragma once
// Asks before a link is opened: where it goes is shown whole, and only addresses of the web and of mail can be opened.

#include <string>

#include "ui/paragraph.h"

namespace foreword::ui {

class LinkQuestion {
 public:
  void ask(Frame& frame, std::string target);
  bool is_open() const { return !target_.empty(); }
  /// Draws over the whole window while open. Sends OpenLink and closes itself.
  void draw(Frame& frame, Rect window);

 private:
  std::string target_, shown_;  // with what would not be seen
  Paragraph address_;
};

}  // namespace foreword::ui
