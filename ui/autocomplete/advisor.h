#pragma once
// The window desk of suggestions: joins the policies (section 5). It is told what happens (the text changed, a key, a letter of
// the engine, time passed) and decides what to paint, what to insert and what to ask the engine. No clock, no window, no thread
// of its own; one thread. Times are milliseconds of any steady clock and never run backwards.
//
// The caller, for each thing that happens: the on_ function, then take letters() to the engine, then paint view(). The ghost is
// never part of the text. Following a typist through a draft allocates nothing.

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/autocomplete/counters.h"
#include "ui/autocomplete/draft_cache.h"
#include "ui/autocomplete/gate.h"
#include "ui/autocomplete/ghost.h"
#include "ui/autocomplete/key_policy.h"
#include "ui/autocomplete/letters.h"
#include "ui/autocomplete/reuse.h"
#include "ui/autocomplete/situation.h"
#include "ui/autocomplete/tier_policy.h"
#include "ui/autocomplete/trigger.h"
#include "ui/autocomplete/words.h"

namespace foreword::ui::autocomplete {

struct TextChange {
  Origin origin = Origin::typing;
  std::string_view text;   // all of it after the change; valid UTF-8
  std::size_t caret = 0;   // after the change; a byte at a grapheme boundary
  std::size_t at = 0, removed = 0, inserted = 0;  // bytes [at, at + removed) became [at, at + inserted)
};

enum class Hint : std::uint8_t { none, offer_silence };  // "snooze 10 min" and "off", after many rejections

/// What to paint now. Views are good until the next call that is not const.
struct View {
  std::string_view ghost;               // behind the caret, dimmed; empty: none
  Ms fades_from = -std::numeric_limits<Ms>::infinity();  // it came after a pause, and may fade in over `fade` from then on (A20)
  std::vector<std::string_view> strip;  // first words of all drafts, numbered from 1; empty: no strip
  std::vector<std::string_view> drafts;  // all that can be chosen while a ghost is visible, whole
  std::size_t chosen = 0;               // of them
  bool more_on_demand = false;          // Alt+Down makes more than this one
  bool announce = false;                // a screen reader may speak the ghost: it was asked for
  Hint hint = Hint::none;
  Ms wake_at = std::numeric_limits<Ms>::infinity();  // call on_tick() then, if nothing happens before
};

struct KeyOutcome {
  Action action = Action::pass;
  bool handled = false;     // the composer does nothing of its own for this key
  std::string_view insert;  // to be inserted at the caret as one undo step, then told with Origin::accept; copy it first
};

class Advisor {
 public:
  /// `tiers`, `tau`: what was stored for this model and device; a tau of 0: nothing.
  explicit Advisor(const Settings& settings = {}, TierPolicy tiers = TierPolicy(), double tau = 0);
  Advisor(const Advisor&) = delete;  // views look into it
  Advisor& operator=(const Advisor&) = delete;

  /// Before anything else of a frame, and before on_text_change() if a change ended a selection; cheap if nothing changed. Leaving a context forgets its drafts and the chat's words.
  void set_situation(const Situation& situation, Ms now);
  void set_settings(const Settings& settings, Ms now);

  void on_text_change(const TextChange& change, Ms now);
  /// The caret went elsewhere without a change of the text. by_key: not by the mouse.
  void on_caret_moved(std::size_t caret, bool by_key, Ms now);
  /// Before the composer sees the key.
  KeyOutcome on_key(const KeyPress& press, Ms now);
  /// A click on an entry of the strip, from 0.
  KeyOutcome on_strip_click(std::size_t entry, Ms now);
  void on_drafts(const DraftsEvent& event, Ms now);
  void on_tick(Ms now);
  /// The message was sent (before the composer is emptied).
  void on_sent(Ms now);
  void snooze(Ms duration, Ms now);

  const View& view() const { return view_; }
  /// Letters that wait, oldest first; the next call that is not const writes new ones behind them until letters_taken().
  std::span<const Letter> letters() const { return {letters_.data(), n_letters_}; }
  void letters_taken() { n_letters_ = 0; }

  const Counters& counters() const { return counters_; }
  Counters& counters() { return counters_; }
  /// For `bad_join`: words of the chat, and of what the user wrote elsewhere. The caller adds none of private chats to the latter.
  Words& chat_words() { return chat_words_; }
  Words& own_words() { return own_words_; }
  TierInForce tier() const { return tier_in_force(tiers_.tier(), settings_, situation_); }
  std::string explain_tier() const { return explain(tier(), tiers_.value(), settings_); }
  double measured_tier() const { return tiers_.value(); }  // to be stored; 0: nothing yet
  double tau() const { return coverage_.tau(); }           // to be stored
  std::uint64_t generation() const { return generation_; }
  bool job_running() const { return job_.running; }
  /// The last key was the Escape that hid a ghost: another one opens the snooze menu.
  bool just_hidden() const { return just_hidden_; }

 private:
  /// A job that may still be answered, with its own place in the text.
  struct Request {
    std::uint64_t id = 0, context = 0;
    std::string before, after;
    Ms sent = 0;
    double tau = 0;         // what a draft must reach to be taken
    bool measures = false;  // a fresh job, whose first word has not come yet
    std::vector<std::pair<DraftId, Reason>> counted;  // filters, once for each draft
  };
  struct Job {
    std::uint64_t request = 0;
    int tokens = 0;  // up to which it was allowed to go
    bool running = false, extended = false;
  };
  struct PendingAccept {
    std::size_t draft = 0;
    Action action = Action::pass;
  };

  // What is known
  std::string_view before() const { return std::string_view(text_).substr(0, caret_); }
  std::string_view after() const { return std::string_view(text_).substr(caret_); }
  bool snoozed(Ms now) const { return now < snoozed_until_; }
  TriggerInput trigger_input(Origin origin, std::string_view inserted, Ms now) const;
  bool may_paint(Ms now) const;
  Ms gate_opens() const;
  std::size_t wanted_drafts() const;
  KeyFacts facts(Ms now) const;

  // What happens to the ghost and its drafts (advisor.cpp)
  bool take_change(const TextChange& change, Ms now);
  void take_accept(Ms now);
  void count(Farewell farewell, Ms now);
  void leave_ghost(bool judged, Ms now);
  void hide(bool judged, Ms now);
  void load_from_cache();
  bool choose_paintable();
  void paint_if_due(Ms now);
  void repaint(bool another_draft, Ms now);
  void show_next(int step, Ms now);
  void ask(Ms now);
  KeyOutcome accept(std::size_t draft, std::size_t bytes, Action action);
  void refresh(Ms now);

  // What is asked of the engine, and what comes back (advisor_jobs.cpp)
  void compute(bool followed, Ms now);
  Letter& letter(Letter::Kind kind);
  bool can_extend() const;
  void send_extend();
  void send_request(Letter::Kind kind, Ms now);
  void send_advance(std::string_view typed);
  void cancel(Ms now);
  void add_ids(Letter& letter) const;
  void give_up(Ms now);
  void measure(Request& request, bool ready, Ms now);
  Request* find_request(std::uint64_t id);
  void filter(const DraftsEvent& event, Request& request);
  void count_once(Request& request, DraftId draft, Reason reason);
  void take_drafts(Request& request, Ms now);

  Settings settings_;
  Situation situation_;
  std::string text_;
  std::size_t caret_ = 0;
  std::uint64_t generation_ = 0, last_request_ = 0;

  Survivors survivors_;
  DraftCache cache_;
  Rhythm rhythm_;
  Backoff backoff_;
  Coverage coverage_;
  TierPolicy tiers_;
  Ghost ghost_;
  Counters counters_;
  Words chat_words_, own_words_;

  Ms last_change_ = 0;
  Ms snoozed_until_ = -std::numeric_limits<Ms>::infinity();
  bool dismissed_ = false;     // by Esc, until a word is finished
  bool quiet_ = false;         // hidden, until the text changes
  bool just_hidden_ = false;   // the last key was that Esc
  bool just_accepted_ = false; // the last change was an accept
  bool manual_ = false;        // asked for with a key, for this text
  bool announce_ = false;
  Ms fades_from_ = -std::numeric_limits<Ms>::infinity();
  bool may_compute_ = false;   // the last change was allowed to
  bool pause_open_ = false;    // the pause since the last change has shown nothing yet
  std::optional<PendingAccept> pending_;

  Job job_;
  std::uint64_t drafts_request_ = 0;  // the newest that gave survivors
  std::uint64_t cancelled_ = 0;
  Ms cancelled_at_ = 0;
  std::array<Request, 4> requests_;   // a ring
  std::vector<Letter> letters_;       // the first n_letters_ wait
  std::size_t n_letters_ = 0;
  std::vector<Draft> filtered_;       // scratch
  std::string scratch_;
  std::string insert_;                // what KeyOutcome::insert shows
  View view_;
};

}  // namespace foreword::ui::autocomplete
