#pragma once
// The text of an editor: caret, selection, undo. Offsets are bytes at grapheme cluster boundaries; the text is always
// clean (utf8.h). No layout: up and down are the widget's. One thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

enum class Motion { cluster, word, paragraph, all };

/// Bytes [at, at + removed) became [at, at + inserted).
struct Change {
  std::size_t at = 0, removed = 0, inserted = 0;
};

class EditBuffer {
 public:
  explicit EditBuffer(bool one_line = false) : one_line_(one_line) {}

  const std::string& text() const { return text_; }
  std::size_t caret() const { return caret_; }
  Range selection() const;  // ordered; empty when nothing is selected
  std::string_view selected_text() const;

  /// Replaces everything and forgets the history; the caret goes to the end.
  void set_text(std::string_view text);

  /// Types or pastes: replaces the selection. The bytes are cleaned first.
  void insert(std::string_view bytes);
  /// Backspace and Delete, with Ctrl for a word: the selection if there is one.
  void erase_left(Motion motion);
  void erase_right(Motion motion);

  /// `offset` is rounded down to a cluster boundary.
  void move_to(std::size_t offset, bool extend);
  void move_left(Motion motion, bool extend);
  void move_right(Motion motion, bool extend);
  void select(Range range);
  void select_all() { select({0, text_.size()}); }

  /// One step is a typed word, a run of erasing, or a paste. Steps form a tree: what was undone and written over is kept as
  /// another branch. Redo goes along the branch that was left last. False: nothing to undo or redo.
  bool undo();
  bool can_undo() const { return here_ != 0; }
  bool redo();
  /// Goes to the state that was written before or after the present one, whichever branch it is on; so every state that
  /// ever was can be reached. False: there is none.
  bool earlier() { return go_to_step(here_ == 0 ? kNoStep : here_ - 1); }
  bool later() { return go_to_step(here_ + 1); }

  /// All changes since the last call as one, for the layout; nothing if there was none.
  std::optional<Change> take_change();
  /// Grows with every change of the text.
  std::uint64_t revision() const { return revision_; }

 private:
  enum class Kind { none, typing, erasing, other };
  static constexpr std::size_t kNoStep = static_cast<std::size_t>(-1);
  static constexpr std::size_t kMaxHistoryBytes = 64 << 20;  // of all steps; what is more is forgotten, and all before it

  /// An edge of the tree, from its parent's state to its own. Numbered in the order of writing; 0 is the first state.
  struct Step {
    std::size_t parent = 0;
    std::size_t last_child = 0;  // which one redo takes; 0: none
    std::size_t at = 0;
    std::string removed, inserted;
    std::size_t caret_before = 0, anchor_before = 0;
  };
  void replace(std::size_t at, std::size_t n_removed, std::string inserted, Kind kind);
  bool go_to_step(std::size_t step);
  void forget_history();
  bool grow_last_step(std::size_t at, std::string_view removed, std::string_view inserted, Kind kind);
  void apply(std::size_t at, std::size_t n_removed, std::string_view inserted);
  void note_change(Change change);
  void erase(Range range);
  std::size_t target(Motion motion, bool right) const;

  bool one_line_;
  std::string text_;
  std::size_t caret_ = 0, anchor_ = 0;
  std::vector<Step> steps_{Step{}};
  std::size_t here_ = 0;  // the step that made the present state
  std::size_t history_bytes_ = 0;
  Kind last_kind_ = Kind::none;
  std::optional<Change> change_;
  std::uint64_t revision_ = 0;
};

}  // namespace foreword::ui::text
