#pragma once
// When something is asked for again, and when no more. Pure: clock and chance are the caller's.

#include <cstdint>
#include <optional>
#include <string>

namespace foreword::app {

struct RetryRules {
  int most_failures;  // in a row, without a byte between them, that are waited for
  double first_seconds, longest_seconds;
};
/// Lists, which somebody waits for: about 4 s in all.
inline constexpr RetryRules kAsking{3, 0.5, 8};
/// Files, which come while nobody looks: about 5 minutes without a byte.
inline constexpr RetryRules kFetching{10, 0.5, 60};
/// A server that asks for more than this is not waited for.
inline constexpr double kLongestAsked = 900;  // seconds

/// Seconds until the next try after `failures` (1 or more) in a row; nothing: it is given up. They double each time, and between half and all of
/// them are waited, so that not everybody comes back at once; never less than the server asked for. chance: 0 <= chance < 1.
std::optional<double> wait_before_retry(const RetryRules& rules, int failures, std::optional<double> asked_seconds, double chance);

/// What a Retry-After header says, as seconds from now: a number, or a date (RFC 9110, section 10.2.3). Nothing: it says neither.
std::optional<double> retry_after_seconds(const std::string& header, std::int64_t unix_now);

/// Whether another try of the same may end otherwise: 408, 425, 429 and what servers say when they have trouble.
bool may_pass(int status);

}  // namespace foreword::app
