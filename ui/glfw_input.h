#pragma once
// GLFW's callbacks as our ordered list of input events, without those that an input method keeps (composing.h). Main thread.

#include <functional>
#include <vector>

#include "ui/composing.h"
#include "ui/input.h"

struct GLFWwindow;

namespace foreword::ui {

class GlfwInput {
 public:
  /// Installs the callbacks and the window's user pointer; both must outlive the window.
  explicit GlfwInput(GLFWwindow* window);

  std::vector<InputEvent> queue;
  bool focused = true, iconified = false;
  /// Time has passed; when this is wanted next.
  double advance(double now);

  bool touched = false;  // anything happened that may need a new frame (also resize and expose); the reader resets it

 private:
  void push(InputEvent event);
  void push_key(KeyPress press, bool printable);
  void say_composing();
  Vec mouse() const;

  GLFWwindow* window_;
  Composing composing_;
  bool said_composing_ = false;
};

class GlfwClipboard final : public Clipboard {
 public:
  explicit GlfwClipboard(GLFWwindow* window) : window_(window) {}
  std::string read(Board board) override;
  void write(const std::string& text, Board board) override;

 private:
  GLFWwindow* window_;
};

}  // namespace foreword::ui
