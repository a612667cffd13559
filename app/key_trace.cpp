#include "app/key_trace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace foreword::app {

using Json = nlohmann::json;
using Kind = TraceEvent::Kind;
using ui::autocomplete::Key;
using ui::autocomplete::KeyPress;

namespace {

constexpr std::string_view kSpaces = " \t\r";
constexpr double kMostMs = 1e9;  // eleven days

enum class Takes : std::uint8_t { text, key, place, range, flag, object };
struct EventRow {
  std::string_view name;
  Kind kind;
  Takes takes;
};
constexpr EventRow kEvents[] = {
    {"text", Kind::text, Takes::text},        {"commit", Kind::commit, Takes::text},
    {"paste", Kind::paste, Takes::text},      {"drop", Kind::drop, Takes::text},
    {"type", Kind::type, Takes::text},        {"key", Kind::key, Takes::key},
    {"cursor", Kind::cursor, Takes::place},   {"select", Kind::select, Takes::range},
    {"focus", Kind::focus, Takes::flag},      {"compose", Kind::compose, Takes::flag},
    {"popup", Kind::popup, Takes::flag},      {"answering", Kind::answering, Takes::flag},
    {"busy", Kind::busy, Takes::flag},        {"battery", Kind::battery, Takes::flag},
    {"expect", Kind::expect, Takes::object},  {"count", Kind::count, Takes::object},
};
/// What an argument is called in a complaint, by Takes.
constexpr std::string_view kArguments[] = {"a text, for example \"a\"", "a key, for example \"Ctrl+Right\"",
                                           "a byte of the text, for example 3", "two bytes of the text, for example [0, 3]",
                                           "true or false", "an object, for example {\"shown\": 1}"};

struct KeyName {
  std::string_view name;
  Key key;
};
constexpr KeyName kKeys[] = {{"Tab", Key::tab},    {"Left", Key::left}, {"Right", Key::right}, {"Up", Key::up}, {"Down", Key::down},
                             {"Esc", Key::escape}, {"Enter", Key::enter}, {"Z", Key::z},       {"F6", Key::f6}, {"[", Key::bracket_left},
                             {"]", Key::bracket_right}, {"\\", Key::backslash}};
struct Modifier {
  std::string_view name;
  bool KeyPress::*flag;
};
constexpr Modifier kModifiers[] = {
    {"Ctrl+", &KeyPress::ctrl}, {"Alt+", &KeyPress::alt}, {"Shift+", &KeyPress::shift}, {"AltGr+", &KeyPress::alt_gr}};

std::optional<KeyPress> key_of(std::string_view name) {
  KeyPress press;
  for (bool more = true; more;) {
    more = false;
    for (const Modifier& each : kModifiers) {
      if (!name.starts_with(each.name)) continue;
      press.*each.flag = more = true;
      name.remove_prefix(each.name.size());
    }
  }
  if (name.size() == 1 && name[0] >= '1' && name[0] <= '9') {
    press.key = Key::digit;
    press.digit = name[0] - '0';
    return press;
  }
  const auto* const row = std::ranges::find(kKeys, name, &KeyName::name);
  if (row == std::end(kKeys)) return std::nullopt;
  press.key = row->key;
  return press;
}

/// A line, read from its front.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) { skip(); }
  std::string_view rest() const { return rest_; }

  std::string_view word() {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(kSpaces));
    rest_.remove_prefix(word.size());
    skip();
    return word;
  }
  std::optional<double> number() {
    const Json value = Json::parse(word(), nullptr, false);
    if (!value.is_number()) return std::nullopt;
    const auto number = value.get<double>();
    return number >= 0 && number <= kMostMs ? std::optional(number) : std::nullopt;
  }
  /// A JSON string that more may follow.
  std::optional<std::string> string() {
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (!rest_.starts_with('"') || end >= rest_.size()) return std::nullopt;
    const Json value = Json::parse(rest_.substr(0, end + 1), nullptr, false);
    rest_.remove_prefix(end + 1);
    skip();
    return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
  }

 private:
  void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size())); }
  std::string_view rest_;
};

bool is_place(const Json& value) { return value.is_number_unsigned(); }

/// False: the argument is not what the event takes.
bool take_argument(const EventRow& row, const Json& value, TraceEvent& event) {
  switch (row.takes) {
    case Takes::text:
      if (!value.is_string() || value.get_ref<const std::string&>().empty()) return false;
      event.text = value.get<std::string>();
      return true;
    case Takes::key: {
      if (!value.is_string()) return false;
      if (value == "Backspace") {
        event.kind = Kind::backspace;
        return true;
      }
      const auto key = key_of(value.get_ref<const std::string&>());
      if (key) event.key = *key;
      return key.has_value();
    }
    case Takes::place:
      if (!is_place(value)) return false;
      event.begin = value.get<std::size_t>();
      return true;
    case Takes::range:
      if (!value.is_array() || value.size() != 2 || !is_place(value[0]) || !is_place(value[1])) return false;
      event.begin = value[0].get<std::size_t>();
      event.end = value[1].get<std::size_t>();
      return event.begin <= event.end;
    case Takes::flag:
      if (!value.is_boolean()) return false;
      event.on = value.get<bool>();
      return true;
    case Takes::object:
      if (!value.is_object()) return false;
      event.text = value.dump();
      return true;
  }
  return false;
}

/// What is wrong with the line, after its number; empty: nothing.
std::string take_event(Line line, double last_ms, TraceEvent& event) {
  const auto ms = line.number();
  if (!ms) return "does not begin with a time in milliseconds";
  if (*ms < last_ms) return "comes before the event above it";
  event.ms = *ms;
  const std::string name(line.word());
  const auto* const row = std::ranges::find(kEvents, name, &EventRow::name);
  if (row == std::end(kEvents)) return "has no known event; there are text, type, key, paste and others";
  event.kind = row->kind;
  const Json value = Json::parse(line.rest(), nullptr, false);
  if (value.is_discarded() || !take_argument(*row, value, event)) {
    return "needs " + std::string(kArguments[static_cast<std::size_t>(row->takes)]) + " behind " + name;
  }
  return {};
}

bool take_rule(Line line, TraceRule& rule) {
  line.word();  // on
  const auto ending = line.string();
  if (!ending || line.word() != "after") return false;
  const auto after = line.number();
  if (!after) return false;
  rule.ending = *ending;
  rule.after = *after;
  if (line.rest().starts_with("step")) {
    line.word();
    const auto step = line.number();
    if (!step) return false;
    rule.step = *step;
  }
  const Json drafts = Json::parse(line.rest(), nullptr, false);
  if (!drafts.is_array()) return false;
  for (const Json& draft : drafts) {
    const bool whole = draft.is_array() && draft.size() >= 2 && draft.size() <= 3 && draft[0].is_string() && draft[1].is_number() &&
                       (draft.size() == 2 || draft[2].is_boolean());
    if (!whole) return false;
    rule.drafts.push_back({0, draft[0].get<std::string>(), draft[1].get<double>(), draft.size() == 3 && draft[2].get<bool>()});
  }
  return true;
}

}  // namespace

Result<KeyTrace> parse_key_trace(std::string_view text, const std::string& name) {
  KeyTrace trace;
  double last_ms = 0;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(whole.size() + 1, text.size()));
    const Line line(whole);
    if (line.rest().empty() || line.rest().starts_with('#')) continue;
    std::string wrong;
    if (line.rest().starts_with("on ")) {
      TraceRule rule;
      if (take_rule(line, rule)) trace.rules.push_back(std::move(rule));
      else wrong = "is no rule like: on \"How d\" after 35 [[\"o you\", -0.4]]";
    } else {
      TraceEvent event;
      event.line = number;
      wrong = take_event(line, last_ms, event);
      last_ms = event.ms;
      trace.events.push_back(std::move(event));
    }
    if (!wrong.empty()) return Error{ErrorCode::invalid_argument, name + ": line " + std::to_string(number) + " " + wrong + "."};
  }
  if (trace.events.empty()) return Error{ErrorCode::invalid_argument, name + " holds no event; a line is for example: 0 text \"H\"."};
  return trace;
}

}  // namespace foreword::app
