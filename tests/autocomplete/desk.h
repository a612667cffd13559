#pragma once
// A composer without a window: a real edit buffer, an advisor and a fake engine on one clock that only moves when told.

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "tests/autocomplete/fake_engine.h"
#include "ui/autocomplete/advisor.h"
#include "ui/text/edit_buffer.h"

namespace foreword::ui::autocomplete {

class Desk {
 public:
  explicit Desk(std::vector<FakeEngine::Rule> rules, const Settings& settings = {}) : advisor(settings) {
    engine.rules = std::move(rules);
    situation.model = situation.focused = true;
    situation.context = 1;
    tell();
  }

  Ms now = 10'000;
  text::EditBuffer buffer;
  Situation situation;
  Advisor advisor;
  FakeEngine engine;
  std::string sent;
  Action last_action = Action::pass;

  /// Lets the clock run: engine events and wake-ups in their order.
  void until(Ms time) {
    for (;;) {
      const Ms wake = advisor.view().wake_at, event = engine.next().value_or(1e300);
      const Ms next = std::min(wake, event);
      if (next > time) break;
      now = std::max(now, next);
      if (event <= wake) {
        advisor.on_drafts(engine.event(), now);
      } else {
        advisor.on_tick(now);
      }
      post();
    }
    now = std::max(now, time);
  }
  void wait(Ms ms) { until(now + ms); }
  void tell() { advisor.set_situation(situation, now), post(); }

  void type(std::string_view clusters, Ms gap = 0, Origin origin = Origin::typing) {
    for (std::size_t at = 0; at < clusters.size();) {
      const std::size_t next = text::next_cluster(clusters, at);
      insert(clusters.substr(at, next - at), origin);
      wait(gap);
      at = next;
    }
  }
  void insert(std::string_view text, Origin origin) {
    buffer.insert(text);
    changed(origin);
  }
  void backspace() { buffer.erase_left(text::Motion::cluster), changed(Origin::deletion); }
  void undo() {
    if (buffer.undo()) changed(Origin::undo);
  }
  void redo() {
    if (buffer.redo()) changed(Origin::redo);
  }
  void move(std::size_t caret) {
    buffer.move_to(caret, false);
    select_as_buffer();
    advisor.on_caret_moved(buffer.caret(), true, now);
    post();
  }
  void set_text(std::string_view text, Origin origin = Origin::program) {
    const std::size_t old = buffer.text().size();
    buffer.set_text(text);
    buffer.take_change();
    advisor.on_text_change({origin, buffer.text(), buffer.caret(), 0, old, buffer.text().size()}, now);
    post();
  }
  Action key(const KeyPress& press) {
    const KeyOutcome outcome = advisor.on_key(press, now);
    last_action = outcome.action;
    obey(outcome);
    return outcome.action;
  }
  Action tab() { return key({Key::tab, 0, false, false, false, false}); }
  Action escape() { return key({Key::escape, 0, false, false, false, false}); }
  Action ask() { return key({Key::down, 0, false, false, true, false}); }
  Action nth(int n) { return key({Key::digit, n, false, false, true, false}); }
  Action next_word() { return key({Key::right, 0, true, false, false, false}); }
  void click(std::size_t entry) { obey(advisor.on_strip_click(entry, now)); }

  std::string ghost() const { return std::string(advisor.view().ghost); }
  std::string text() const { return buffer.text(); }
  std::uint64_t count(Count what) const { return advisor.counters()[what]; }
  std::uint64_t count(Reason what) const { return advisor.counters()[what]; }
  std::size_t letters(Letter::Kind kind) const {
    return static_cast<std::size_t>(std::count_if(engine.log.begin(), engine.log.end(), [&](const Letter& each) { return each.kind == kind; }));
  }

  void select_as_buffer() {
    const bool selecting = !buffer.selection().empty();
    if (selecting == situation.selecting) return;
    situation.selecting = selecting;
    tell();
  }
  void changed(Origin origin) {
    select_as_buffer();
    const auto change = buffer.take_change();
    if (!change) return;
    advisor.on_text_change({origin, buffer.text(), buffer.caret(), change->at, change->removed, change->inserted}, now);
    post();
  }

 private:
  void post() {
    for (const Letter& letter : advisor.letters()) engine.take(letter, now);
    advisor.letters_taken();
  }
  void obey(const KeyOutcome& outcome) {
    if (!outcome.insert.empty()) {
      const std::string part(outcome.insert);
      buffer.move_to(buffer.caret(), false);  // a step of its own, also if it is one character
      insert(part, Origin::accept);
      buffer.move_to(buffer.caret(), false);
    } else if (outcome.action == Action::send) {
      sent = buffer.text();
      advisor.on_sent(now);
      set_text("");
    } else if (outcome.action == Action::undo || outcome.action == Action::undo_accept) {
      undo();
    }
    post();
  }
};

}  // namespace foreword::ui::autocomplete
