#pragma once
// A composer without a window: a text that is edited, and the advisor that follows it. Does with each event of a typist what the
// window does (docs/autocomplete.md). No clock of its own: times are milliseconds of any steady clock. One thread.

#include <functional>
#include <string>
#include <string_view>

#include "app/key_trace.h"
#include "ui/autocomplete/advisor.h"
#include "ui/text/edit_buffer.h"

namespace foreword::app {

class Typist {
 public:
  using Ms = ui::autocomplete::Ms;
  /// Gets every letter to the engine at once.
  using Post = std::function<void(const ui::autocomplete::Letter& letter, Ms now)>;

  Typist(const ui::autocomplete::Settings& settings, Post post) : advisor(settings), post_(std::move(post)) {}

  ui::text::EditBuffer buffer;
  ui::autocomplete::Situation situation;  // set_situation() tells of changes
  ui::autocomplete::Advisor advisor;
  std::string sent;                       // the last message
  ui::autocomplete::Action last_action = ui::autocomplete::Action::pass;

  void set_situation(Ms now) { advisor.set_situation(situation, now), post(now); }
  void insert(std::string_view text, ui::autocomplete::Origin origin, Ms now);
  void backspace(Ms now);
  bool undo(Ms now);
  bool redo(Ms now);
  void move(std::size_t caret, Ms now);
  void select(ui::text::Range range, Ms now);
  void set_text(std::string_view text, ui::autocomplete::Origin origin, Ms now);
  void key(const ui::autocomplete::KeyPress& press, Ms now);
  void click(std::size_t entry, Ms now) { obey(advisor.on_strip_click(entry, now), now); }
  void tick(Ms now) { advisor.on_tick(now), post(now); }
  void drafts(const ui::autocomplete::DraftsEvent& event, Ms now) { advisor.on_drafts(event, now), post(now); }
  /// Everything but `type`, which is a matter of time, and what tests look at.
  void play(const TraceEvent& event, Ms now);

 private:
  void post(Ms now);
  void changed(ui::autocomplete::Origin origin, Ms now);
  void tell_selection(Ms now);
  void obey(const ui::autocomplete::KeyOutcome& outcome, Ms now);
  Post post_;
};

}  // namespace foreword::app
