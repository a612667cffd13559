#include "ui/status_line.h"

#include <array>
#include <cstdio>

namespace foreword::ui {
namespace {

std::string formatted(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

}  // namespace

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string status_facts(const StatusView& status) {
  std::string line;
  const auto add = [&](std::string fact) { line += (line.empty() ? "" : " \u00b7 ") + std::move(fact); };
  if (status.tokens_per_second > 0) {
    add(formatted(status.tokens_per_second < 100 ? "%.1f tokens/s" : "%.0f tokens/s", status.tokens_per_second));
  }
  if (status.first_token_seconds > 0) add(formatted("first token %.2f s", status.first_token_seconds));
  if (status.prompt_tokens > 0) add(grouped(status.reused_tokens) + " of " + grouped(status.prompt_tokens) + " prompt tokens reused");
  if (status.context_size > 0) add("context " + grouped(status.context_used) + " of " + grouped(status.context_size));
  return line;
}

void draw_status_line(Frame& frame, Rect area) {
  const StatusView& status = frame.state.status;
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  const std::string facts = status_facts(status);
  const float pad = frame.px(16), width = frame.canvas.width(font, facts);
  frame.canvas.text({area.right - pad - width, area.top}, area.height(), font, frame.theme.ink_soft, facts);
  std::string left = status.device;
  if (!status.activity.empty()) left += (left.empty() ? "" : " \u00b7 ") + status.activity;
  frame.canvas.text_cut({area.left + pad, area.top}, area.height(), area.width() - width - 3 * pad, font, frame.theme.ink_soft, left);
}

}  // namespace foreword::ui
