#include "ui/network_panel.h"

#include <algorithm>

#include "ui/dialog.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 640, kRow = 46, kButton = 36, kLine = 20, kRows = 3, kEmpty = 64;  // logical; rows that there is room for at least
constexpr std::string_view kListId = "network/list";
constexpr const char* kAbout = "Every request that this program has made, from the window or by the command line. What other programs ask of it does not leave this computer, and is not among them.";

/// What stands in the place of rows; empty: there are some.
std::string_view instead_of_rows(const NetworkView& network) {
  if (!network.rows.empty()) return {};
  return network.known ? "Nothing was asked so far." : "Reading what was asked\u2026";
}

}  // namespace

void NetworkPanel::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  frame.send(ShowNetwork{});
  frame.input.focus(kListId);
}

void NetworkPanel::draw(Frame& frame, Rect window) {
  if (!open_) return;
  const NetworkView& network = frame.state.network;
  const bool problem = !network.problem.empty();
  const float gap = frame.px(12), width = std::min(frame.px(kWidth), window.width() - 2 * gap), room = width - 2 * frame.px(Dialog::kPad), button = frame.px(kButton);
  const text::Font small = frame.font(text::Style::regular, size::kSmall);
  about_.set(frame, kAbout, small, frame.px(kLine), room);
  if (problem) problem_.set(frame, network.problem, small, frame.px(kLine), room);
  const float above = about_.height() + gap + (problem ? problem_.height() + gap : 0), below = gap + button;
  const float fixed = frame.px(2 * Dialog::kPad + Dialog::kHead) + above + below;
  const float content = network.rows.empty() ? frame.px(kEmpty) : frame.px(kRow) * std::max(kRows, static_cast<float>(network.rows.size()));
  Dialog dialog(frame, window, {"network", "Asked of the internet", width, std::min(fixed + content, window.height() * 0.86f)});
  const Rect inside = dialog.inside();
  about_.draw(frame, {inside.left, inside.top}, frame.theme.ink_soft);
  if (problem) problem_.draw(frame, {inside.left, inside.top + about_.height() + gap}, frame.theme.danger);
  draw_rows(frame, {inside.left, inside.top + above, inside.right, inside.bottom - below});
  const float clear = text_button_width(frame, "Clear the list");
  if (text_button(frame, "network/clear", "Clear the list", {inside.left, inside.bottom - button, inside.left + clear, inside.bottom}, ButtonLook::plain, {.enabled = !network.rows.empty() || problem})) {
    frame.send(ClearNetwork{});
    frame.input.focus(kListId);
  }
  if (!dialog.closed()) return;
  open_ = false;
  frame.input.focus("composer/text");
}

void NetworkPanel::draw_rows(Frame& frame, Rect view) {
  const NetworkView& network = frame.state.network;
  const std::string_view instead = instead_of_rows(network);
  const float row = frame.px(kRow), content = static_cast<float>(network.rows.size()) * row;
  frame.input.add({.id = kListId, .role = ItemRole::document, .label = instead.empty() ? std::string_view("Requests, the newest first") : instead, .rect = view});
  scroll_ = std::round(std::clamp(scrolled(frame, kListId, view.height(), scroll_), 0.0f, std::max(0.0f, content - view.height())));
  frame.canvas.text({view.left, view.top}, row, frame.font(text::Style::regular, size::kInterface), frame.theme.ink_soft, instead);
  frame.canvas.push_clip(view);
  const auto first = static_cast<std::size_t>(scroll_ / row);
  const float right = view.right - (content > view.height() ? frame.px(8) : 0);
  for (std::size_t i = first; i < network.rows.size(); ++i) {
    const float top = view.top + static_cast<float>(i) * row - scroll_;
    if (top >= view.bottom) break;
    draw_row(frame, network.rows[i], {view.left, top, right, top + row});
  }
  frame.canvas.pop_clip();
  const float dragged = scroll_bar(frame, "network/scroll", {view.left, view.top, view.right + frame.px(14), view.bottom}, content, scroll_);
  if (frame.input.pressed("network/scroll")) scroll_ = std::round(dragged);
  focus_ring(frame, kListId, view, frame.px(size::kRadius));
}

/// What for and how much; whom, how it ended, and when.
void NetworkPanel::draw_row(Frame& frame, const NetworkRow& row, Rect rect) {
  Canvas& canvas = frame.canvas;
  frame.input.add({.id = frame.join("network/row:", row.id), .role = ItemRole::note, .label = frame.join(row.purpose, ": ", row.host, ", ", row.outcome, ", ", row.bytes, ", ", row.when), .rect = rect.intersect(canvas.clip()), .focusable = false});
  const text::Font medium = frame.font(text::Style::medium, size::kInterface), small = frame.font(text::Style::regular, size::kSmall - 1), side = frame.font(text::Style::regular, size::kSmall);
  const float gap = frame.px(16), top = rect.top + frame.px(3), below = rect.top + frame.px(23), line = frame.px(20);
  const float bytes = std::ceil(canvas.width(side, row.bytes)), when = std::ceil(canvas.width(small, row.when)), how = std::ceil(canvas.width(small, row.outcome));
  canvas.text_cut({rect.left, top}, line, rect.width() - bytes - gap, medium, frame.theme.ink, row.purpose);
  canvas.text({rect.right - bytes, top}, line, side, frame.theme.ink, row.bytes);
  const float room = std::max(0.0f, rect.width() - when - how - 2 * gap), host = std::min(room, std::ceil(canvas.width(small, row.host)));
  canvas.text_cut({rect.left, below}, line, host + 1, small, frame.theme.ink_soft, row.host);
  canvas.text({rect.left + host, below}, line, small, frame.theme.ink_soft, frame.join(" \u00b7 ", row.outcome));
  canvas.text({rect.right - when, below}, line, small, frame.theme.ink_soft, row.when);
}

}  // namespace foreword::ui
