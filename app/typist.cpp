#include "app/typist.h"

#include <algorithm>

namespace foreword::app {

using ui::autocomplete::Action;
using ui::autocomplete::Origin;
using ui::autocomplete::Situation;

void Typist::post(Ms now) {
  for (const ui::autocomplete::Letter& letter : advisor.letters()) post_(letter, now);
  advisor.letters_taken();
}

void Typist::insert(std::string_view text, Origin origin, Ms now) {
  buffer.insert(text);
  changed(origin, now);
}
void Typist::backspace(Ms now) {
  buffer.erase_left(ui::text::Motion::cluster);
  changed(Origin::deletion, now);
}
bool Typist::undo(Ms now) {
  if (!buffer.undo()) return false;
  changed(Origin::undo, now);
  return true;
}
bool Typist::redo(Ms now) {
  if (!buffer.redo()) return false;
  changed(Origin::redo, now);
  return true;
}
void Typist::move(std::size_t caret, Ms now) {
  buffer.move_to(std::min(caret, buffer.text().size()), false);
  tell_selection(now);
  advisor.on_caret_moved(buffer.caret(), true, now);
  post(now);
}
void Typist::select(ui::text::Range range, Ms now) {
  const auto place = [&](std::size_t at) { return ui::text::cluster_begin(buffer.text(), std::min(at, buffer.text().size())); };
  buffer.select({place(range.begin), place(range.end)});
  tell_selection(now);
}
void Typist::set_text(std::string_view text, Origin origin, Ms now) {
  const std::size_t old = buffer.text().size();
  buffer.set_text(text);
  buffer.take_change();
  advisor.on_text_change({origin, buffer.text(), buffer.caret(), 0, old, buffer.text().size()}, now);
  post(now);
}

void Typist::tell_selection(Ms now) {
  const bool selecting = !buffer.selection().empty();
  if (selecting == situation.selecting) return;
  situation.selecting = selecting;
  set_situation(now);
}

void Typist::changed(Origin origin, Ms now) {
  tell_selection(now);
  const auto change = buffer.take_change();
  if (!change) return;
  advisor.on_text_change({origin, buffer.text(), buffer.caret(), change->at, change->removed, change->inserted}, now);
  post(now);
}

void Typist::key(const ui::autocomplete::KeyPress& press, Ms now) {
  const ui::autocomplete::KeyOutcome outcome = advisor.on_key(press, now);
  last_action = outcome.action;
  obey(outcome, now);
}

void Typist::obey(const ui::autocomplete::KeyOutcome& outcome, Ms now) {
  if (!outcome.insert.empty()) {
    const std::string part(outcome.insert);
    buffer.move_to(buffer.caret(), false);  // a step of its own, also if it is one character
    insert(part, Origin::accept, now);
    buffer.move_to(buffer.caret(), false);
  } else if (outcome.action == Action::send) {
    sent = buffer.text();
    advisor.on_sent(now);
    set_text("", Origin::program, now);
  } else if (outcome.action == Action::undo || outcome.action == Action::undo_accept) {
    undo(now);
  }
  post(now);
}

void Typist::play(const TraceEvent& event, Ms now) {
  const auto set = [&](bool Situation::*fact) {
    situation.*fact = event.on;
    set_situation(now);
  };
  using Kind = TraceEvent::Kind;
  switch (event.kind) {
    case Kind::text: return insert(event.text, Origin::typing, now);
    case Kind::commit: return insert(event.text, Origin::commit, now);
    case Kind::paste: return insert(event.text, Origin::paste, now);
    case Kind::drop: return insert(event.text, Origin::drop, now);
    case Kind::key: return key(event.key, now);
    case Kind::backspace: return backspace(now);
    case Kind::cursor: return move(event.begin, now);
    case Kind::select: return select({event.begin, event.end}, now);
    case Kind::focus: return set(&Situation::focused);
    case Kind::compose: return set(&Situation::composing);
    case Kind::popup: return set(&Situation::popup);
    case Kind::answering: return set(&Situation::answering);
    case Kind::busy: return set(&Situation::busy);
    case Kind::battery: return set(&Situation::on_battery);
    case Kind::type:
    case Kind::expect:
    case Kind::count: return;
  }
}

}  // namespace foreword::app
