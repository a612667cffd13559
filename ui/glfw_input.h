#pragma once
// GLFW's callbacks as our ordered list of input events. Main thread.

#include <deque>
#include <functional>

#include "ui/input.h"

struct GLFWwindow;

namespace foreword::ui {

class GlfwInput {
 public:
  /// Installs the callbacks and the window's user pointer; both must outlive the window.
  explicit GlfwInput(GLFWwindow* window);

  std::deque<InputEvent> queue;
  bool focused = true, iconified = false;
  bool touched = false;  // anything happened that may need a new frame (also resize and expose); the reader resets it

 private:
  void push(InputEvent event);
  Vec mouse() const;

  GLFWwindow* window_;
};

class GlfwClipboard final : public Clipboard {
 public:
  explicit GlfwClipboard(GLFWwindow* window) : window_(window) {}
  std::string read() override;
  void write(const std::string& text) override;

 private:
  GLFWwindow* window_;
};

}  // namespace foreword::ui
