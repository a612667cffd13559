#include "ui/glfw_input.h"

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>

#include <cstring>
#include <utility>

// Of glfw3native.h, whose other lines need the headers of X11.
extern "C" {
void glfwSetX11SelectionString(const char* text);
const char* glfwGetX11SelectionString(void);
}

namespace foreword::ui {
namespace {

struct KeyRow {
  int glfw;
  Key key;
};

constexpr KeyRow kNamedKeys[] = {
    {GLFW_KEY_ENTER, Key::enter}, {GLFW_KEY_KP_ENTER, Key::enter}, {GLFW_KEY_ESCAPE, Key::escape}, {GLFW_KEY_TAB, Key::tab},
    {GLFW_KEY_SPACE, Key::space}, {GLFW_KEY_BACKSPACE, Key::backspace}, {GLFW_KEY_DELETE, Key::del}, {GLFW_KEY_LEFT, Key::left},
    {GLFW_KEY_RIGHT, Key::right}, {GLFW_KEY_UP, Key::up}, {GLFW_KEY_DOWN, Key::down}, {GLFW_KEY_HOME, Key::home},
    {GLFW_KEY_END, Key::end}, {GLFW_KEY_PAGE_UP, Key::page_up}, {GLFW_KEY_PAGE_DOWN, Key::page_down}, {GLFW_KEY_F1, Key::f1},
    {GLFW_KEY_F2, Key::f2}, {GLFW_KEY_F3, Key::f3}, {GLFW_KEY_F6, Key::f6}, {GLFW_KEY_KP_ADD, Key::plus}, {GLFW_KEY_KP_SUBTRACT, Key::minus}};

/// Letters and signs by the layout, digits by position; a layout without Latin letters counts as an English one.
Key key_of(int glfw, int scancode) {
  for (const KeyRow& row : kNamedKeys) {
    if (row.glfw == glfw) return row.key;
  }
  if (glfw >= GLFW_KEY_0 && glfw <= GLFW_KEY_9) return letter(static_cast<char>('0' + glfw - GLFW_KEY_0));
  if (glfw >= GLFW_KEY_KP_0 && glfw <= GLFW_KEY_KP_9) return letter(static_cast<char>('0' + glfw - GLFW_KEY_KP_0));
  const char* name = glfwGetKeyName(glfw, scancode);
  if (name != nullptr && std::strlen(name) == 1 && name[0] > ' ') {
    const char c = name[0];
    return letter(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (glfw >= GLFW_KEY_A && glfw <= GLFW_KEY_Z) return letter(static_cast<char>('a' + glfw - GLFW_KEY_A));
  return Key::none;
}

Mods mods_of(int mods) {
  return {.ctrl = (mods & GLFW_MOD_CONTROL) != 0, .shift = (mods & GLFW_MOD_SHIFT) != 0, .alt = (mods & GLFW_MOD_ALT) != 0};
}

GlfwInput& self(GLFWwindow* window) { return *static_cast<GlfwInput*>(glfwGetWindowUserPointer(window)); }

}  // namespace

GlfwInput::GlfwInput(GLFWwindow* window) : window_(window) {
  glfwSetWindowUserPointer(window, this);
  glfwSetKeyCallback(window, [](GLFWwindow* w, int key, int scancode, int action, int mods) {
    if (action == GLFW_RELEASE) return;
    const bool brings_character = key >= GLFW_KEY_SPACE && key <= GLFW_KEY_WORLD_2 && (mods & (GLFW_MOD_CONTROL | GLFW_MOD_ALT | GLFW_MOD_SUPER)) == 0;
    self(w).push_key({key_of(key, scancode), mods_of(mods)}, brings_character);
  });
  glfwSetCharCallback(window, [](GLFWwindow* w, unsigned c) { self(w).push(Character{c}); });
  glfwSetCursorPosCallback(window, [](GLFWwindow* w, double, double) {
    GlfwInput& input = self(w);
    const Vec at = input.mouse();
    // Moves between two frames are one move.
    if (!input.queue.empty() && std::holds_alternative<MouseMove>(input.queue.back())) input.queue.pop_back();
    input.push(MouseMove{at});
  });
  glfwSetCursorEnterCallback(window, [](GLFWwindow* w, int entered) {
    if (entered == GLFW_FALSE) self(w).push(MouseMove{{-1, -1}});
  });
  glfwSetMouseButtonCallback(window, [](GLFWwindow* w, int button, int action, int mods) {
    self(w).push(MouseButton{button, action == GLFW_PRESS, self(w).mouse(), mods_of(mods), glfwGetTime()});
  });
  glfwSetScrollCallback(window, [](GLFWwindow* w, double dx, double dy) {
    const bool sideways = dx == 0 && (glfwGetKey(w, GLFW_KEY_LEFT_SHIFT) == GLFW_PRESS || glfwGetKey(w, GLFW_KEY_RIGHT_SHIFT) == GLFW_PRESS);
    if (sideways) std::swap(dx, dy);
    self(w).push(Wheel{self(w).mouse(), static_cast<float>(dx), static_cast<float>(dy)});
  });
  focused = glfwGetWindowAttrib(window, GLFW_FOCUSED) == GLFW_TRUE;  // before any callback; it may have opened behind others
  glfwSetWindowFocusCallback(window, [](GLFWwindow* w, int now_focused) {
    self(w).focused = now_focused == GLFW_TRUE;
    self(w).push(FocusChange{now_focused == GLFW_TRUE});
  });
  glfwSetWindowIconifyCallback(window, [](GLFWwindow* w, int hidden) { self(w).iconified = hidden == GLFW_TRUE; });
  glfwSetDropCallback(window, [](GLFWwindow* w, int n, const char** paths) {
    self(w).push(FilesDropped{std::vector<std::string>(paths, paths + n)});
  });
  glfwSetFramebufferSizeCallback(window, [](GLFWwindow* w, int, int) { self(w).touched = true; });
  glfwSetWindowRefreshCallback(window, [](GLFWwindow* w) { self(w).touched = true; });
  glfwSetWindowContentScaleCallback(window, [](GLFWwindow* w, float, float) { self(w).touched = true; });
}

void GlfwInput::push(InputEvent event) {
  composing_.take(std::move(event), glfwGetTime(), queue);
  say_composing();
  touched = true;
}

void GlfwInput::push_key(KeyPress press, bool printable) {
  if (printable) {
    composing_.take_printable(press, glfwGetTime(), queue);
  } else if (press.key != Key::none) {
    composing_.take(press, glfwGetTime(), queue);
  }
  say_composing();
  touched = true;
}

void GlfwInput::say_composing() {
  if (std::exchange(said_composing_, composing_.composing()) != composing_.composing()) queue.emplace_back(Composition{composing_.composing()});
}

double GlfwInput::advance(double now) {
  const std::size_t n = queue.size();
  composing_.advance(now, queue);
  say_composing();
  if (queue.size() > n) touched = true;
  return composing_.wake_at();
}

Vec GlfwInput::mouse() const {
  double x = 0, y = 0;
  glfwGetCursorPos(window_, &x, &y);
  int width = 1, height = 1, pixels_wide = 1, pixels_high = 1;
  glfwGetWindowSize(window_, &width, &height);
  glfwGetFramebufferSize(window_, &pixels_wide, &pixels_high);
  return {static_cast<float>(x * pixels_wide / std::max(1, width)), static_cast<float>(y * pixels_high / std::max(1, height))};
}

std::string GlfwClipboard::read(Board board) {
  const char* text = board == Board::copied ? glfwGetClipboardString(window_) : glfwGetX11SelectionString();
  return text == nullptr ? std::string() : std::string(text);  // null when empty, which is no error for us
}

void GlfwClipboard::write(const std::string& text, Board board) {
  board == Board::copied ? glfwSetClipboardString(window_, text.c_str()) : glfwSetX11SelectionString(text.c_str());
}

}  // namespace foreword::ui
