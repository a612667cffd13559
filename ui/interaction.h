#pragma once
// The semantic item list and who gets which input. Every interactive thing registers an Item each frame; the next frame's
// input is dispatched in order against that list: hover, press, focus, activation. What one activation may change on
// screen ends the batch, and the rest of the queue waits for the next frame. No drawing, no clock. Main thread.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/input.h"
#include "ui/phrases.h"

namespace foreword::ui::text {
class EditBuffer;
}

namespace foreword::ui {

/// A note is only to be read: the mouse looks through it.
enum class ItemRole : std::uint8_t { button, row, text_field, document, scroll_area, note };

struct Item {
  std::string_view id;     // path: "chats/row:3/delete"
  ItemRole role = ItemRole::button;
  std::string_view label;  // what a screen reader says
  Rect rect;          // clipped to what is visible
  bool enabled = true;
  bool selected = false;
  bool focusable = true;
  bool tip = false;           // the label is shown as a tooltip
  bool takes_escape = false;  // Escape goes to it before it becomes a shortcut
  bool takes_tab = false;     // so do Tab and Shift+Tab, which move the focus otherwise
  bool takes_choices = false; // so do Alt with up, down, a digit, a bracket or a backslash
  bool takes_undo = true;     // of a text field: it has something to take back
  bool takes_pages = true;    // of a text field: it has more than one, else page up and down are the document's beside it
  const text::EditBuffer* edited = nullptr;  // of a text field: what stands in it; to be read before the next frame
  bool many_lines = false;    // of a text field
  std::int64_t message = 0;   // of a note: the message that it is; 0: none
  int layer = 0;              // items below the highest layer in use sleep (dialogs)
};

class Interaction {
 public:
  /// Dispatches events from the front of `queue` against the items of the last frame, then starts a new list.
  void begin_frame(std::vector<InputEvent>& queue);
  /// Forgets focus on things that no longer exist.
  void end_frame();

  /// Keeps copies of its texts until the next frame has begun. Things of which nothing is visible are left out.
  void add(Item item);
  /// The text field that characters go to, and that gets the focus, when they are typed while no field has it.
  void set_text_home(std::string_view id) { text_home_ = id; }
  /// Items added from now on belong to this layer.
  void set_layer(int layer) { layer_ = layer; }

  bool activated(std::string_view id) const;  // clicked, or Enter / Space while focused
  bool hovered(std::string_view id) const { return hovered_ == id; }
  bool pressed(std::string_view id) const { return pressed_ == id; }
  /// Something whose id begins with this one and a slash.
  bool is_hovered_below(std::string_view id) const { return is_below(hovered_, id); }
  bool is_focused_below(std::string_view id) const { return window_focused_ && is_below(focus_, id); }
  bool focused(std::string_view id) const { return window_focused_ && focus_ == id; }
  /// Shown only after the keyboard moved the focus.
  bool focus_ring(std::string_view id) const { return focused(id) && keyboard_focus_; }
  /// Input for an item, in order: keys and characters while focused; button presses, and moves and release while pressed;
  /// wheel for scroll areas and documents.
  std::span<const InputEvent> events_of(std::string_view id) const;
  /// Keys that no item took: shortcuts.
  const std::vector<KeyPress>& shortcuts() const { return shortcuts_; }
  const std::vector<std::string>& dropped_files() const { return dropped_; }

  /// Takes the focus, `by_key` with its ring; the item may appear in the next frame only.
  void focus(std::string_view id, bool by_key = false) { focus_ = id, keyboard_focus_ = by_key, focus_is_new_ = true; }
  /// As Tab would have done it; the focus moves at the end of the frame.
  void leave(bool back) { leaving_ = back ? -1 : 1; }
  const std::string& focus_id() const { return focus_; }
  Vec mouse() const { return mouse_; }
  bool window_focused() const { return window_focused_; }
  /// An input method is at work.
  bool composing() const { return composing_; }

  const std::vector<Item>& items() const { return items_; }
  const Item* find(std::string_view id) const;

 private:
  struct Routed {
    std::string id;
    std::vector<InputEvent> events;
  };
  static bool is_below(std::string_view item, std::string_view id) {
    return item.size() > id.size() && item.starts_with(id) && item[id.size()] == '/';
  }
  bool dispatch(const InputEvent& event);  // true: ends the batch
  bool dispatch_key(const KeyPress& press);
  bool dispatch_button(const MouseButton& button);
  bool dispatch_wish(const Wish& wish);
  void route(std::string_view id, const InputEvent& event);
  const Item* at(Vec point, bool scrolling) const;
  const Item* top_document() const;
  void move_focus(bool back);
  int top_layer() const;

  std::vector<Item> items_;      // of the frame being drawn, then of the last frame
  Phrases texts_;                // theirs
  std::vector<Routed> routed_;   // the first n_routed_; the others keep their memory
  std::size_t n_routed_ = 0;
  std::vector<const Item*> stops_;  // scratch
  std::vector<std::string> activated_;
  std::vector<KeyPress> shortcuts_;
  std::vector<std::string> dropped_;
  std::string hovered_, pressed_, focus_, text_home_;
  Vec mouse_{-1, -1};
  int layer_ = 0;
  bool window_focused_ = true;
  bool keyboard_focus_ = false;
  bool focus_is_new_ = false;
  bool composing_ = false;
  bool space_pressed_ = false;  // something, and its character is still to come
  int leaving_ = 0;  // -1: backwards; 0: not
};

}  // namespace foreword::ui
