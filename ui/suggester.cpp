#include "ui/suggester.h"

#include <algorithm>
#include <utility>

#include "ui/autocomplete/prose.h"

namespace foreword::ui {

using autocomplete::Action;
using autocomplete::Advisor;
using autocomplete::KeyOutcome;
using autocomplete::Origin;

namespace {

constexpr std::size_t kLearnedBytes = 32'000;  // of a chat, from its end

struct KeyName {
  Key key;
  autocomplete::Key meant;
};
constexpr KeyName kKeyNames[] = {
    {Key::tab, autocomplete::Key::tab}, {Key::left, autocomplete::Key::left}, {Key::right, autocomplete::Key::right},
    {Key::up, autocomplete::Key::up}, {Key::down, autocomplete::Key::down}, {Key::escape, autocomplete::Key::escape},
    {Key::enter, autocomplete::Key::enter}, {letter('z'), autocomplete::Key::z}, {letter('['), autocomplete::Key::bracket_left},
    {letter(']'), autocomplete::Key::bracket_right}, {letter('\\'), autocomplete::Key::backslash}, {Key::f6, autocomplete::Key::f6}};

autocomplete::KeyPress meaning_of(const KeyPress& press) {
  autocomplete::KeyPress meant;
  meant.ctrl = press.mods.ctrl, meant.shift = press.mods.shift, meant.alt = press.mods.alt;
  if (press.key >= letter('1') && press.key <= letter('9')) {
    meant.key = autocomplete::Key::digit;
    meant.digit = static_cast<int>(press.key) - '0';
  }
  for (const KeyName& row : kKeyNames) {
    if (row.key == press.key) meant.key = row.meant;
  }
  return meant;
}

}  // namespace

Suggester::Suggester() : advisor_(std::make_unique<Advisor>()) {}

void Suggester::begin(Frame& frame, const Situation& situation, const text::EditBuffer& buffer) {
  const SuggestionsView& state = frame.state.suggestions;
  now_ = frame.now * 1000;
  rewrites_ = situation.rewrites;
  learns_ = !frame.state.private_chat && state.settings.own_words;
  if (!state.settings.own_words) advisor_->own_words().clear();
  take_state(frame);
  present_ = state.settings.enabled && state.model && situation.for_user;
  situation_.context = state.context ^ static_cast<std::uint64_t>(situation.rewrites) << 32;
  situation_.model = state.model && situation.for_user;
  situation_.focused = situation.focused;
  situation_.composing = frame.input.composing();
  situation_.popup = frame.asking;
  situation_.answering = frame.state.generating;
  situation_.busy = state.busy;
  situation_.on_battery = state.on_battery, situation_.power_saver = state.power_saver;
  advisor_->set_settings(state.settings, now_);
  tell(buffer);
  learn(frame);
  for (const SuggestionNews& news : state.news) {
    if (news.serial > seen_) advisor_->on_drafts(news.event, now_);
  }
  if (!state.news.empty()) seen_ = state.news.back().serial;
  if (now_ >= advisor_->view().wake_at) advisor_->on_tick(now_);
  fade(frame);
  offers_ = offers_ && present_ && std::string_view(frame.input.focus_id()).starts_with("composer/");
}

/// What comes after a pause comes softly; what is typed through, or takes another's place, is there at once (A20).
void Suggester::fade(Frame& frame) {
  constexpr float kFirst = 0.25f;  // of the first frame
  constexpr double kNextFrame = 0.016;
  const double share = (now_ - advisor_->view().fades_from) / autocomplete::tuned("fade");
  const bool fades = share < 1 && !advisor_->view().ghost.empty() && !frame.state.less_motion;
  opacity_ = fades ? kFirst + (1 - kFirst) * static_cast<float>(share) : 1;
  if (fades) frame.wake(frame.now + kNextFrame);
}

/// What the program knows that the advisor does not: another device, the counts of earlier runs, tokens of the engine.
void Suggester::take_state(Frame& frame) {
  const SuggestionsView& state = frame.state.suggestions;
  if (state.device != device_) {
    device_ = state.device;
    autocomplete::TierPolicy tiers(state.tier > 0 ? std::optional(state.tier) : std::nullopt);
    auto next = std::make_unique<Advisor>(state.settings, std::move(tiers), state.tau);
    next->counters() = advisor_->counters();
    next->own_words() = advisor_->own_words();
    advisor_ = std::move(next);
    learned_ = 0;
  }
  if (!counters_known_ && !state.counters.empty()) {
    counters_known_ = true;
    std::string_view rest = state.counters;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      const std::size_t space = line.find(' ');
      if (space != line.npos) advisor_->counters().set(line.substr(0, space), std::strtoull(line.data() + space, nullptr, 10));
    }
  }
  advisor_->counters().add(autocomplete::Count::tokens_decoded, state.tokens_decoded - std::exchange(decoded_, state.tokens_decoded));
  advisor_->counters().add(autocomplete::Count::tokens_dropped, state.tokens_dropped - std::exchange(dropped_, state.tokens_dropped));
}

/// The words of the chat's end, and what of them is the user's own, unless the chat is private.
void Suggester::learn(const Frame& frame) {
  const auto& messages = frame.state.messages;
  if (!present_ || messages.empty() || frame.state.generating) return;
  if (learned_ == situation_.context && learned_row_ == messages.back().id) return;
  learned_ = situation_.context, learned_row_ = messages.back().id;
  std::size_t bytes = 0;
  for (auto message = messages.rbegin(); message != messages.rend() && bytes < kLearnedBytes; ++message) {
    const std::string_view words = std::string_view(message->text).substr(0, kLearnedBytes);
    bytes += words.size();
    advisor_->chat_words().add(words);
    if (learns_ && message->author == Author::user) advisor_->own_words().add(words);
  }
}

void Suggester::tell(const text::EditBuffer& buffer) {
  situation_.selecting = !buffer.selection().empty();
  advisor_->set_situation(situation_, now_);
}

bool Suggester::take_click(Frame& frame, text::EditBuffer& buffer) {
  for (std::size_t i = 0; i < advisor_->view().drafts.size(); ++i) {
    if (!frame.input.activated(frame.join("composer/strip:", i + 1))) continue;
    insert(advisor_->on_strip_click(i, now_), buffer);
    return true;
  }
  return false;
}

void Suggester::end(Frame& frame) {
  for (const autocomplete::Letter& letter : advisor_->letters()) frame.send(Suggesting{letter, rewrites_});
  advisor_->letters_taken();
  constexpr autocomplete::Ms kSurely = 0.1;  // what a division by a thousand may lose
  frame.wake((advisor_->view().wake_at + kSurely) / 1000);
}

bool Suggester::takes_tab() const { return !advisor_->view().ghost.empty() || (present_ && code_); }

bool Suggester::takes_escape() const {
  return !advisor_->view().ghost.empty() || offers_ || advisor_->just_hidden() || (present_ && situation_.selecting);
}

bool Suggester::take_key(Frame& frame, const KeyPress& press, text::EditBuffer& buffer) {
  if (press.key == Key::escape && std::exchange(offers_, false)) return true;
  const KeyOutcome outcome = advisor_->on_key(meaning_of(press), now_);
  if (outcome.handled) {
    insert(outcome, buffer);
    return true;
  }
  const bool plain_escape = press.key == Key::escape && rewrites_ == 0;  // else it ends the rewriting
  switch (outcome.action) {
    case Action::focus_next: frame.input.leave(false); return true;
    case Action::focus_previous: frame.input.leave(true); return true;
    case Action::indent: buffer.insert("  "); return true;
    case Action::stop_answer:
      if (plain_escape) frame.send(StopGenerating{});
      return plain_escape;
    case Action::open_snooze: offers_ = plain_escape; return plain_escape;
    case Action::clear_selection:
      if (plain_escape) buffer.move_to(buffer.caret(), false);
      return plain_escape;
    default: return false;
  }
}

/// A step of undo of its own, also if it is one character.
void Suggester::insert(const KeyOutcome& outcome, text::EditBuffer& buffer) {
  if (outcome.insert.empty()) return;
  const std::string part(outcome.insert);
  buffer.move_to(buffer.caret(), false);
  buffer.insert(part);
  buffer.move_to(buffer.caret(), false);
}

void Suggester::text_changed(Origin origin, const text::EditBuffer& buffer, text::Change change) {
  tell(buffer);
  advisor_->on_text_change({origin, buffer.text(), buffer.caret(), change.at, change.removed, change.inserted}, now_);
  code_ = autocomplete::in_fence(std::string_view(buffer.text()).substr(0, buffer.caret()));
  offers_ = false;
}

void Suggester::caret_moved(const text::EditBuffer& buffer, bool by_key) {
  tell(buffer);
  advisor_->on_caret_moved(buffer.caret(), by_key, now_);
  code_ = autocomplete::in_fence(std::string_view(buffer.text()).substr(0, buffer.caret()));
}

void Suggester::composing(bool active) {
  situation_.composing = active;
  advisor_->set_situation(situation_, now_);
}

void Suggester::sent(Frame& frame, std::string_view message) {
  advisor_->on_sent(now_);
  if (learns_) advisor_->own_words().add(message.substr(0, kLearnedBytes));
  say_counts(frame);
}

void Suggester::say_counts(Frame& frame) {
  std::string lines;
  advisor_->counters().each([&](std::string_view name, std::uint64_t value) {
    if (value > 0) lines.append(name).append(" ").append(std::to_string(value)).append("\n");
  });
  frame.send(SuggestionsCounted{std::move(lines), device_, advisor_->measured_tier(), advisor_->tau()});
}

void Suggester::forget_counts(Frame& frame) {
  advisor_->counters().reset();
  say_counts(frame);
}

}  // namespace foreword::ui
