#include "app/words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "ui/status_line.h"

namespace foreword::app {

std::string title_from(const std::string& text) {
  constexpr std::size_t kMaxBytes = 60;
  std::string line = text.substr(std::min(text.find_first_not_of(" \n\t"), text.size()));
  line = line.substr(0, line.find('\n'));
  if (line.size() <= kMaxBytes) return line;
  std::size_t cut = line.rfind(' ', kMaxBytes);
  if (cut == line.npos || cut < kMaxBytes / 2) {
    cut = kMaxBytes;
    while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;  // whole characters
  }
  return line.substr(0, cut) + "\u2026";
}

std::string start_of(const std::string& text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  std::size_t cut = most_bytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // whole characters
  return text.substr(0, cut) + "\u2026";
}

std::string about_seconds(double seconds) {
  if (seconds < 90) return "about " + std::to_string(std::max(1, static_cast<int>(seconds + 0.5))) + " s";
  return "about " + std::to_string(static_cast<int>(seconds / 60 + 0.5)) + " min";
}

std::string when_words(std::int64_t ms, std::int64_t now_ms) {
  static constexpr const char* kMonths[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
  const auto parts_of = [](std::int64_t at) {
    const std::time_t seconds = static_cast<std::time_t>(at / 1000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts;
  };
  constexpr std::int64_t kDay = 24LL * 3600 * 1000;
  const std::tm then = parts_of(ms), today = parts_of(now_ms), yesterday = parts_of(now_ms - kDay);
  const auto is_day = [&](const std::tm& day) { return then.tm_year == day.tm_year && then.tm_yday == day.tm_yday; };
  std::string day = std::to_string(then.tm_mday) + " " + kMonths[then.tm_mon];
  if (then.tm_year != today.tm_year) day += " " + std::to_string(then.tm_year + 1900);
  if (is_day(yesterday)) day = "Yesterday";
  if (is_day(today)) day = "Today";
  std::array<char, 16> clock{};
  std::snprintf(clock.data(), clock.size(), ", %02d:%02d", then.tm_hour, then.tm_min);
  return day + clock.data();
}

std::string count_words(std::int64_t n, const std::string& one, const std::string& many) {
  return ui::grouped(n) + " " + (n == 1 ? one : many.empty() ? one + "s" : many);
}

std::string size_words(std::int64_t bytes) {
  std::array<char, 32> text{};
  const double mb = static_cast<double>(bytes) / 1e6;
  std::snprintf(text.data(), text.size(), mb < 0.95 ? "%.0f kB" : mb < 99.5 ? "%.1f MB" : "%.0f MB", mb < 0.95 ? mb * 1e3 : mb);
  return text.data();
}

double answer_speed(const engine::GenerationStats& stats) {
  return stats.n_tokens > 1 && stats.decode_seconds > 0 ? static_cast<double>(stats.n_tokens - 1) / stats.decode_seconds : 0;
}

std::string speed_words(std::int64_t n_tokens, double tokens_per_second) {
  std::string line = count_words(n_tokens, "token", "tokens");
  if (tokens_per_second > 0) line.append(" \u00b7 ").append(ui::speed(tokens_per_second));
  return line;
}

bool ended_by_itself(engine::StopReason reason) { return reason == engine::StopReason::eos || reason == engine::StopReason::stop_string; }

std::string_view early_end(std::string_view stop_reason) {
  using engine::StopReason;
  if (stop_reason == engine::name_of(StopReason::context)) return " \u00b7 the context is full";
  if (stop_reason == engine::name_of(StopReason::length)) return " \u00b7 length limit";
  return {};
}

std::string stats_line(const engine::GenerationStats& stats) {
  return speed_words(stats.n_tokens, answer_speed(stats)).append(early_end(engine::name_of(stats.stop_reason)));
}

}  // namespace foreword::app
