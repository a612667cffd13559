#include "ui/status_line.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace foreword::ui {
namespace {

constexpr std::string_view kDot = " \u00b7 ";

std::string formatted(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

}  // namespace

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string speed(double tokens_per_second) {
  if (tokens_per_second < 100) return formatted("%.1f tokens/s", tokens_per_second);
  return grouped(static_cast<std::int64_t>(tokens_per_second + 0.5)) + " tokens/s";
}

std::vector<std::string> status_facts(const StatusView& status) {
  std::vector<std::string> facts;
  if (status.prompt_tokens > 0) {
    facts.push_back(grouped(status.reused_tokens) + " of " + grouped(status.prompt_tokens) + " prompt tokens reused");
  }
  if (status.first_token_seconds >= 0.1) {
    facts.push_back(formatted("first token after %.1f s", status.first_token_seconds));
  } else if (status.first_token_seconds > 0) {
    facts.push_back(formatted("first token after %.0f ms", std::max(1.0, status.first_token_seconds * 1000)));
  }
  if (status.context_size > 0) facts.push_back("context " + grouped(status.context_used) + " of " + grouped(status.context_size));
  if (status.tokens_per_second > 0) facts.push_back(speed(status.tokens_per_second));
  return facts;
}

void draw_status_line(Frame& frame, Rect area) {
  const StatusView& status = frame.state.status;
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  std::string left = status.device;
  if (!left.empty() && !status.activity.empty()) left += kDot;
  left += status.activity;
  const float pad = frame.px(16), room = area.width() - 2 * pad;
  const float left_width = frame.canvas.width(font, left), gap = left.empty() ? 0 : frame.px(24);
  const std::vector<std::string> facts = status_facts(status);
  std::string right;
  for (auto fact = facts.rbegin(); fact != facts.rend(); ++fact) {  // the less important ones go first in a narrow window
    std::string longer = *fact;
    if (!right.empty()) longer += kDot;
    longer += right;
    if (left_width + gap + frame.canvas.width(font, longer) > room) break;
    right = std::move(longer);
  }
  const float width = frame.canvas.width(font, right);
  frame.canvas.text({area.right - pad - width, area.top}, area.height(), font, frame.theme.ink_soft, right);
  frame.canvas.text_cut({area.left + pad, area.top}, area.height(), room - width, font, frame.theme.ink_soft, left);
}

}  // namespace foreword::ui
