#include "ui/text_field.h"

#include <utility>

#include "ui/caret.h"
#include "ui/clicks.h"

namespace foreword::ui {

using text::Motion;

void TextField::sync_layout(Frame& frame, float width, const Options& options) {
  if (lines_ == Lines::one) width = 0;
  const auto change = buffer_.take_change();
  if (!laid_out_ || width != layout_.width() || !(options.font == layout_.font())) {
    layout_.set(frame.canvas.shapes(), options.font, buffer_.text(), width);
    laid_out_ = true;
  } else if (change) {
    layout_.edit(frame.canvas.shapes(), buffer_.text(), change->at, change->removed, change->inserted);
  }
}

float TextField::content_height(Frame& frame, float width, const Options& options) {
  sync_layout(frame, width, options);
  return static_cast<float>(layout_.lines().size()) * options.line_height;
}

TextField::Result TextField::draw(Frame& frame, const std::string& id, Rect rect, Rect hit, const Options& options) {
  frame.input.add({.id = id, .role = ItemRole::text_field, .label = std::string(options.label),
                   .rect = hit.intersect(frame.canvas.clip()), .takes_escape = options.takes_escape});
  Result result;
  const std::uint64_t revision = buffer_.revision();
  page_lines_ = static_cast<std::size_t>(std::max(1.0f, rect.height() / options.line_height - 1));
  for (const InputEvent& event : frame.input.events_of(id)) {
    sync_layout(frame, rect.width(), options);
    if (const auto* character = std::get_if<Character>(&event)) {
      std::string typed;
      text::append_utf8(typed, character->value);
      buffer_.insert(typed);
      wanted_x_ = -1;
      show_caret_ = true;
    } else if (const auto* press = std::get_if<KeyPress>(&event)) {
      handle_key(frame, *press, result);
      show_caret_ = true;
    } else if (const auto* wheel = std::get_if<Wheel>(&event)) {
      scroll_y_ -= wheel->dy * options.line_height * 3;
      continue;
    } else {
      handle_mouse(frame, event, rect, options.line_height);
    }
    last_input_ = frame.now;
  }
  sync_layout(frame, rect.width(), options);
  keep_caret_visible(frame, rect, options.line_height);
  draw_content(frame, id, rect, options);
  result.changed = buffer_.revision() != revision;
  return result;
}

void TextField::handle_key(Frame& frame, const KeyPress& press, Result& result) {
  const bool shift = press.mods.shift;
  const Motion motion = press.mods.ctrl ? Motion::word : Motion::cluster;
  const bool vertical = press.key == Key::up || press.key == Key::down || press.key == Key::page_up || press.key == Key::page_down;
  if (!vertical) wanted_x_ = -1;
  const int page = static_cast<int>(page_lines_);
  switch (press.key) {
    case Key::left: return buffer_.move_left(motion, shift);
    case Key::right: return buffer_.move_right(motion, shift);
    case Key::up: return move_vertically(frame, -1, shift);
    case Key::down: return move_vertically(frame, 1, shift);
    case Key::page_up: return move_vertically(frame, -page, shift);
    case Key::page_down: return move_vertically(frame, page, shift);
    case Key::home: return press.mods.ctrl ? buffer_.move_left(Motion::all, shift) : move_in_line(frame, false, shift);
    case Key::end: return press.mods.ctrl ? buffer_.move_right(Motion::all, shift) : move_in_line(frame, true, shift);
    case Key::backspace: return buffer_.erase_left(motion);
    case Key::del: return buffer_.erase_right(motion);
    case Key::escape: result.cancelled = true; return;
    case Key::enter:
      if (shift && lines_ == Lines::many) return buffer_.insert("\n");
      result.submitted = true;
      return;
    default: break;
  }
  if (!press.mods.ctrl) return;
  if (press.key == letter('a')) buffer_.select_all();
  if (press.key == letter('v')) buffer_.insert(frame.clipboard.read());
  if (press.key == letter('z')) shift ? buffer_.redo() : buffer_.undo();
  if (press.key == letter('y')) buffer_.redo();
  if (press.key == letter('c') || press.key == letter('x')) {
    if (buffer_.selection().empty()) return;
    frame.clipboard.write(std::string(buffer_.selected_text()));
    if (press.key == letter('x')) buffer_.erase_left(Motion::cluster);
  }
}

void TextField::move_vertically(Frame& frame, int lines, bool extend) {
  text::ShapeCache& shapes = frame.canvas.shapes();
  const std::size_t here = layout_.line_of(buffer_.caret());
  if (wanted_x_ < 0) wanted_x_ = layout_.x_of(shapes, buffer_.text(), here, buffer_.caret());
  const auto target = static_cast<std::ptrdiff_t>(here) + lines;
  if (target < 0) return buffer_.move_to(0, extend);
  if (target >= static_cast<std::ptrdiff_t>(layout_.lines().size())) return buffer_.move_to(buffer_.text().size(), extend);
  buffer_.move_to(layout_.offset_at(shapes, buffer_.text(), static_cast<std::size_t>(target), wanted_x_), extend);
}

void TextField::move_in_line(Frame&, bool to_end, bool extend) {
  const std::size_t line = layout_.line_of(buffer_.caret());
  buffer_.move_to(to_end ? layout_.line_end(buffer_.text(), line) : layout_.lines()[line].begin, extend);
}

std::size_t TextField::offset_at(Frame& frame, Vec point, Rect rect, float line_height) {
  const float y = (point.y - rect.top + scroll_y_) / line_height;
  const std::size_t last = layout_.lines().size() - 1;
  const std::size_t line = y <= 0 ? 0 : std::min(last, static_cast<std::size_t>(y));
  return layout_.offset_at(frame.canvas.shapes(), buffer_.text(), line, point.x - rect.left + scroll_x_);
}

void TextField::handle_mouse(Frame& frame, const InputEvent& event, Rect rect, float line_height) {
  wanted_x_ = -1;
  if (const auto* button = std::get_if<MouseButton>(&event)) {
    if (!button->down || button->button != 0) return;
    const std::size_t offset = offset_at(frame, button->at, rect, line_height);
    n_clicks_ = count_click(*button, frame.px(4), last_click_, last_click_at_, n_clicks_);
    click_range_ = {offset, offset};
    if (n_clicks_ == 2) click_range_ = text::word_at(buffer_.text(), offset);
    if (n_clicks_ == 3) click_range_ = text::paragraph_at(buffer_.text(), offset);
    if (n_clicks_ > 1) return buffer_.select(click_range_);
    buffer_.move_to(offset, button->mods.shift);
    click_range_ = {buffer_.caret(), buffer_.caret()};
    if (button->mods.shift) click_range_ = buffer_.selection();
  } else if (const auto* move = std::get_if<MouseMove>(&event)) {
    const std::size_t offset = offset_at(frame, move->at, rect, line_height);
    show_caret_ = true;
    if (n_clicks_ == 1) return buffer_.move_to(offset, true);
    buffer_.select({std::min(click_range_.begin, offset), std::max(click_range_.end, offset)});
  }
}

void TextField::keep_caret_visible(Frame& frame, Rect rect, float line_height) {
  const float content = static_cast<float>(layout_.lines().size()) * line_height;
  const float caret_width = frame.px(2);
  if (std::exchange(show_caret_, false)) {
    const std::size_t line = layout_.line_of(buffer_.caret());
    const float y = static_cast<float>(line) * line_height;
    scroll_y_ = std::min(y, std::max(scroll_y_, y + line_height - rect.height()));
    if (lines_ == Lines::one) {
      const float x = layout_.x_of(frame.canvas.shapes(), buffer_.text(), line, buffer_.caret());
      scroll_x_ = std::max(0.0f, std::min(x, std::max(scroll_x_, x + caret_width - rect.width())));
    }
  }
  scroll_y_ = std::round(std::clamp(scroll_y_, 0.0f, std::max(0.0f, content - rect.height())));
}

void TextField::draw_content(Frame& frame, const std::string& id, Rect rect, const Options& options) {
  Canvas& canvas = frame.canvas;
  const float line_height = options.line_height;
  const bool focused = frame.input.focused(id);
  const text::Range selection = buffer_.selection();
  canvas.push_clip(rect.inset(-frame.px(2), 0));
  if (buffer_.text().empty()) canvas.text({rect.left + frame.px(2), rect.top}, line_height, options.font, frame.theme.ink_soft, options.hint);
  const auto& lines = layout_.lines();
  const auto first = static_cast<std::size_t>(scroll_y_ / line_height);
  for (std::size_t i = first; i < lines.size(); ++i) {
    const Vec top{rect.left - scroll_x_, rect.top - scroll_y_ + static_cast<float>(i) * line_height};
    if (top.y >= rect.bottom) break;
    const text::Range marked{std::max(selection.begin, lines[i].begin), std::min(selection.end, lines[i].end)};
    if (selection.begin < selection.end && marked.begin <= marked.end && selection.end > lines[i].begin) {
      const float from = layout_.x_of(canvas.shapes(), buffer_.text(), i, marked.begin);
      float to = layout_.x_of(canvas.shapes(), buffer_.text(), i, marked.end);
      if (selection.end > lines[i].end && lines[i].hard) to += frame.px(6);  // the selected line end
      canvas.fill({top.x + from, top.y, top.x + to, top.y + line_height}, focused ? frame.theme.selection : frame.theme.hover);
    }
    canvas.line(top, line_height, options.font, frame.theme.ink, buffer_.text(), {lines[i].begin, lines[i].end});
  }
  if (focused) {
    const CaretBlink blink = caret_blink(frame.now, last_input_);
    frame.wake(blink.next_change);
    if (blink.visible) {
      const std::size_t line = layout_.line_of(buffer_.caret());
      const float x = std::round(rect.left - scroll_x_ + layout_.x_of(canvas.shapes(), buffer_.text(), line, buffer_.caret()));
      const float y = rect.top - scroll_y_ + static_cast<float>(line) * line_height;
      const float inset = std::round(line_height * 0.12f);
      canvas.fill({x, y + inset, x + std::max(1.0f, frame.px(1.5f)), y + line_height - inset}, frame.theme.accent);
    }
  }
  canvas.pop_clip();
}

}  // namespace foreword::ui
