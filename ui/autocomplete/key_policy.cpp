#include "ui/autocomplete/key_policy.h"

#include <algorithm>
#include <array>

#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {
namespace {

enum Fact : std::uint16_t {
  kGhost = 1, kYoung = 2, kNth = 4, kComposing = 8, kPopup = 16, kAnswering = 32, kSelecting = 64, kAtEnd = 128, kInCode = 256,
  kHidden = 512, kAccepted = 1024, kByWord = 2048, kAliases = 4096, kMac = 8192, kAltGr = 16384,
};

constexpr bool kCtrl = true, kShift = true, kAlt = true, kNo = false;
constexpr KeyRow any(std::uint16_t needs, Action action) { return {Key::other, true, kNo, kNo, kNo, needs, 0, action}; }

constexpr KeyRow kRows[] = {
    any(kComposing, Action::pass),  // A25
    any(kPopup, Action::pass),
    any(kAltGr, Action::pass),      // A26
    // key               any   ctrl   shift   alt    needs                 forbids
    {Key::tab, kNo,            kNo,   kNo,    kNo,   kGhost | kYoung,      0,      Action::nothing},  // A24
    {Key::tab, kNo,            kNo,   kNo,    kNo,   kGhost | kByWord,     0,      Action::accept_word},
    {Key::tab, kNo,            kNo,   kNo,    kNo,   kGhost,               0,      Action::accept_all},
    {Key::tab, kNo,            kNo,   kNo,    kNo,   kInCode,              0,      Action::indent},
    {Key::tab, kNo,            kNo,   kNo,    kNo,   0,                    0,      Action::focus_next},
    {Key::tab, kNo,            kNo,   kShift, kNo,   kGhost,               0,      Action::accept_line},
    {Key::tab, kNo,            kNo,   kShift, kNo,   0,                    0,      Action::focus_previous},
    {Key::right, kNo,          kCtrl, kNo,    kNo,   kGhost,               kMac,   Action::accept_word},
    {Key::right, kNo,          kCtrl, kNo,    kNo,   0,                    0,      Action::move_caret},
    {Key::right, kNo,          kNo,   kNo,    kAlt,  kGhost | kMac,        0,      Action::accept_word},
    {Key::right, kNo,          kNo,   kNo,    kAlt,  0,                    0,      Action::move_caret},
    {Key::right, kNo,          kNo,   kNo,    kNo,   kGhost | kAtEnd,      0,      Action::accept_word},
    {Key::right, kNo,          kNo,   kNo,    kNo,   0,                    0,      Action::move_caret},
    {Key::left, kNo,           kNo,   kNo,    kNo,   0,                    0,      Action::move_caret},
    {Key::down, kNo,           kNo,   kNo,    kAlt,  kGhost,               0,      Action::next_draft},
    {Key::down, kNo,           kNo,   kNo,    kAlt,  0,                    0,      Action::ask_now},  // A6
    {Key::up, kNo,             kNo,   kNo,    kAlt,  kGhost,               0,      Action::previous_draft},
    {Key::digit, kNo,          kNo,   kNo,    kAlt,  kNth,                 kMac,   Action::accept_nth},
    {Key::digit, kNo,          kCtrl, kNo,    kNo,   kNth | kMac,          0,      Action::accept_nth},
    {Key::bracket_right, kNo,  kNo,   kNo,    kAlt,  kGhost | kAliases,    0,      Action::next_draft},  // A27
    {Key::bracket_left, kNo,   kNo,   kNo,    kAlt,  kGhost | kAliases,    0,      Action::previous_draft},
    {Key::backslash, kNo,      kNo,   kNo,    kAlt,  kAliases,             kGhost, Action::ask_now},
    {Key::escape, kNo,         kNo,   kNo,    kNo,   kGhost,               0,      Action::hide_ghost},
    {Key::escape, kNo,         kNo,   kNo,    kNo,   kAnswering,           0,      Action::stop_answer},
    {Key::escape, kNo,         kNo,   kNo,    kNo,   kHidden,              0,      Action::open_snooze},
    {Key::escape, kNo,         kNo,   kNo,    kNo,   kSelecting,           0,      Action::clear_selection},
    {Key::enter, kNo,          kNo,   kNo,    kNo,   0,                    0,      Action::send},
    {Key::z, kNo,              kCtrl, kNo,    kNo,   kAccepted,            0,      Action::undo_accept},
    {Key::z, kNo,              kCtrl, kNo,    kNo,   0,                    0,      Action::undo},
};

std::uint16_t bits_of(const KeyPress& press, const KeyFacts& facts) {
  const std::array<std::pair<bool, Fact>, 15> all = {{
      {facts.ghost, kGhost},
      {facts.ghost_age < tuned("tab_age"), kYoung},
      {press.digit >= 1 && press.digit <= facts.n_drafts, kNth},
      {facts.composing, kComposing},
      {facts.popup, kPopup},
      {facts.answering, kAnswering},
      {facts.selecting, kSelecting},
      {facts.caret_at_end, kAtEnd},
      {facts.in_code, kInCode},
      {facts.just_hidden, kHidden},
      {facts.just_accepted, kAccepted},
      {facts.tab_accepts_word, kByWord},
      {facts.aliases, kAliases},
      {facts.mac, kMac},
      {press.alt_gr || (press.ctrl && press.alt), kAltGr},
  }};
  unsigned bits = 0;
  for (const auto& [holds, bit] : all) bits |= holds ? static_cast<unsigned>(bit) : 0u;
  return static_cast<std::uint16_t>(bits);
}

constexpr std::array<std::string_view, 20> kActionNames = {
    "pass", "nothing", "accept_all", "accept_word", "accept_line", "accept_nth", "next_draft", "previous_draft", "ask_now",
    "hide_ghost", "open_snooze", "stop_answer", "clear_selection", "send", "undo_accept", "undo", "focus_next", "focus_previous",
    "indent", "move_caret"};

}  // namespace

std::string_view name_of(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }
std::span<const KeyRow> key_rows() { return kRows; }

Action action_of(const KeyPress& press, const KeyFacts& facts) {
  const std::uint16_t bits = bits_of(press, facts);
  const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const KeyRow& each) {
    const bool chord = each.any_key || (each.key == press.key && each.ctrl == press.ctrl && each.shift == press.shift && each.alt == press.alt);
    return chord && (bits & each.needs) == each.needs && (bits & each.forbids) == 0;
  });
  return row == std::end(kRows) ? Action::pass : row->action;
}

}  // namespace foreword::ui::autocomplete
