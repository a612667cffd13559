#pragma once
// Who looks over a text field's shoulder, at each key and each change as it happens: suggestions. Main thread.

#include <string_view>

#include "ui/autocomplete/trigger.h"
#include "ui/frame.h"
#include "ui/text/edit_buffer.h"

namespace foreword::ui {

class TextWatcher {
 public:
  virtual ~TextWatcher() = default;
  /// Before the field looks at a key; true: it leaves the key alone. What this changes in the buffer was accepted.
  virtual bool take_key(Frame& frame, const KeyPress& press, text::EditBuffer& buffer) = 0;
  virtual void text_changed(autocomplete::Origin origin, const text::EditBuffer& buffer, text::Change change) = 0;
  /// The caret or the selection changed, the text did not.
  virtual void caret_moved(const text::EditBuffer& buffer, bool by_key) = 0;
  /// An input method began or ended its work.
  virtual void composing(bool active) = 0;

  /// What is painted behind the caret, dimmed; never part of the text. Good until the next call of another function.
  virtual std::string_view ghost() const = 0;
  /// How much of it is there yet: 0 to 1.
  virtual float ghost_opacity() const = 0;
  /// Where it was painted; empty: nowhere, for there was no room.
  virtual void ghost_painted(Rect place) = 0;
  /// Whether room for it is kept below a line that is half full, so that its coming moves nothing.
  virtual bool wants_room() const = 0;
};

}  // namespace foreword::ui
