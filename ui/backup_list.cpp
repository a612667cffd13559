#include "ui/backup_list.h"

#include <algorithm>

#include "ui/dialog.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 480, kRow = 52, kButton = 36, kLine = 21;  // logical
constexpr const char* kId = "backups";
constexpr const char* kAbout = "A copy takes the place of all chats, folders and settings. What is here now is kept as a copy first, so that you can come back to it.";
constexpr const char* kNone = "There is no copy yet. The first one is made a few seconds after the start, and then one each day.";

std::string_view row_id(Frame& frame, std::int64_t id) { return frame.join(kId, "/row:", id); }

}  // namespace

void BackupList::draw(Frame& frame, Rect window) {
  if (!frame.state.backups) {
    n_rows_ = 0;
    chosen_ = 0;
    return;
  }
  const BackupsView& view = *frame.state.backups;
  const bool looking = view.rows.empty() && !view.busy.empty();
  if (view.rows.size() != n_rows_) {
    n_rows_ = view.rows.size();
    scroll_ = 0;
    // A damaged database is replaced by its newest good copy, if the user agrees; else nothing is chosen beforehand.
    chosen_ = !view.reason.empty() && n_rows_ > 0 ? view.rows.front().id : 0;
    frame.input.focus(n_rows_ > 0 ? row_id(frame, view.rows.front().id) : "backups/close");
  }
  const text::Font font = frame.font(text::Style::regular, size::kInterface);
  const std::string_view about = looking ? std::string_view(view.busy) : n_rows_ == 0 ? kNone : view.reason.empty() ? kAbout : std::string_view(view.reason);
  const float width = std::min(frame.px(kWidth), window.width() - frame.px(24)), head = frame.px(2 * Dialog::kPad + Dialog::kHead);
  about_.set(frame, about, font, frame.px(kLine), width - 2 * frame.px(Dialog::kPad));
  const float rows = static_cast<float>(n_rows_) * frame.px(kRow), gap = frame.px(14), button = frame.px(kButton);
  const float height = head + about_.height() + (n_rows_ > 0 ? 2 * gap + rows + button : 0);
  Dialog dialog(frame, window, {kId, view.reason.empty() ? "Go back to a copy" : "Your chats need a copy", width, height});
  const Rect area = dialog.inside();
  about_.draw(frame, {area.left, area.top}, frame.theme.ink_soft);
  bool close = dialog.closed();
  if (n_rows_ > 0) {
    const float top = area.bottom - button;
    draw_rows(frame, {area.left - frame.px(10), area.top + about_.height() + gap, area.right + frame.px(10), top - gap});
    if (view.busy.empty()) {
      const float w = text_button_width(frame, "Restore this copy");
      if (text_button(frame, "backups/restore", "Restore this copy", {area.right - w, top, area.right, area.bottom}, ButtonLook::primary, {.enabled = chosen_ != 0})) {
        frame.send(RestoreBackup{chosen_});
      }
      const float cancel = text_button_width(frame, "Cancel");
      close = text_button(frame, "backups/cancel", "Cancel", {area.left, top, area.left + cancel, area.bottom}, ButtonLook::plain) || close;
    } else {
      frame.canvas.text({area.left, top}, button, font, frame.theme.ink_soft, view.busy);
    }
  }
  if (!close || !(view.busy.empty() || looking)) return;
  frame.send(CloseBackups{});
  frame.input.focus("composer/text");
}

void BackupList::draw_rows(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const BackupsView& view = *frame.state.backups;
  const float row = frame.px(kRow), inset = frame.px(10), content = static_cast<float>(view.rows.size()) * row;
  frame.input.add({.id = "backups/list", .role = ItemRole::scroll_area, .label = "Copies", .rect = area, .focusable = false});
  for (const InputEvent& event : frame.input.events_of("backups/list")) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
  }
  scroll_ = std::round(std::clamp(scroll_, 0.0f, std::max(0.0f, content - area.height())));
  canvas.push_clip(area);
  float y = area.top - scroll_;
  for (const BackupRow& backup : view.rows) {
    const std::string_view id = row_id(frame, backup.id);
    const Rect rect{area.left, y, area.right, y + row};
    const bool chosen = backup.id == chosen_;
    frame.input.add({.id = id, .role = ItemRole::row, .label = frame.join(backup.when, ", ", backup.detail), .rect = rect.intersect(area), .enabled = view.busy.empty(), .selected = chosen});
    if (chosen || frame.input.hovered(id)) canvas.fill(rect, chosen ? frame.theme.chosen : frame.theme.hover, frame.px(size::kRadius));
    canvas.text({rect.left + inset, y + frame.px(6)}, frame.px(20), frame.font(text::Style::medium, size::kInterface), frame.theme.ink, backup.when);
    canvas.text_cut({rect.left + inset, y + frame.px(26)}, frame.px(20), rect.width() - 2 * inset - frame.px(24), frame.font(text::Style::regular, size::kSmall), frame.theme.ink_soft, backup.detail);
    if (chosen) canvas.icon(Icon::check, {rect.right - frame.px(22), rect.center().y}, frame.px(18), frame.theme.accent);
    focus_ring(frame, id, rect.inset(frame.px(2), frame.px(2)), frame.px(size::kRadius));
    if (frame.input.activated(id)) chosen_ = backup.id;
    y += row;
  }
  scroll_ = scroll_bar(frame, "backups/scroll", area, content, scroll_);
  canvas.pop_clip();
}

}  // namespace foreword::ui
