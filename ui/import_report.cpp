#include "ui/import_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "ui/dialog.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 520, kButton = 36, kTitleLine = 20, kLine = 19, kRowPad = 7, kIndent = 30;  // logical
constexpr std::size_t kMostLines = 4;  // of a reason

std::string_view counted(Frame& frame, std::size_t n, const char* one, const char* many) { return frame.join(n, n == 1 ? one : many); }

/// "2 chats to import, 1 is here already, 1 file cannot be read."
std::string_view summary(Frame& frame, const ImportView& view) {
  std::size_t n[3] = {};
  for (const ImportRow& row : view.rows) ++n[static_cast<std::size_t>(row.state)];
  std::string_view line = n[0] == 0 ? "Nothing to import" : counted(frame, n[0], " chat to import", " chats to import");
  if (n[1] > 0) line = frame.join(line, ", ", counted(frame, n[1], " is here already", " are here already"));
  if (n[2] > 0) line = frame.join(line, ", ", counted(frame, n[2], " file cannot be read", " files cannot be read"));
  return frame.join(line, ".");
}

}  // namespace

void ImportReport::draw(Frame& frame, Rect window) {
  if (!frame.state.import) {
    open_ = false;
    return;
  }
  const ImportView& view = *frame.state.import;
  const auto n_fresh = static_cast<std::size_t>(std::ranges::count(view.rows, ImportState::fresh, &ImportRow::state));
  if (!std::exchange(open_, true)) {
    scroll_ = 0;
    frame.input.focus("import/confirm");
  }
  Canvas& canvas = frame.canvas;
  const float outside = std::min(frame.px(kWidth), window.width() - frame.px(24)), width = outside - 2 * frame.px(Dialog::kPad), indent = frame.px(kIndent), gap = frame.px(12), button = frame.px(kButton);
  const text::Font small = frame.font(text::Style::regular, size::kSmall), font = frame.font(text::Style::regular, size::kInterface);
  float rows = 0;
  const auto row_height = [&](const Paragraph& detail) { return frame.px(kTitleLine) + detail.height() + 2 * frame.px(kRowPad); };
  details_.resize(view.rows.size());
  for (std::size_t i = 0; i < details_.size(); ++i) {
    details_[i].set(frame, view.rows[i].detail, small, frame.px(kLine), width - indent, kMostLines);
    rows += row_height(details_[i]);
  }
  const std::string_view line = view.busy.empty() ? summary(frame, view) : view.busy;
  const float height = frame.px(2 * Dialog::kPad + Dialog::kHead) + frame.px(22) + 2 * gap + rows + button;
  Dialog dialog(frame, window, {"import", "Import chats", outside, height});
  const Rect area = dialog.inside();
  canvas.text({area.left, area.top}, frame.px(22), font, frame.theme.ink_soft, line);
  const float top = area.bottom - button;
  const Rect list{area.left, area.top + frame.px(22) + gap, area.right, top - gap};
  frame.input.add({.id = "import/list", .role = ItemRole::scroll_area, .label = "What was found", .rect = list, .focusable = false});
  for (const InputEvent& event : frame.input.events_of("import/list")) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
  }
  scroll_ = std::round(std::clamp(scroll_, 0.0f, std::max(0.0f, rows - list.height())));
  canvas.push_clip(list);
  float y = list.top - scroll_;
  for (std::size_t i = 0; i < view.rows.size(); ++i) {
    const ImportRow& row = view.rows[i];
    const float row_bottom = y + row_height(details_[i]), text_top = y + frame.px(kRowPad);
    const bool unreadable = row.state == ImportState::unreadable, fresh = row.state == ImportState::fresh;
    const Icon icon = unreadable ? Icon::warning : fresh ? Icon::plus : Icon::check;
    canvas.icon(icon, {list.left + frame.px(10), text_top + frame.px(kTitleLine) / 2}, frame.px(17), unreadable ? frame.theme.danger : fresh ? frame.theme.accent : frame.theme.ink_soft);
    canvas.text_cut({list.left + indent, text_top}, frame.px(kTitleLine), list.width() - indent, frame.font(text::Style::medium, size::kInterface), fresh ? frame.theme.ink : frame.theme.ink_soft, row.title);
    details_[i].draw(frame, {list.left + indent, text_top + frame.px(kTitleLine)}, frame.theme.ink_soft);
    y = row_bottom;
  }
  scroll_ = scroll_bar(frame, "import/scroll", list, rows, scroll_);
  canvas.pop_clip();
  const std::string_view label = n_fresh == 0 ? "Close" : frame.join("Import ", counted(frame, n_fresh, " chat", " chats"));
  const float w = text_button_width(frame, label);
  const bool chosen = text_button(frame, "import/confirm", label, {area.right - w, top, area.right, area.bottom}, ButtonLook::primary, {.enabled = view.busy.empty()});
  bool close = dialog.closed() || (chosen && n_fresh == 0);
  if (n_fresh > 0) {
    const float cancel = text_button_width(frame, "Cancel");
    close = text_button(frame, "import/cancel", "Cancel", {area.left, top, area.left + cancel, area.bottom}, ButtonLook::plain) || close;
    if (chosen) frame.send(ConfirmImport{});
  }
  if (close) frame.send(CancelImport{});
  if (close || chosen) frame.input.focus("composer/text");
}

}  // namespace foreword::ui
