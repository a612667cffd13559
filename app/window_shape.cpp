#include "app/window_shape.h"

#include <sstream>

namespace foreword::app {
namespace {

constexpr int kLeast = 200, kMost = 16384;
constexpr const char* kMaximized = "maximized";

}  // namespace

std::string shape_text(const ui::WindowOptions& window) {
  return std::to_string(window.width) + ' ' + std::to_string(window.height) + (window.maximized ? std::string(" ") + kMaximized : std::string()) + '\n';
}

ui::WindowOptions shape_from(const std::string& text) {
  ui::WindowOptions window;
  std::istringstream in(text);
  int width = 0, height = 0;
  std::string word;
  if (!(in >> width >> height) || width < kLeast || height < kLeast || width > kMost || height > kMost) return window;
  window.width = width;
  window.height = height;
  window.maximized = in >> word && word == kMaximized;
  return window;
}

}  // namespace foreword::app
