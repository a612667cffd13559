#include "ui/status_line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "ui/context_panel.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr std::string_view kDot = " \u00b7 ";

std::string formatted(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

/// "127.0.0.1:3673" of "http://127.0.0.1:3673/v1".
std::string_view address_of(std::string_view url) {
  const std::size_t begin = url.find("//"), from = begin == url.npos ? 0 : begin + 2;
  return url.substr(from, url.find('/', from) - from);
}

}  // namespace

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

constexpr double kWorthSaying = 1.05;  // tokens a pass: what is less is shown as 1.0

std::string speed(double tokens_per_second) {
  if (tokens_per_second < 100) return formatted("%.1f tokens/s", tokens_per_second);
  return grouped(static_cast<std::int64_t>(tokens_per_second + 0.5)) + " tokens/s";
}

std::string bytes_words(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value < 999.5e3) return grouped(static_cast<std::int64_t>(value / 1e3 + 0.5)) + " kB";
  if (value < 999.5e6) return grouped(static_cast<std::int64_t>(value / 1e6 + 0.5)) + " MB";
  return formatted("%.1f GB", value / 1e9);
}

std::string_view answering_chat_words(Phrases& phrases, const ViewState& state) {
  const auto chat = std::ranges::find(state.chats, state.answering_chat, &ChatRow::id);
  return state.answering_chat == 0 || chat == state.chats.end() ? "another chat" : phrases.join({"\u201c", chat->title, "\u201d"});
}

PhraseList status_places(Phrases& phrases, const ViewState& state) {
  const StatusView& status = state.status;
  PhraseList places;
  if (state.generating && state.elsewhere) {
    places.push_back(phrases.join({"Answering in ", answering_chat_words(phrases, state)}));
  } else if (!status.activity.empty()) {
    places.push_back(status.activity);
  } else if (state.model.state == ModelState::loading) {
    const std::string_view done = state.model.progress < 0 ? "Loading the model" : phrases.format("Loading the model %.0f %%", state.model.progress * 100);
    places.push_back(state.model.left.empty() ? done : phrases.join({done, ", ", state.model.left}));
  } else if (state.model.state == ModelState::ready) {
    places.push_back("Ready");
  }
  if (state.server.running > 0) places.push_back(phrases.join({state.server.running == 1 ? "1 request" : grouped(state.server.running), state.server.running == 1 ? "" : " requests", " by the server"}));
  else if (state.server.on) places.push_back(phrases.join({"Server at ", address_of(state.server.url)}));
  if (const auto running = std::ranges::find(state.downloads, DownloadState::running, &DownloadView::state); running != state.downloads.end()) {
    places.push_back(running->share < 0 ? phrases.join({"Downloading ", running->name}) : phrases.join({"Downloading ", running->name, phrases.format(" %.0f %%", running->share * 100)}));
  }
  if (!status.device.empty()) places.push_back(status.device);
  if (status.memory_used <= 0) return places;
  const std::string used = bytes_words(status.memory_used);
  places.push_back(status.memory_total > 0 ? phrases.join({used, " of ", bytes_words(status.memory_total)}) : phrases.join({used}));
  return places;
}

PhraseList status_facts(Phrases& phrases, const StatusView& status) {
  PhraseList facts;
  if (status.prompt_tokens > 0) {
    facts.push_back(phrases.join({grouped(status.reused_tokens), " tokens reused, ", grouped(status.prompt_tokens - status.reused_tokens), " new"}));
  }
  if (status.first_token_seconds >= 0.1) {
    facts.push_back(phrases.format("first token after %.1f s", status.first_token_seconds));
  } else if (status.first_token_seconds > 0) {
    facts.push_back(phrases.format("first token after %.0f ms", std::max(1.0, status.first_token_seconds * 1000)));
  }
  if (status.tokens_per_second > 0) facts.push_back(phrases.join({speed(status.tokens_per_second)}));
  if (status.tokens_per_pass >= kWorthSaying) facts.push_back(phrases.format("%.1f tokens a pass", status.tokens_per_pass));
  return facts;
}

namespace {

constexpr float kPad = 16, kBar = 56;  // logical
constexpr std::string_view kMeterId = "status/context";

std::string_view joined(Frame& frame, const PhraseList& parts) {
  std::string_view line;
  for (const std::string_view part : parts) line = line.empty() ? part : frame.join(line, kDot, part);
  return line;
}

/// A bar and its numbers, at the right end; where the rest of the line ends, and whether it was pressed.
std::pair<float, bool> draw_meter(Frame& frame, Rect area, text::Font font) {
  const std::int64_t size = frame.state.status.context_size;
  const float right = area.right - frame.px(kPad);
  if (size <= 0) return {right, false};
  const ContextView& context = frame.state.context;
  const bool running = frame.state.answers_here();
  const std::int64_t used = running ? frame.state.status.context_used : context.total;
  const std::string_view words = frame.join(grouped(used), " / ", grouped(size));
  const float width = frame.canvas.width(font, words), height = frame.px(6), bar = frame.px(kBar);
  const float left = std::round(right - width - frame.px(8) - bar), top = std::round(area.center().y - height / 2);
  const Rect item{left - frame.px(8), area.top + frame.px(3), right + frame.px(8), area.bottom - frame.px(3)};
  const std::string_view tip = running ? frame.join("Context\t", words, " tokens") : meter_words(frame, context, size);
  frame.input.add({.id = kMeterId, .role = ItemRole::button, .label = tip, .rect = item, .tip = true});
  if (frame.input.hovered(kMeterId)) frame.canvas.fill(item, frame.theme.hover, frame.px(6));
  const float share = std::min(1.0f, static_cast<float>(used) / static_cast<float>(size));
  const Color color = context.blocked ? frame.theme.danger : frame.theme.accent;
  frame.canvas.fill({left, top, left + bar, top + height}, frame.theme.chosen, height / 2);
  if (used > 0) frame.canvas.fill({left, top, left + std::max(height, std::round(bar * share)), top + height}, color, height / 2);
  frame.canvas.text({right - width, area.top}, area.height(), font, context.blocked ? frame.theme.danger : frame.theme.ink_soft, words);
  focus_ring(frame, kMeterId, item, frame.px(6));
  return {item.left - frame.px(6), frame.input.activated(kMeterId)};
}

}  // namespace

bool draw_status_line(Frame& frame, Rect area) {
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  const auto [end, pressed] = draw_meter(frame, area, font);
  const float begin = area.left + frame.px(kPad), room = end - begin;
  const std::string_view places = joined(frame, status_places(frame.phrases, frame.state));
  const std::string_view left = frame.wait_reason.empty() ? places : frame.wait_reason;
  const float left_width = frame.canvas.width(font, left), gap = left.empty() ? 0 : frame.px(24);
  const PhraseList facts = status_facts(frame.phrases, frame.state.status);
  std::string_view right;
  for (auto fact = facts.end(); fact != facts.begin();) {  // the less important ones go first in a narrow window
    --fact;
    const std::string_view longer = right.empty() ? *fact : frame.join(*fact, kDot, right);
    if (left_width + gap + frame.canvas.width(font, longer) > room) break;
    right = longer;
  }
  const float width = frame.canvas.width(font, right);
  frame.canvas.text({end - width, area.top}, area.height(), font, frame.theme.ink_soft, right);
  frame.canvas.text_cut({begin, area.top}, area.height(), room - width, font, frame.theme.ink_soft, left);
  return pressed;
}

}  // namespace foreword::ui
