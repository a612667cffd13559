#include "engine/schema/decimal.h"

#include <algorithm>
#include <charconv>

namespace foreword::engine {
namespace {

int compare_sizes(const Decimal& a, const Decimal& b) {
  const std::string whole_a = a.whole(), whole_b = b.whole();
  if (whole_a.size() != whole_b.size()) return whole_a.size() < whole_b.size() ? -1 : 1;
  if (const int order = whole_a.compare(whole_b); order != 0) return order;
  return a.fraction().compare(b.fraction());  // no zeros at their ends, so a longer one is larger
}

/// a >= b, of digits without leading zeros.
bool at_least(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() > b.size() : a >= b; }

/// a mod b by long division in decimal, digit after digit. b has digits.
bool divides(const std::string& b, const std::string& a) {
  std::string rest;
  for (const char digit : a) {
    if (!rest.empty() || digit != '0') rest += digit;
    while (!rest.empty() && at_least(rest, b)) {
      int borrow = 0;
      for (std::size_t i = 0; i < rest.size(); ++i) {
        char& mine = rest[rest.size() - 1 - i];
        int value = mine - '0' - borrow - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
        borrow = value < 0 ? 1 : 0;
        mine = static_cast<char>('0' + value + 10 * borrow);
      }
      rest.erase(0, std::min(rest.find_first_not_of('0'), rest.size()));
    }
  }
  return rest.empty();
}

}  // namespace

std::optional<Decimal> Decimal::of(std::string_view json) {
  Decimal number;
  std::size_t at = 0;
  bool behind_point = false;
  if (at < json.size() && json[at] == '-') number.negative = true, ++at;
  for (; at < json.size() && json[at] != 'e' && json[at] != 'E'; ++at) {
    if (json[at] == '.' && !behind_point) {
      behind_point = true;
    } else if (json[at] >= '0' && json[at] <= '9') {
      number.digits += json[at];
      number.decimals += behind_point ? 1 : 0;
    } else {
      return std::nullopt;
    }
  }
  if (number.digits.empty()) return std::nullopt;
  if (at < json.size()) {
    std::string_view exponent = json.substr(at + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
    if (code != std::errc() || end != exponent.data() + exponent.size() || value > kMostExponent || value < -kMostExponent) return std::nullopt;
    number.decimals -= value;
  }
  number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
  while (number.digits.ends_with('0')) {
    number.digits.pop_back();
    --number.decimals;
  }
  if (number.digits.empty()) return Decimal{};
  return number;
}

std::string Decimal::whole() const {
  if (decimals <= 0) return digits + std::string(static_cast<std::size_t>(is_zero() ? 0 : -decimals), '0');
  const auto n = static_cast<std::size_t>(decimals);
  return n >= digits.size() ? "" : digits.substr(0, digits.size() - n);
}

std::string Decimal::fraction() const {
  if (decimals <= 0) return "";
  const auto n = static_cast<std::size_t>(decimals);
  return n > digits.size() ? std::string(n - digits.size(), '0') + digits : digits.substr(digits.size() - n);
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

bool is_multiple(const Decimal& a, const Decimal& b) {
  const std::int64_t scale = std::max(a.decimals, b.decimals);
  const auto scaled = [&](const Decimal& number) { return number.digits + std::string(static_cast<std::size_t>(scale - number.decimals), '0'); };
  return a.is_zero() || divides(scaled(b), scaled(a));
}

}  // namespace foreword::engine
