#include "app/window_shape.h"

#include <sstream>

namespace foreword::app {
namespace {

constexpr int kLeast = 200, kMost = 16384;
constexpr const char* kMaximized = "maximized";

}  // namespace

std::string shape_text(const WindowShape& shape) {
  std::string text = std::to_string(shape.window.width) + ' ' + std::to_string(shape.window.height);
  if (shape.window.maximized) text.append(" ").append(kMaximized);
  if (const std::string looks = looks_text(shape.system); !looks.empty()) text.append(" ").append(looks);
  return text + '\n';
}

WindowShape shape_from(const std::string& text) {
  WindowShape shape;
  std::istringstream in(text);
  int width = 0, height = 0;
  if (!(in >> width >> height) || width < kLeast || height < kLeast || width > kMost || height > kMost) return shape;
  shape.window.width = width;
  shape.window.height = height;
  for (std::string word; in >> word;) {
    if (word == kMaximized) shape.window.maximized = true;
    take_look_word(shape.system, word);
  }
  return shape;
}

}  // namespace foreword::app
