#pragma once
// What hands do, as an ordered list: keys that are pressed and released between two frames are not lost. The window
// fills the list, tests write it.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ui/geometry.h"

namespace foreword::ui {

/// Letters and digits are their lower-case ASCII value by the keyboard's layout; the rest has names.
enum class Key : std::uint16_t {
  none = 0, plus = '+', minus = '-', slash = '/', question = '?',
  enter = 256, escape, tab, space, backspace, del, left, right, up, down, home, end, page_up, page_down, f1, f2, f3, f6,
};
constexpr Key letter(char c) { return static_cast<Key>(c); }

struct Mods {
  bool ctrl = false, shift = false, alt = false;
  bool operator==(const Mods&) const = default;
};

struct KeyPress { Key key = Key::none; Mods mods; };           // presses and repeats
struct Character { char32_t value = 0; };                      // committed text
struct MouseMove { Vec at; };
struct MouseButton { int button = 0; bool down = false; Vec at; Mods mods; double time = 0; };  // 0 left, 1 right, 2 middle
struct Composition { bool active = false; };                   // an input method began or ended its work
struct Wheel { Vec at; float dx = 0, dy = 0; };                // in notches, up positive
struct FocusChange { bool focused = false; };
struct FilesDropped { std::vector<std::string> paths; };
/// What an assistive technology asks for in the place of hands: an item gets the focus, as by Tab, or is pressed, as by a click.
struct Wish { std::string id; bool press = false; };
using InputEvent = std::variant<KeyPress, Character, Composition, MouseMove, MouseButton, Wheel, FocusChange, FilesDropped, Wish>;

/// What was copied, and what was selected last, which the middle button pastes (X11's CLIPBOARD and PRIMARY).
enum class Board : std::uint8_t { copied, selected };

/// The window system's clipboards. Reading may wait for another program, so it happens on a paste only.
class Clipboard {
 public:
  virtual ~Clipboard() = default;
  virtual std::string read(Board board = Board::copied) = 0;
  virtual void write(const std::string& text, Board board = Board::copied) = 0;
};

}  // namespace foreword::ui
