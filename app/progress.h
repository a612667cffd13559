#pragma once
// One line on stderr that says how far a long command is; nothing if stderr is no terminal.

#include <string>

namespace foreword::app {

class ProgressLine {
 public:
  ProgressLine();
  /// Clears the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Replaces the line, at most ten times a second.
  void show(const std::string& text);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  double last_seconds_ = -1;  // of the steady clock
};

}  // namespace foreword::app
