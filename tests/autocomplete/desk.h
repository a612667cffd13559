#pragma once
// A composer without a window and a fake engine on one clock that only moves when told.

#include <algorithm>
#include <string>
#include <string_view>

#include "app/typist.h"
#include "tests/autocomplete/fake_engine.h"

namespace foreword::ui::autocomplete {

class Desk : private app::Typist {
 public:
  explicit Desk(std::vector<FakeEngine::Rule> rules, const Settings& settings = {})
      : Typist(settings, [this](const Letter& letter, Ms at) { engine.take(letter, at); }) {
    engine.rules = std::move(rules);
    situation.model = situation.focused = true;
    situation.context = 1;
    tell();
  }

  using Typist::advisor, Typist::buffer, Typist::situation, Typist::sent, Typist::last_action;
  Ms now = 10'000;
  FakeEngine engine;

  /// Lets the clock run: engine events and wake-ups in their order.
  void until(Ms time) {
    for (;;) {
      const Ms wake = advisor.view().wake_at, event = engine.next().value_or(1e300);
      const Ms next = std::min(wake, event);
      if (next > time) break;
      now = std::max(now, next);
      if (event <= wake) drafts(engine.event(), now);
      else tick(now);
    }
    now = std::max(now, time);
  }
  void wait(Ms ms) { until(now + ms); }
  void tell() { set_situation(now); }

  void type(std::string_view clusters, Ms gap = 0, Origin origin = Origin::typing) {
    for (std::size_t at = 0; at < clusters.size();) {
      const std::size_t next = text::next_cluster(clusters, at);
      insert(clusters.substr(at, next - at), origin);
      wait(gap);
      at = next;
    }
  }
  void insert(std::string_view what, Origin origin) { Typist::insert(what, origin, now); }
  void backspace() { Typist::backspace(now); }
  void undo() { Typist::undo(now); }
  void redo() { Typist::redo(now); }
  void move(std::size_t caret) { Typist::move(caret, now); }
  void select(text::Range range) { Typist::select(range, now); }
  void set_text(std::string_view text, Origin origin = Origin::program) { Typist::set_text(text, origin, now); }
  void play(const app::TraceEvent& event) { Typist::play(event, now); }
  Action key(const KeyPress& press) {
    Typist::key(press, now);
    return last_action;
  }
  Action tab() { return key({Key::tab, 0, false, false, false, false}); }
  Action escape() { return key({Key::escape, 0, false, false, false, false}); }
  Action ask() { return key({Key::down, 0, false, false, true, false}); }
  Action nth(int n) { return key({Key::digit, n, false, false, true, false}); }
  Action next_word() { return key({Key::right, 0, true, false, false, false}); }
  void click(std::size_t entry) { Typist::click(entry, now); }

  std::string ghost() const { return std::string(advisor.view().ghost); }
  std::string text() const { return buffer.text(); }
  std::uint64_t count(Count what) const { return advisor.counters()[what]; }
  std::uint64_t count(Reason what) const { return advisor.counters()[what]; }
  std::size_t letters(Letter::Kind kind) const {
    return static_cast<std::size_t>(std::count_if(engine.log.begin(), engine.log.end(), [&](const Letter& each) { return each.kind == kind; }));
  }
};

}  // namespace foreword::ui::autocomplete
