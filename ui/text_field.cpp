#include "ui/text_field.h"

#include <utility>

#include "ui/caret.h"
#include "ui/clicks.h"

namespace foreword::ui {

using autocomplete::Origin;
using text::Motion;

namespace {

/// Where a change comes from that this event makes.
Origin origin_of(const InputEvent& event, bool composing) {
  if (std::holds_alternative<Character>(event)) return composing ? Origin::commit : Origin::typing;
  const auto* press = std::get_if<KeyPress>(&event);
  if (press == nullptr) return Origin::paste;  // the middle button
  if (press->key == Key::backspace || press->key == Key::del || press->key == letter('x')) return Origin::deletion;
  if (press->key == letter('v')) return Origin::paste;
  if (press->key == letter('z')) return press->mods.shift ? Origin::redo : Origin::undo;
  return press->key == letter('y') ? Origin::redo : Origin::typing;
}

}  // namespace

void TextField::sync_layout(Frame& frame, float width, const Options& options) {
  const Origin origin = std::exchange(next_origin_, Origin::program);
  if (lines_ == Lines::one) width = 0;
  const auto change = buffer_.take_change();
  if (change && options.watcher != nullptr) {
    told_ = buffer_.selection(), told_caret_ = buffer_.caret();
    options.watcher->text_changed(origin, buffer_, *change);
  }
  if (!laid_out_ || width != layout_.width() || !(options.font == span_.font)) {
    span_.font = options.font;
    layout_.set(frame.canvas.shapes(), styled(), width);
    laid_out_ = true;
  } else if (change) {
    layout_.edit(frame.canvas.shapes(), styled(), change->at, change->removed, change->inserted);
  }
}

float TextField::content_height(Frame& frame, float width, const Options& options) {
  sync_layout(frame, width, options);
  spare_ = options.watcher != nullptr && options.watcher->wants_room() && half_full(frame, width) ? options.line_height : 0;
  return static_cast<float>(layout_.n_lines()) * options.line_height + spare_;
}

/// The last line, more than half.
bool TextField::half_full(Frame& frame, float width) {
  const std::size_t last = layout_.n_lines() - 1;
  const text::Line line = layout_.line(frame.canvas.shapes(), styled(), last);
  const float ends = layout_.x_of(frame.canvas.shapes(), styled(), last, layout_.runs_left(styled(), line.begin) ? line.begin : line.end);
  return 2 * ends > width;
}

void TextField::tell_caret(TextWatcher* watcher, bool by_key) {
  if (watcher == nullptr || (told_ == buffer_.selection() && told_caret_ == buffer_.caret())) return;
  told_ = buffer_.selection(), told_caret_ = buffer_.caret();
  watcher->caret_moved(buffer_, by_key);
}

/// Text that runs to the left stands at the field's right side.
float TextField::indent(Frame& frame, std::size_t line, float width) {
  return layout_.indent(frame.canvas.shapes(), styled(), line, std::max(0.0f, width - frame.px(2)));
}

/// Of a caret, from the top left corner of the unscrolled text.
Vec TextField::place_of(Frame& frame, std::size_t line, std::size_t offset, float line_height, float width) {
  return {indent(frame, line, width) + layout_.x_of(frame.canvas.shapes(), styled(), line, offset), static_cast<float>(line) * line_height};
}

TextField::Result TextField::draw(Frame& frame, std::string_view id, Rect rect, Rect hit, const Options& options) {
  Result result;
  const std::uint64_t revision = buffer_.revision();
  page_lines_ = static_cast<std::size_t>(std::max(1.0f, rect.height() / options.line_height - 1));
  sync_layout(frame, rect.width(), options);
  tell_caret(options.watcher, false);
  for (const InputEvent& event : frame.input.events_of(id)) {
    Origin origin = origin_of(event, composing_);
    const auto* key = std::get_if<KeyPress>(&event);
    if (const auto* composition = std::get_if<Composition>(&event)) {
      composing_ = composition->active;
      if (options.watcher != nullptr) options.watcher->composing(composing_);
    } else if (key != nullptr && options.watcher != nullptr && options.watcher->take_key(frame, *key, buffer_)) {
      origin = Origin::accept;
      show_caret_ = true;
    } else if (const auto* character = std::get_if<Character>(&event)) {
      std::string typed;
      text::append_utf8(typed, character->value);
      buffer_.insert(typed);
      wanted_x_ = -1;
      show_caret_ = true;
    } else if (const auto* press = std::get_if<KeyPress>(&event)) {
      handle_key(frame, *press, options, result);
      show_caret_ = true;
    } else if (const auto* wheel = std::get_if<Wheel>(&event)) {
      scroll_y_ -= wheel->dy * options.line_height * 3;
      continue;
    } else {
      handle_mouse(frame, event, rect, options.line_height);
    }
    next_origin_ = origin;
    sync_layout(frame, rect.width(), options);
    tell_caret(options.watcher, key != nullptr);
    last_input_ = frame.now;
  }
  frame.input.add({.id = id, .role = ItemRole::text_field, .label = options.label,
                   .rect = hit.intersect(frame.canvas.clip()), .takes_escape = options.takes_escape,
                   .takes_tab = options.takes_tab, .takes_choices = options.takes_choices, .takes_undo = buffer_.can_undo(),
                   .takes_pages = static_cast<float>(layout_.n_lines()) * options.line_height > rect.height() + 1,
                   .edited = &buffer_, .many_lines = lines_ == Lines::many});
  keep_caret_visible(frame, rect, options.line_height);
  draw_content(frame, id, rect, options);
  result.changed = buffer_.revision() != revision;
  return result;
}

void TextField::handle_key(Frame& frame, const KeyPress& press, const Options& options, Result& result) {
  const bool shift = press.mods.shift;
  const Motion motion = press.mods.ctrl ? Motion::word : Motion::cluster;
  const bool vertical = press.key == Key::up || press.key == Key::down || press.key == Key::page_up || press.key == Key::page_down;
  if (!vertical) wanted_x_ = -1;
  const int page = static_cast<int>(page_lines_);
  switch (press.key) {
    case Key::left: return move_sideways(frame, false, press.mods.ctrl, shift);
    case Key::right: return move_sideways(frame, true, press.mods.ctrl, shift);
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
      if (lines_ == Lines::many && !press.mods.ctrl && shift == options.enter_submits) return buffer_.insert("\n");
      result.submitted = true;
      result.backwards = shift;
      return;
    default: break;
  }
  if (!press.mods.ctrl) return;
  if (press.key == letter('a')) buffer_.select_all();
  if (press.key == letter('v') && shift && lines_ == Lines::many) {
    result.paste_as_file = true;
  } else if (press.key == letter('v')) {
    result.pasted = frame.clipboard.read();
    buffer_.insert(*result.pasted);
  }
  if (press.key == letter('z') && press.mods.alt) {
    shift ? buffer_.later() : buffer_.earlier();
  } else if (press.key == letter('z')) {
    shift ? buffer_.redo() : buffer_.undo();
  }
  if (press.key == letter('y')) buffer_.redo();
  if (press.key == letter('c') || press.key == letter('x')) {
    if (buffer_.selection().empty()) return;
    frame.clipboard.write(std::string(buffer_.selected_text()));
    if (press.key == letter('x')) buffer_.erase_left(Motion::cluster);
  }
}

/// As the eye sees it: in text that runs to the left, right is backwards.
void TextField::move_sideways(Frame& frame, bool right, bool by_word, bool extend) {
  const bool runs_left = layout_.runs_left(styled(), buffer_.caret());
  const bool forwards = right != runs_left;
  if (by_word || (!extend && !buffer_.selection().empty())) {
    const Motion motion = by_word ? Motion::word : Motion::cluster;
    return forwards ? buffer_.move_right(motion, extend) : buffer_.move_left(motion, extend);
  }
  buffer_.move_to(layout_.beside(frame.canvas.shapes(), styled(), buffer_.caret(), right), extend);
}

void TextField::move_vertically(Frame& frame, int lines, bool extend) {
  text::ShapeCache& shapes = frame.canvas.shapes();
  const std::size_t here = layout_.line_of(shapes, styled(), buffer_.caret());
  if (wanted_x_ < 0) wanted_x_ = indent(frame, here, layout_.width()) + layout_.x_of(shapes, styled(), here, buffer_.caret());
  const auto target = static_cast<std::ptrdiff_t>(here) + lines;
  if (target < 0) return buffer_.move_to(0, extend);
  if (target >= static_cast<std::ptrdiff_t>(layout_.n_lines())) return buffer_.move_to(buffer_.text().size(), extend);
  const auto line = static_cast<std::size_t>(target);
  buffer_.move_to(layout_.offset_at(shapes, styled(), line, wanted_x_ - indent(frame, line, layout_.width())), extend);
}

void TextField::move_in_line(Frame& frame, bool to_end, bool extend) {
  text::ShapeCache& shapes = frame.canvas.shapes();
  const std::size_t line = layout_.line_of(shapes, styled(), buffer_.caret());
  buffer_.move_to(to_end ? layout_.line_end(shapes, styled(), line) : layout_.line(shapes, styled(), line).begin, extend);
}

std::size_t TextField::offset_at(Frame& frame, Vec point, Rect rect, float line_height) {
  const float y = (point.y - rect.top + scroll_y_) / line_height;
  const std::size_t last = layout_.n_lines() - 1;
  const std::size_t line = y <= 0 ? 0 : std::min(last, static_cast<std::size_t>(y));
  return layout_.offset_at(frame.canvas.shapes(), styled(), line, point.x - rect.left + scroll_x_ - indent(frame, line, rect.width()));
}

void TextField::handle_mouse(Frame& frame, const InputEvent& event, Rect rect, float line_height) {
  wanted_x_ = -1;
  if (const auto* button = std::get_if<MouseButton>(&event)) {
    if (!button->down && !buffer_.selection().empty()) frame.clipboard.write(std::string(buffer_.selected_text()), Board::selected);
    if (!button->down || button->button == 1) return;
    const std::size_t offset = offset_at(frame, button->at, rect, line_height);
    if (button->button == 2) {
      buffer_.move_to(offset, false);
      return buffer_.insert(frame.clipboard.read(Board::selected));
    }
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
  const float caret_width = frame.px(2);
  if (std::exchange(show_caret_, false)) {
    const std::size_t line = layout_.line_of(frame.canvas.shapes(), styled(), buffer_.caret());
    const float y = static_cast<float>(line) * line_height;
    const float below = line + 1 == layout_.n_lines() ? spare_ : 0;
    scroll_y_ = std::min(y, std::max(scroll_y_, y + line_height + below - rect.height()));
    if (lines_ == Lines::one) {
      const float x = place_of(frame, line, buffer_.caret(), line_height, rect.width()).x;
      scroll_x_ = std::min(x, std::max(scroll_x_, x + caret_width - rect.width()));
      if (!layout_.runs_left(styled(), 0)) scroll_x_ = std::max(0.0f, scroll_x_);
    }
  }
  const float content = static_cast<float>(layout_.n_lines()) * line_height + spare_;
  scroll_y_ = std::round(std::clamp(scroll_y_, 0.0f, std::max(0.0f, content - rect.height())));
}

void TextField::draw_content(Frame& frame, std::string_view id, Rect rect, const Options& options) {
  Canvas& canvas = frame.canvas;
  text::ShapeCache& shapes = canvas.shapes();
  const float line_height = options.line_height;
  const bool focused = frame.input.focused(id);
  const text::Range selection = buffer_.selection();
  canvas.push_clip(rect.inset(-frame.px(2), 0));
  if (buffer_.text().empty()) canvas.text({rect.left + frame.px(4), rect.top}, line_height, options.font, frame.theme.ink_soft, options.hint);
  for (auto i = static_cast<std::size_t>(scroll_y_ / line_height); i < layout_.n_lines(); ++i) {
    const float y = rect.top - scroll_y_ + static_cast<float>(i) * line_height;
    if (y >= rect.bottom) break;
    const Vec top{std::round(rect.left - scroll_x_ + indent(frame, i, rect.width())), y};
    const text::Line line = layout_.line(shapes, styled(), i);
    if (!selection.empty() && selection.begin <= line.end && selection.end > line.begin) {
      const Color color = focused ? frame.theme.selection : frame.theme.hover;
      layout_.visit_selected(shapes, styled(), i, selection, [&](float left, float right) {
        canvas.fill({top.x + left, y, top.x + right, y + line_height}, color);
      });
      if (selection.end > line.end && line.hard) {  // the selected line end
        const float x = top.x + layout_.x_of(shapes, styled(), i, line.end), out = layout_.runs_left(styled(), line.begin) ? -frame.px(6) : frame.px(6);
        canvas.fill({std::min(x, x + out), y, std::max(x, x + out), y + line_height}, color);
      }
    }
    canvas.line(top, line_height, layout_, styled(), i, {&frame.theme.ink, 1});
  }
  if (options.watcher != nullptr) draw_ghost_text(frame, rect, options);
  if (focused) {
    const CaretBlink blink = frame.state.less_motion ? CaretBlink{} : caret_blink(frame.now, last_input_);
    frame.wake(blink.next_change);
    if (blink.visible) {
      const Vec place = place_of(frame, layout_.line_of(shapes, styled(), buffer_.caret()), buffer_.caret(), line_height, rect.width());
      const float x = std::round(rect.left - scroll_x_ + place.x), y = rect.top - scroll_y_ + place.y;
      const float inset = std::round(line_height * 0.12f);
      canvas.fill({x, y + inset, x + std::max(1.0f, frame.px(1.5f)), y + line_height - inset}, frame.theme.accent);
    }
  }
  canvas.pop_clip();
}

/// Could a text that runs this way be painted behind the caret? Only blanks stand there up to the line's end, and the line
/// runs the same way, also for the eye: no words of the other direction lie where it would go.
bool TextField::goes_on_at_caret(Frame& frame, std::size_t line, bool runs_left) {
  const std::string_view after = std::string_view(buffer_.text()).substr(buffer_.caret());
  if (after.substr(0, after.find('\n')).find_first_not_of(' ') != after.npos) return false;
  if (layout_.runs_left(styled(), buffer_.caret()) != runs_left) return false;
  text::ShapeCache& shapes = frame.canvas.shapes();
  const float caret = layout_.x_of(shapes, styled(), line, buffer_.caret());
  bool free = true;
  layout_.visit(shapes, styled(), line, [&](const text::PlacedPiece& piece) {
    const bool ink = piece.shape != nullptr, beyond = runs_left ? piece.x < caret - 0.5f : piece.x + piece.advance > caret + 0.5f;
    free = free && !(ink && beyond);
    return free;
  });
  return free;
}

void TextField::draw_ghost_text(Frame& frame, Rect rect, const Options& options) {
  const std::string_view ghost = options.watcher->ghost();
  Rect painted;
  if (!ghost.empty() && rect.height() > 0) {
    const std::size_t line = layout_.line_of(frame.canvas.shapes(), styled(), buffer_.caret());
    const Vec place = place_of(frame, line, buffer_.caret(), options.line_height, rect.width());
    const bool runs_left = text::starts_rtl(ghost, {0, ghost.size()});
    if (goes_on_at_caret(frame, line, runs_left)) {
      painted = ghost_.draw(frame, {.caret = {std::round(rect.left - scroll_x_ + place.x) + (runs_left ? 0 : frame.px(2)), rect.top - scroll_y_ + place.y}, .field = rect,
                                   .line_height = options.line_height, .runs_left = runs_left, .may_go_on = line + 1 == layout_.n_lines()},
                           options.font, ghost, options.watcher->ghost_opacity());
    }
  }
  options.watcher->ghost_painted(painted);
}

}  // namespace foreword::ui
