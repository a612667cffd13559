#include "ui/chat_list.h"

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kRow = 38, kRowWithDetail = 56, kPad = 12;  // logical
constexpr std::size_t kBinRows = 8;  // the latest deletions

}  // namespace

void ChatList::draw(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  canvas.fill(area, frame.theme.side);
  const float pad = frame.px(kPad), header = frame.px(size::kHeader), button = frame.px(size::kButton);
  canvas.text({area.left + pad + frame.px(6), area.top}, header, frame.font(text::Style::bold, 17), frame.theme.ink, "Foreword");
  const float y = area.top + (header - button) / 2;
  if (icon_button(frame, "chats/new", "New chat (Ctrl+N)", Icon::plus, {area.right - pad - button, y, area.right - pad, y + button})) {
    frame.send(NewChat{});
    frame.input.focus("composer/text");
  }
  const Rect search{area.left + pad, area.top + header, area.right - pad, area.top + header + frame.px(36)};
  draw_search(frame, search);
  const float bin = draw_bin(frame, {area.left, search.bottom + pad, area.right, area.bottom});
  draw_rows(frame, {area.left, search.bottom + pad, area.right, area.bottom - bin});
}

/// What was deleted, at the lower edge, folded unless it was asked for. Its height.
float ChatList::draw_bin(Frame& frame, Rect area) {
  const std::vector<BinRow>& bin = frame.state.bin;
  if (bin.empty()) return 0;
  Canvas& canvas = frame.canvas;
  const float pad = frame.px(kPad), head = frame.px(36), line = frame.px(34), side = frame.px(26);
  const std::size_t n_shown = bin_open_ ? std::min(bin.size(), kBinRows) : 0;
  const float height = head + static_cast<float>(n_shown) * line + (n_shown > 0 ? frame.px(6) : 0);
  const float top = area.bottom - height;
  canvas.fill({area.left, top, area.right, top + frame.px(1)}, frame.theme.line);
  const Rect button{area.left + pad, top + frame.px(3), area.right - pad, top + head - frame.px(2)};
  const std::string id = "chats/bin", label = "Bin (" + std::to_string(bin.size()) + ")";
  frame.input.add({.id = id, .role = ItemRole::button, .label = label + (bin_open_ ? ", unfolded" : ", folded"), .rect = button, .selected = bin_open_});
  if (frame.input.hovered(id)) canvas.fill(button, frame.theme.hover, frame.px(size::kRadius));
  canvas.icon(Icon::trash, {button.left + frame.px(16), button.center().y}, frame.px(16), frame.theme.ink_soft);
  const text::Font font = frame.font(text::Style::regular, size::kSmall);
  canvas.text({button.left + frame.px(32), button.top}, button.height(), font, frame.theme.ink_soft, label);
  canvas.icon(bin_open_ ? Icon::chevron_down : Icon::chevron_right, {button.right - frame.px(14), button.center().y}, frame.px(14), frame.theme.ink_soft);
  focus_ring(frame, id, button, frame.px(size::kRadius));
  float y = top + head;
  for (std::size_t i = 0; i < n_shown; ++i, y += line) {
    const BinRow& row = bin[i];
    const float right = area.right - pad - side;
    canvas.text_cut({area.left + pad + frame.px(10), y}, line, right - area.left - pad - frame.px(16), font, frame.theme.ink, row.detail.empty() ? row.title : row.detail);
    const Rect restore{right, y + frame.px(4), right + side, y + frame.px(4) + side};
    const std::string name = row.detail.empty() ? row.title : row.detail;
    if (icon_button(frame, id + "/" + std::to_string(row.id), "Restore: " + name.substr(0, name.find('\n')), Icon::undo, restore)) frame.send(RestoreDeleted{row.id});
  }
  if (frame.input.activated(id)) bin_open_ = !bin_open_;
  return height;
}

void ChatList::draw_search(Frame& frame, Rect rect) {
  const std::string id = "chats/search";
  if (!frame.input.focused(id) && search_.text() != frame.state.search) search_.set_text(frame.state.search);
  frame.canvas.fill(rect, frame.theme.raised, frame.px(size::kRadius));
  const bool focused = frame.input.focused(id);
  frame.canvas.stroke(rect, focused ? frame.theme.border_focus : frame.theme.line, frame.px(size::kRadius), frame.px(1));
  frame.canvas.icon(Icon::search, {rect.left + frame.px(18), rect.center().y}, frame.px(17), frame.theme.ink_soft);
  const float line_height = frame.px(22), top = std::round(rect.center().y - line_height / 2);
  const Rect inner{rect.left + frame.px(34), top, rect.right - frame.px(10), top + line_height};
  const TextField::Options options{.label = "Search chats", .hint = "Search", .font = frame.font(text::Style::regular, size::kInterface),
                                   .line_height = line_height, .takes_escape = !search_.text().empty()};
  const auto result = search_.draw(frame, id, inner, rect, options);
  if (result.cancelled) search_.set_text("");
  if (result.changed || result.cancelled) frame.send(SearchChanged{search_.text()});
}

void ChatList::draw_rows(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const float pad = frame.px(kPad), gap = frame.px(2);
  frame.input.add({.id = "chats/list", .role = ItemRole::scroll_area, .label = "Chats", .rect = area, .focusable = false});
  float content = pad;
  for (const ChatRow& chat : frame.state.chats) content += frame.px(chat.detail.empty() ? kRow : kRowWithDetail) + gap;
  for (const InputEvent& event : frame.input.events_of("chats/list")) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
  }
  scroll_ = std::round(std::clamp(scroll_, 0.0f, std::max(0.0f, content - area.height())));
  if (frame.state.chats.empty()) {
    const std::string_view line = frame.state.search.empty() ? "Your chats will stand here." : "No chat contains this.";
    canvas.text({area.left + pad + frame.px(6), area.top}, frame.px(32), frame.font(text::Style::regular, size::kSmall), frame.theme.ink_soft, line);
  }
  canvas.push_clip(area);
  float y = area.top - scroll_;
  for (const ChatRow& chat : frame.state.chats) {
    const float height = frame.px(chat.detail.empty() ? kRow : kRowWithDetail);
    if (y + height > area.top && y < area.bottom) draw_row(frame, chat, {area.left + pad, y, area.right - pad, y + height});
    y += height + gap;
  }
  scroll_ = scroll_bar(frame, "chats/scroll", area, content, scroll_);
  canvas.pop_clip();
}

void ChatList::draw_row(Frame& frame, const ChatRow& chat, Rect row) {
  Canvas& canvas = frame.canvas;
  const std::string id = "chats/row:" + std::to_string(chat.id);
  if (renaming_ == chat.id) return draw_title_field(frame, chat, id, row);
  const bool current = chat.id == frame.state.current_chat;
  const bool hot = frame.input.hovered(id) || frame.input.is_hovered_below(id);
  frame.input.add({.id = id, .role = ItemRole::row, .label = chat.title, .rect = row.intersect(canvas.clip()), .selected = current});
  const float radius = frame.px(size::kRadius), pad = frame.px(10), button = frame.px(26);
  if (current || hot) canvas.fill(row, current ? frame.theme.chosen : frame.theme.hover, radius);
  const bool tools = hot || frame.input.focus_ring(id) || frame.input.is_focused_below(id);
  const float right = row.right - (tools ? 3 * button + frame.px(8) : chat.pinned ? frame.px(30) : pad);
  const float line = chat.detail.empty() ? row.height() : frame.px(32);
  canvas.text_cut({row.left + pad, row.top}, line, right - row.left - pad, frame.font(current ? text::Style::medium : text::Style::regular, size::kInterface),
                  frame.theme.ink, chat.title);
  if (!chat.detail.empty()) {
    canvas.text_cut({row.left + pad, row.top + frame.px(28)}, frame.px(20), row.width() - 2 * pad,
                    frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft, chat.detail);
  }
  focus_ring(frame, id, row.inset(frame.px(2), frame.px(2)), radius);
  if (tools) {
    const float top = std::round(row.top + (line - button) / 2);
    const float x = row.right - 3 * button - frame.px(4);
    const auto place = [&](int i) { return Rect{x + static_cast<float>(i) * button, top, x + static_cast<float>(i + 1) * button, top + button}; };
    if (icon_button(frame, id + "/pin", chat.pinned ? "Unpin" : "Pin to the top", Icon::pin, place(0), {.selected = chat.pinned})) frame.send(PinChat{chat.id, !chat.pinned});
    if (icon_button(frame, id + "/rename", "Rename (F2)", Icon::pencil, place(1))) start_renaming(frame, chat);
    if (icon_button(frame, id + "/delete", "Delete", Icon::trash, place(2))) frame.send(DeleteChat{chat.id});
  } else if (chat.pinned) {
    canvas.icon(Icon::pin, {row.right - frame.px(18), row.top + line / 2}, frame.px(15), frame.theme.ink_soft);
  }
  if (frame.input.activated(id) && !current) frame.send(SelectChat{chat.id});
  if (!current || renaming_ != 0) return;
  for (const KeyPress& press : frame.input.shortcuts()) {
    if (press.key == Key::f2) start_renaming(frame, chat);
  }
}

void ChatList::start_renaming(Frame& frame, const ChatRow& chat) {
  renaming_ = chat.id;
  title_.set_text(chat.title);
  title_.buffer().select_all();
  frame.input.focus("chats/row:" + std::to_string(chat.id) + "/title");
}

void ChatList::draw_title_field(Frame& frame, const ChatRow& chat, const std::string& id, Rect row) {
  frame.canvas.fill(row, frame.theme.raised, frame.px(size::kRadius));
  frame.canvas.stroke(row, frame.theme.border_focus, frame.px(size::kRadius), frame.px(1));
  const float line_height = frame.px(22), top = std::round(row.center().y - line_height / 2);
  const Rect inner{row.left + frame.px(10), top, row.right - frame.px(10), top + line_height};
  const TextField::Options options{.label = "Title", .hint = "Title", .font = frame.font(text::Style::regular, size::kInterface),
                                   .line_height = line_height, .takes_escape = true};
  const auto result = title_.draw(frame, id + "/title", inner, row, options);
  const bool left = frame.input.focus_id() != id + "/title";
  if (!result.submitted && !result.cancelled && !left) return;
  if (!result.cancelled && !title_.text().empty() && title_.text() != chat.title) frame.send(RenameChat{chat.id, title_.text()});
  renaming_ = 0;
  if (!left) frame.input.focus("composer/text");
}

}  // namespace foreword::ui
