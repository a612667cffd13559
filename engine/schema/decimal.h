#pragma once
// Numbers of JSON as what they are, decimals of any length, so that 0.1 is a tenth. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foreword::engine {

/// sign * digits * 10^-decimals. In one form only: no digit in front or behind that says nothing; zero is not negative.
struct Decimal {
  bool negative = false;
  std::string digits;          // without leading zeros; empty: zero
  std::int64_t decimals = 0;   // below zero: zeros behind the digits

  /// Of a number of JSON; nullopt: none, or an exponent of more than kMostExponent.
  static std::optional<Decimal> of(std::string_view json);
  static constexpr std::int64_t kMostExponent = 400;

  bool is_zero() const { return digits.empty(); }
  bool is_integer() const { return decimals <= 0; }
  /// Digits of the whole part, without leading zeros, and behind the point.
  std::string whole() const;
  std::string fraction() const;
  bool operator==(const Decimal&) const = default;
};

/// Below zero: a < b.
int compare(const Decimal& a, const Decimal& b);
/// Whether a is a whole number of times b, which is above zero.
bool is_multiple(const Decimal& a, const Decimal& b);

}  // namespace foreword::engine
