#include "app/download/retry.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

namespace foreword::app {
namespace {

constexpr int kPassing[] = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524};  // the last ones are Cloudflare's

}  // namespace

std::optional<double> wait_before_retry(const RetryRules& rules, int failures, std::optional<double> asked_seconds, double chance) {
  if (failures > rules.most_failures) return std::nullopt;
  if (asked_seconds && *asked_seconds > kLongestAsked) return std::nullopt;
  const double step = std::min(rules.longest_seconds, std::ldexp(rules.first_seconds, std::min(failures - 1, 60)));
  return std::max(step * (0.5 + chance / 2), asked_seconds.value_or(0));
}

std::optional<double> retry_after_seconds(const std::string& header, std::int64_t unix_now) {
  if (!header.empty() && std::ranges::all_of(header, [](char c) { return c >= '0' && c <= '9'; })) {
    return header.size() > 9 ? 1e9 : static_cast<double>(std::stol(header));
  }
  std::tm date{};
  std::istringstream in(header);
  in.imbue(std::locale::classic());
  in >> std::get_time(&date, "%a, %d %b %Y %H:%M:%S");
  if (in.fail()) return std::nullopt;
  return std::max(0.0, static_cast<double>(timegm(&date) - unix_now));
}

bool may_pass(int status) { return std::ranges::find(kPassing, status) != std::end(kPassing); }

}  // namespace foreword::app
