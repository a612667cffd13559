#include "app/words.h"

#include <algorithm>

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

std::string count_words(std::int64_t n, const char* thing) { return ui::grouped(n) + " " + thing + (n == 1 ? "" : "s"); }

std::string about_seconds(double seconds) {
  if (seconds < 90) return "about " + std::to_string(std::max(1, static_cast<int>(seconds + 0.5))) + " s";
  return "about " + std::to_string(static_cast<int>(seconds / 60 + 0.5)) + " min";
}

double answer_speed(const engine::GenerationStats& stats) {
  return stats.n_tokens > 1 && stats.decode_seconds > 0 ? static_cast<double>(stats.n_tokens - 1) / stats.decode_seconds : 0;
}

std::string speed_words(std::int64_t n_tokens, double tokens_per_second) {
  std::string line = ui::grouped(n_tokens) + (n_tokens == 1 ? " token" : " tokens");
  if (tokens_per_second > 0) line.append(" \u00b7 ").append(ui::speed(tokens_per_second));
  return line;
}

std::string stats_line(const engine::GenerationStats& stats) {
  std::string line = speed_words(stats.n_tokens, answer_speed(stats));
  if (stats.stop_reason == engine::StopReason::context) line += " \u00b7 the context is full";
  if (stats.stop_reason == engine::StopReason::length) line += " \u00b7 length limit";
  return line;
}

}  // namespace foreword::app
