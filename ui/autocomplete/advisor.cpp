#include "ui/autocomplete/advisor.h"

#include <algorithm>

#include "engine/base/check.h"
#include "ui/autocomplete/prose.h"
#include "ui/autocomplete/text_filter.h"

namespace foreword::ui::autocomplete {

Advisor::Advisor(const Settings& settings, TierPolicy tiers, double tau) : settings_(settings), coverage_(tau), tiers_(std::move(tiers)) {}

TriggerInput Advisor::trigger_input(Origin origin, std::string_view inserted, Ms now) const {
  const TierInForce in_force = tier();
  return {settings_, situation_, in_force.tier, in_force.by_power, snoozed(now), backoff_.silent(), dismissed_, origin, before(), after(),
          inserted};
}

/// Whether a ghost may be there at all; when, the gate says.
bool Advisor::may_paint(Ms now) const {
  const Tier in_force = tier().tier;
  const bool here = settings_.enabled && in_force != Tier::off && situation_.focused && !situation_.composing && !situation_.selecting &&
                    !situation_.popup && !quiet_;
  return here && (manual_ || (!dismissed_ && !backoff_.silent() && !snoozed(now) && in_force != Tier::manual));
}

/// When the pause after the last change is long enough; the same answer until the next one.
Ms Advisor::gate_opens() const {
  const CharClass last = class_at_end(before());
  const bool boundary = last == CharClass::space || last == CharClass::punctuation;
  return last_change_ + gate_of(std::max(rhythm_.base(), row_of(tier().tier).least_base), boundary, backoff_.factor(last_change_));
}

std::size_t Advisor::wanted_drafts() const {
  const int wanted = std::clamp(settings_.drafts, 1, tuned_count("drafts_max"));
  return static_cast<std::size_t>(manual_ ? wanted : std::min(wanted, std::max(1, row_of(tier().tier).most_drafts)));
}

void Advisor::set_situation(const Situation& situation, Ms now) {
  if (situation == situation_) return;
  const Situation old = situation_;
  situation_ = situation;
  if (situation.context != old.context) {
    hide(false, now);
    survivors_.clear();
    cache_.enter(situation.context);
    chat_words_.clear();
    for (Request& request : requests_) request = {};
  }
  const bool disturbed = (old.focused && !situation.focused) || (!old.composing && situation.composing) ||
                         (!old.selecting && situation.selecting) || (!old.popup && situation.popup) || (old.model && !situation.model);
  if (disturbed) hide(false, now);  // A12
  if (situation.busy && !old.busy && job_.running) {
    counters_.add(Reason::busy);
    cancel(now);
  }
  paint_if_due(now);  // another tier may have brought the moment nearer
  refresh(now);
}

void Advisor::set_settings(const Settings& settings, Ms now) {
  if (settings == settings_) return;
  if (settings_.enabled && !settings.enabled) {
    hide(false, now);
    survivors_.clear();
    cache_.clear();
  }
  settings_ = settings;
  paint_if_due(now);
  refresh(now);
}

void Advisor::snooze(Ms duration, Ms now) {
  snoozed_until_ = now + duration;
  counters_.add(Count::snoozes);
  hide(false, now);
  refresh(now);
}

void Advisor::on_tick(Ms now) {
  paint_if_due(now);
  refresh(now);
}

void Advisor::on_sent(Ms now) {
  hide(false, now);  // A22
  survivors_.clear();
  dismissed_ = false;
  backoff_.message_sent();
  refresh(now);
}

void Advisor::on_caret_moved(std::size_t caret, bool by_key, Ms now) {
  if (caret == caret_) return;
  hide(by_key, now);
  survivors_.clear();
  caret_ = std::min(caret, text_.size());
  just_accepted_ = false;
  refresh(now);
}

// --- the text changed ---

void Advisor::on_text_change(const TextChange& change, Ms now) {
  check(change.caret <= change.text.size() && change.at + change.inserted <= change.text.size(), "a change lies in its text");
  const OriginRow& origin = row_of(change.origin);
  if (pause_open_ && now >= gate_opens()) coverage_.pause(false);
  pause_open_ = false;
  const bool undone = change.origin == Origin::undo && just_accepted_;
  const bool was_visible = ghost_.visible();
  const std::string_view typed = change.text.substr(change.at, change.inserted);
  const bool followed = take_change(change, now);
  if (undone) {
    counters_.add(Count::accept_undone);
    count(Farewell::seen_rejection, now);
  }
  if (origin.is_key) rhythm_.key(now);
  last_change_ = now;
  quiet_ = !origin.keeps;
  manual_ = announce_ = just_hidden_ = false;
  just_accepted_ = change.origin == Origin::accept;
  if (ends_a_word(typed) && !typed.empty()) dismissed_ = false;

  if (was_visible && !ghost_.visible() && !survivors_.empty()) repaint(!followed, now);
  const HoldRow* const hold = first_hold(trigger_input(change.origin, typed, now), false);
  may_compute_ = hold == nullptr;
  if (may_compute_) {
    if (followed && job_.running) send_advance(typed);
    compute(followed, now);
    pause_open_ = !ghost_.visible();
  } else {
    counters_.add(hold->counted);
    cancel(now);
  }
  refresh(now);
}

/// Takes the new text over, judges the ghost by it and finds the drafts that go with it. The ghost is visible afterwards only if
/// it is the same one. True: the drafts were at hand before.
bool Advisor::take_change(const TextChange& change, Ms now) {
  const OriginRow& origin = row_of(change.origin);
  const std::string_view typed = change.text.substr(change.at, change.inserted);
  const bool at_caret = change.removed == 0 && change.inserted > 0 && change.at == caret_ && change.caret == change.at + change.inserted;
  const bool back = change.inserted == 0 && change.at + change.removed == caret_ && change.caret == change.at && caret_ <= text_.size();
  const bool had_drafts = survivors_.alive();
  if (change.origin == Origin::accept) take_accept(now);
  scratch_.clear();
  bool fits = false;
  if (ghost_.visible()) {
    const std::string_view rest = survivors_[survivors_.chosen()].rest();
    fits = at_caret && continues_with(rest, typed);
    if (back) scratch_.append(text_, change.at, change.removed).append(rest);  // what would be the same ghost
  }
  const std::size_t used = std::min(ghost_.bytes_typed(), caret_);
  const std::string_view used_text = before().substr(caret_ - used);
  const int words_used = ghost_.visible() && used > 0
                             ? count_words(used_text, 2) - (inside_word(used_text, survivors_[survivors_.chosen()].rest()) ? 1 : 0)
                             : 0;
  ++generation_;
  text_ = change.text;
  caret_ = change.caret;

  bool same = false;
  if (at_caret && origin.keeps) {
    same = survivors_.follow(typed);
    if (had_drafts) counters_.add(survivors_.alive() ? Count::survivor_hits : Count::survivor_misses);
  } else {
    survivors_.clear();
  }
  const bool followed = survivors_.alive();
  if (!followed && origin.keeps) load_from_cache();
  if (!ghost_.visible()) return followed;

  if (back && !survivors_.empty()) {  // letters of the ghost itself were deleted
    for (std::size_t i = 0; i < survivors_.size(); ++i) {
      if (!survivors_[i].rest().starts_with(scratch_)) continue;
      survivors_.choose(i);
      ghost_.typed_back(change.removed);
      return followed;
    }
  }
  if (fits) {
    ghost_.typed_through(typed.size());
    if (change.origin != Origin::accept) counters_.add(Count::typed_through);
    if (same) return followed;
    ghost_.leave(false, 0, now);  // it is used up
    return followed;
  }
  const bool line_end = typed.find('\n') != typed.npos;
  count(ghost_.leave(origin.judged && !line_end && !followed, words_used, now), now);
  return followed;
}

void Advisor::take_accept(Ms now) {
  static constexpr std::pair<Action, Count> kCounts[] = {{Action::accept_word, Count::accepted_word},
                                                         {Action::accept_line, Count::accepted_line},
                                                         {Action::accept_all, Count::accepted_all},
                                                         {Action::accept_nth, Count::accepted_strip}};
  if (!pending_ || pending_->draft >= survivors_.size()) return;
  survivors_.choose(pending_->draft);
  const auto* const row = std::find_if(std::begin(kCounts), std::end(kCounts), [&](const auto& each) { return each.first == pending_->action; });
  counters_.add(row->second);
  backoff_.accepted(now);
  pending_.reset();
}

void Advisor::load_from_cache() {
  const DraftCache::Hit hit = cache_.find(before(), after());
  counters_.add(hit.drafts.empty() ? Count::cache_misses : Count::cache_hits);
  if (!hit.drafts.empty()) survivors_.load(hit.drafts, hit.typed, wanted_drafts());
}

// --- the ghost ---

void Advisor::count(Farewell farewell, Ms now) {
  static constexpr Count kCounts[] = {Count::seen_rejection, Count::blind_rejection, Count::neutral};
  counters_.add(kCounts[static_cast<std::size_t>(farewell)]);
  if (farewell != Farewell::neutral) backoff_.rejected(now);
}

void Advisor::leave_ghost(bool judged, Ms now) {
  if (!ghost_.visible()) return;
  const std::string_view used = before().substr(caret_ - std::min(ghost_.bytes_typed(), caret_));
  const int unfinished = inside_word(used, survivors_[survivors_.chosen()].rest()) ? 1 : 0;
  count(ghost_.leave(judged, count_words(used, 2) - unfinished, now), now);
}

/// Ghost and strip go at once, and come back only with the next change of the text, or when they are asked for.
void Advisor::hide(bool judged, Ms now) {
  leave_ghost(judged, now);
  cancel(now);
  quiet_ = true;
  manual_ = announce_ = pause_open_ = just_hidden_ = false;
  pending_.reset();
}

/// The first draft, from the chosen one on, of which enough is left. One that may still become longer is waited for.
bool Advisor::choose_paintable() {
  for (std::size_t i = survivors_.chosen(); i < survivors_.size(); ++i) {
    const bool enough = too_short({before(), after(), survivors_[i].rest()}).keep > 0;
    if (enough) survivors_.choose(i);
    if (enough || (job_.running && !survivors_[i].ended)) return enough;
  }
  return false;
}

/// The first paint, when its time has come (A18).
void Advisor::paint_if_due(Ms now) {
  if (ghost_.visible() || survivors_.empty() || !may_paint(now)) return;
  if (!manual_ && now < gate_opens()) return;
  if (!choose_paintable()) return;
  ghost_.paint(now);
  fades_from_ = manual_ ? -std::numeric_limits<Ms>::infinity() : now;
  counters_.add(Count::shown);
  counters_.add(Latency::key_to_paint, now - last_change_);
  announce_ = manual_;
  if (pause_open_) coverage_.pause(true);
  pause_open_ = false;
  if (can_extend() && (may_compute_ || manual_) && !(job_.running && job_.extended)) send_extend();
}

/// A ghost was visible until this change, and there are drafts: in the same frame, without a gate (A8, A20).
void Advisor::repaint(bool another_draft, Ms now) {
  if (!may_paint(now) || !choose_paintable()) return;
  ghost_.paint(now);
  fades_from_ = -std::numeric_limits<Ms>::infinity();
  if (another_draft) counters_.add(Count::shown);
}

void Advisor::show_next(int step, Ms now) {
  const auto n = static_cast<int>(survivors_.size());
  announce_ = true;
  if (n > 1) {
    survivors_.choose(static_cast<std::size_t>((static_cast<int>(survivors_.chosen()) + step + n) % n));
  } else if (!(job_.running && manual_)) {
    manual_ = true;
    send_request(Letter::Kind::extend, now);
  }
}

/// Alt+Down without a ghost (A6).
void Advisor::ask(Ms now) {
  counters_.add(Count::asked);
  if (const HoldRow* const hold = first_hold(trigger_input(Origin::typing, {}, now), true)) {
    counters_.add(hold->counted);
    return;
  }
  dismissed_ = quiet_ = false;
  manual_ = true;
  if (survivors_.empty()) load_from_cache();
  paint_if_due(now);
  if (!ghost_.visible()) send_request(Letter::Kind::suggest, now);
}

// --- keys ---

KeyFacts Advisor::facts(Ms now) const {
  KeyFacts facts;
  facts.ghost = ghost_.visible();
  facts.ghost_age = ghost_.age(now);
  facts.n_drafts = ghost_.visible() ? static_cast<int>(survivors_.size()) : 0;
  facts.composing = situation_.composing;
  facts.popup = situation_.popup;
  facts.answering = situation_.answering;
  facts.selecting = situation_.selecting;
  facts.caret_at_end = caret_ == text_.size();
  facts.just_hidden = just_hidden_;
  facts.just_accepted = just_accepted_;
  facts.tab_accepts_word = settings_.tab_accepts_word;
  facts.aliases = settings_.aliases;
  facts.mac = settings_.mac;
  return facts;
}

KeyOutcome Advisor::on_key(const KeyPress& press, Ms now) {
  KeyFacts what = facts(now);
  what.in_code = press.key == Key::tab && !what.ghost && in_fence(before());
  const Action action = action_of(press, what);
  just_hidden_ = just_hidden_ && action == Action::open_snooze;
  KeyOutcome outcome{action, true, {}};
  const std::string_view rest = what.ghost ? survivors_[survivors_.chosen()].rest() : std::string_view();
  switch (action) {
    case Action::nothing: counters_.add(Count::tab_too_early); break;
    case Action::accept_all: outcome = accept(survivors_.chosen(), rest.size(), action); break;
    case Action::accept_word: outcome = accept(survivors_.chosen(), unit_end(rest, 0), action); break;
    case Action::accept_line: outcome = accept(survivors_.chosen(), sentence_end(rest), action); break;
    case Action::accept_nth: return on_strip_click(static_cast<std::size_t>(press.digit - 1), now);
    case Action::next_draft: show_next(1, now); break;
    case Action::previous_draft: show_next(-1, now); break;
    case Action::ask_now: ask(now); break;
    case Action::hide_ghost:
      hide(true, now);
      dismissed_ = just_hidden_ = true;
      break;
    default: outcome.handled = false;
  }
  refresh(now);
  return outcome;
}

KeyOutcome Advisor::on_strip_click(std::size_t entry, Ms now) {
  if (!ghost_.visible() || entry >= survivors_.size()) return {};
  const KeyOutcome outcome = accept(entry, survivors_[entry].rest().size(), Action::accept_nth);
  refresh(now);
  return outcome;
}

KeyOutcome Advisor::accept(std::size_t draft, std::size_t bytes, Action action) {
  pending_ = PendingAccept{draft, action};
  insert_ = survivors_[draft].rest().substr(0, bytes);
  return {action, true, insert_};
}

void Advisor::refresh(Ms now) {
  view_.strip.clear();
  view_.drafts.clear();
  view_.ghost = {};
  view_.announce = announce_;
  view_.chosen = survivors_.chosen();
  view_.hint = backoff_.silent() ? Hint::offer_silence : Hint::none;
  view_.wake_at = std::numeric_limits<Ms>::infinity();
  view_.more_on_demand = false;
  if (ghost_.visible()) {
    view_.ghost = survivors_[survivors_.chosen()].rest();
    view_.fades_from = fades_from_;
    view_.more_on_demand = survivors_.size() == 1 && settings_.drafts > static_cast<int>(wanted_drafts());
    for (std::size_t i = 0; i < survivors_.size(); ++i) view_.drafts.push_back(survivors_[i].rest());
    if (survivors_.size() > 1) {
      for (const auto& each : survivors_.all()) view_.strip.push_back(first_unit(each.rest()));
    }
  } else if (!survivors_.empty() && may_paint(now)) {
    if (gate_opens() > now) view_.wake_at = gate_opens();
  }
}

}  // namespace foreword::ui::autocomplete
