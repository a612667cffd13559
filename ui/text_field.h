#pragma once
// An editor on our text core: the composer, and the one-line fields for search, titles and paths. Keyboard, mouse,
// clipboard and undo; any Unicode text passes unharmed.

#include <optional>
#include <string>
#include <string_view>

#include "ui/ghost_text.h"
#include "ui/text/edit_buffer.h"
#include "ui/text/layout.h"
#include "ui/text_watcher.h"

namespace foreword::ui {

class TextField {
 public:
  enum class Lines { one, many };
  struct Result {
    bool changed = false;
    bool submitted = false;  // Enter, as the options say
    bool backwards = false;  // with Shift, in a field of one line
    std::optional<std::string> pasted;  // by Ctrl+V; it stands in the text, as one step of undo
    bool paste_as_file = false;         // Ctrl+Shift+V, in a field of many lines: nothing was inserted
    bool cancelled = false;  // Escape, in fields that take it
  };
  struct Options {
    std::string_view label;  // for the item list
    std::string_view hint;   // shown while empty
    text::Font font;
    float line_height = 0;   // pixels
    bool takes_escape = false;
    bool takes_tab = false, takes_choices = false;  // for the watcher
    TextWatcher* watcher = nullptr;
    bool enter_submits = true;  // many lines: else Shift+Enter does, and Enter begins a line; Ctrl+Enter always submits
  };

  explicit TextField(Lines lines) : buffer_(lines == Lines::one), lines_(lines) {}

  const std::string& text() const { return buffer_.text(); }
  void set_text(std::string_view text) { buffer_.set_text(text); }
  text::EditBuffer& buffer() { return buffer_; }
  /// Grows with every change of the text.
  std::uint64_t revision() const { return buffer_.revision(); }

  /// Where the next change comes from that is found before a key.
  void set_origin(autocomplete::Origin origin) { next_origin_ = origin; }

  /// Height of all lines at a width, pixels.
  float content_height(Frame& frame, float width, const Options& options);
  /// Draws text, selection and caret inside `rect`; the frame around it is the caller's. `hit` is where clicks count.
  Result draw(Frame& frame, std::string_view id, Rect rect, Rect hit, const Options& options);

 private:
  void sync_layout(Frame& frame, float width, const Options& options);
  void tell_caret(TextWatcher* watcher, bool by_key);
  bool half_full(Frame& frame, float width);
  bool goes_on_at_caret(Frame& frame, std::size_t line, bool runs_left);
  void draw_ghost_text(Frame& frame, Rect rect, const Options& options);
  void handle_key(Frame& frame, const KeyPress& press, const Options& options, Result& result);
  void handle_mouse(Frame& frame, const InputEvent& event, Rect rect, float line_height);
  void move_sideways(Frame& frame, bool right, bool by_word, bool extend);
  void move_vertically(Frame& frame, int lines, bool extend);
  void move_in_line(Frame& frame, bool to_end, bool extend);
  std::size_t offset_at(Frame& frame, Vec point, Rect rect, float line_height);
  void keep_caret_visible(Frame& frame, Rect rect, float line_height);
  void draw_content(Frame& frame, std::string_view id, Rect rect, const Options& options);
  text::StyledText styled() const { return {buffer_.text(), {&span_, 1}}; }
  Vec place_of(Frame& frame, std::size_t line, std::size_t offset, float line_height, float width);
  float indent(Frame& frame, std::size_t line, float width);

  text::EditBuffer buffer_;
  Lines lines_;
  text::Span span_;  // the whole text, in the field's font
  text::Layout layout_;
  bool laid_out_ = false;
  float scroll_x_ = 0, scroll_y_ = 0;
  float wanted_x_ = -1;       // where up and down aim at; negative: the caret's own place
  std::size_t page_lines_ = 1;
  double last_input_ = 0;     // the caret is solid just after input
  double last_click_ = -1;
  Vec last_click_at_;
  int n_clicks_ = 0;
  text::Range click_range_;   // what a double or triple click selected; a drag keeps it
  text::Range told_;          // the watcher, of the selection
  std::size_t told_caret_ = 0;
  GhostText ghost_;
  float spare_ = 0;           // pixels kept below the text for a ghost
  bool composing_ = false;
  autocomplete::Origin next_origin_ = autocomplete::Origin::program;
  bool show_caret_ = true;    // scroll to the caret in the next frame
};

}  // namespace foreword::ui
