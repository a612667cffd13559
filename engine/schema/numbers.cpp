#include "engine/schema/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <map>
#include <string>
#include <tuple>

namespace foreword::engine {
namespace {

constexpr int kFractionDigits = 15;  // doubles keep no more
constexpr std::int64_t kLargestStep = 10'000;  // all of them multiplied
constexpr std::int64_t kDigitStates = 9'000;
const Error kTooManyDigits{ErrorCode::unsupported, "A multipleOf of so many digits cannot be kept; use a rounder or a smaller one, or narrower bounds."};

/// A bound's digits, to be compared with those of a number while it is being written.
struct Limit {
  std::string whole, fraction;
  bool negative = false, is_zero = false;
};

/// A step as a whole number `unit` of 10^-decimals.
struct Unit {
  std::int64_t unit = 1;
  int decimals = 0;
};

/// What of a spelling's beginning matters for its rest.
struct Reading {
  enum class Phase : std::uint8_t { begin, minus, zero, whole, point, fraction };
  Phase phase = Phase::begin;
  bool negative = false, is_zero = true, has_fraction = false;
  int digits = 0, decimals = 0;      // in front of the point, behind it
  std::array<int, 2> order = {0, 0};  // this far, against the sizes of the limits: below, same, above
  std::vector<std::int64_t> rest;     // of the digits, by unit
  auto operator<=>(const Reading&) const = default;
};

class Speller {
 public:
  explicit Speller(const NumberForm& form) : form_(form) {
    const std::optional<Bound>* bounds[] = {&form.least, &form.most};
    most_digits_ = {kMostDigits, kMostDigits};
    most_decimals_ = form.broken ? kFractionDigits : 0;
    std::array<std::optional<int>, 2> lengths;  // of what is as far from zero as the bound allows
    for (int i = 0; i < 2; ++i) {
      if (!*bounds[i]) continue;
      const Decimal& value = (*bounds[i])->value;
      limits_[i] = Limit{value.whole(), value.fraction(), value.negative, value.is_zero()};
      const int length = static_cast<int>(limits_[i]->whole.size());
      for (int& digits : most_digits_) digits = std::max(digits, length + 1);
      lengths[i] = value.negative == (i == 0) ? length : 0;
      if (form.broken) most_decimals_ = std::max(most_decimals_, static_cast<int>(limits_[i]->fraction.size()) + 1);
    }
    for (const bool negative : {false, true}) {
      int& digits = most_digits_[negative];
      digits = lengths[negative ? 0 : 1].value_or(digits);
    }
  }

  Result<Regular> language() {
    std::int64_t work = 1;
    for (const Decimal& step : form_.steps) {
      if (work > kLargestStep) break;
      const auto unit = unit_of(step);
      if (!unit) return kTooManyDigits;
      units_.push_back(*unit);
      work *= unit->unit;
      most_decimals_ = std::min(most_decimals_, unit->decimals);
    }
    if (work > kLargestStep) return kTooManyDigits;
    // Large steps leave room for few digits where no bound asks for more.
    for (const bool negative : {false, true}) {
      int& digits = most_digits_[negative];
      if (!(negative ? form_.least : form_.most)) digits = std::min<int>(digits, static_cast<int>(std::max<std::int64_t>(kDigitStates / work, 3)));
    }
    std::map<Reading, std::int32_t> number;
    std::deque<const Reading*> waiting;
    const auto number_of = [&](const Reading& reading) {
      const auto [at, is_new] = number.try_emplace(reading, static_cast<std::int32_t>(number.size()));
      if (is_new) waiting.push_back(&at->first);
      return at->second;
    };
    Reading begin;
    begin.rest.assign(units_.size(), 0);
    number_of(begin);
    std::vector<Regular::State> states;
    for (; !waiting.empty(); waiting.pop_front()) {
      const Reading& reading = *waiting.front();
      Regular::State state{accepts(reading)};
      for (const char c : std::string_view("-.0123456789")) {
        if (const auto next = step(reading, c)) state.edges.push_back({static_cast<char32_t>(c), static_cast<char32_t>(c), number_of(*next)});
      }
      states.push_back(std::move(state));
      if (number.size() > Regular::kMostStates) return kTooManyDigits;
    }
    return Regular::of_states(std::move(states));
  }

 private:
  using Phase = Reading::Phase;

  static std::optional<Unit> unit_of(const Decimal& step) {
    Unit unit;
    const std::string digits = step.decimals > 0 ? step.digits : step.whole();
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), unit.unit);
    if (code != std::errc() || unit.unit > kLargestStep || step.decimals > kFractionDigits) return std::nullopt;
    unit.decimals = static_cast<int>(std::max<std::int64_t>(step.decimals, 0));
    return unit;
  }

  std::optional<Reading> step(const Reading& from, char c) const {
    Reading to = from;
    if (c == '-') {
      to.phase = Phase::minus;
      to.negative = true;
      return from.phase == Phase::begin ? std::optional(to) : std::nullopt;
    }
    if (c == '.') {
      if ((from.phase != Phase::zero && from.phase != Phase::whole) || most_decimals_ == 0) return std::nullopt;
      to.phase = Phase::point;
      for (int i = 0; i < 2; ++i) to.order[i] = order_at_point(from, i);
      to.digits = 0;
      return to;
    }
    const int digit = c - '0';
    to.is_zero &= digit == 0;
    const bool in_fraction = from.phase == Phase::point || from.phase == Phase::fraction;
    const bool leading_zero = digit == 0 && !in_fraction && from.digits == 0;
    const bool full = in_fraction ? from.decimals >= most_decimals_ : !leading_zero && from.digits >= most_digits_[from.negative];
    if (from.phase == Phase::zero || full) return std::nullopt;
    to.phase = in_fraction ? Phase::fraction : leading_zero ? Phase::zero : Phase::whole;
    for (int i = 0; i < 2 && !leading_zero; ++i) {
      if (from.order[i] != 0 || !limits_[i]) continue;
      const std::string& limit = in_fraction ? limits_[i]->fraction : limits_[i]->whole;
      const auto at = static_cast<std::size_t>(in_fraction ? from.decimals : from.digits);
      const int expected = at < limit.size() ? limit[at] - '0' : 0;
      to.order[i] = digit == expected ? 0 : digit < expected ? -1 : 1;
    }
    to.has_fraction |= in_fraction && digit > 0;
    to.decimals += in_fraction ? 1 : 0;
    to.digits += in_fraction || leading_zero ? 0 : 1;
    for (std::size_t i = 0; i < units_.size(); ++i) to.rest[i] = (from.rest[i] * 10 + digit) % units_[i].unit;
    return to;
  }

  /// The whole part against that of the limit: the longer one is larger.
  int order_at_point(const Reading& reading, int i) const {
    if (!limits_[i]) return 0;
    const int length = static_cast<int>(limits_[i]->whole.size());
    return reading.digits != length ? (reading.digits < length ? -1 : 1) : reading.order[i];
  }

  /// The number against the limit.
  int order(const Reading& reading, int i) const {
    const bool in_fraction = reading.phase == Phase::fraction;
    int size = in_fraction ? reading.order[i] : order_at_point(reading, i);
    const std::string& fraction = limits_[i]->fraction;
    const auto read = static_cast<std::size_t>(reading.decimals);
    if (size == 0 && fraction.size() > read) size = -1;  // its last digit is not zero
    if (reading.is_zero && limits_[i]->is_zero) return 0;
    if (reading.is_zero) return limits_[i]->negative ? 1 : -1;
    if (reading.negative != limits_[i]->negative) return reading.negative ? -1 : 1;
    return reading.negative ? -size : size;
  }

  bool accepts(const Reading& reading) const {
    if (reading.phase != Phase::zero && reading.phase != Phase::whole && reading.phase != Phase::fraction) return false;
    if (reading.negative && reading.is_zero) return false;
    if (!(reading.has_fraction ? form_.broken : form_.whole)) return false;
    if (limits_[0] && order(reading, 0) < (form_.least->exclusive ? 1 : 0)) return false;
    if (limits_[1] && order(reading, 1) > (form_.most->exclusive ? -1 : 0)) return false;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      std::int64_t rest = reading.rest[i];
      for (int d = reading.decimals; d < units_[i].decimals; ++d) rest = rest * 10 % units_[i].unit;
      if (rest != 0) return false;
    }
    return true;
  }

  const NumberForm& form_;
  std::array<std::optional<Limit>, 2> limits_;  // least, most
  std::vector<Unit> units_;
  std::array<int, 2> most_digits_;  // in front of the point: of positive numbers, of negative ones
  int most_decimals_ = 0;
};

}  // namespace

bool NumberForm::contradicts_itself() const {
  if (!whole && !broken) return true;
  if (!least || !most) return false;
  const int order = compare(least->value, most->value);
  return order > 0 || (order == 0 && (least->exclusive || most->exclusive));
}

bool NumberForm::allows(const Decimal& number) const {
  if (!(number.is_integer() ? whole : broken)) return false;
  if (least && compare(number, least->value) < (least->exclusive ? 1 : 0)) return false;
  if (most && compare(number, most->value) > (most->exclusive ? -1 : 0)) return false;
  return std::ranges::all_of(steps, [&](const Decimal& step) { return is_multiple(number, step); });
}

Result<Regular> number_language(const NumberForm& form) { return Speller(form).language(); }

Result<Regular> spellings_of(const Decimal& number) {
  std::vector<Expression> parts;
  const auto add = [&](std::string_view text) {
    for (const char c : text) parts.push_back(Expression::chars({{static_cast<char32_t>(c), static_cast<char32_t>(c)}}));
  };
  if (number.negative) add("-");
  add(number.whole().empty() ? "0" : number.whole());
  const Expression zero = Expression::chars({{'0', '0'}});
  if (number.fraction().empty()) {
    parts.push_back(Expression::repeat(Expression::sequence({Expression::chars({{'.', '.'}}), Expression::repeat(zero, 1, -1)}), 0, 1));
  } else {
    add("." + number.fraction());
    parts.push_back(Expression::repeat(zero, 0, -1));
  }
  return Regular::of(Expression::sequence(std::move(parts)));
}

}  // namespace foreword::engine
