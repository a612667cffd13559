#include "ui/chat_list.h"

#include <algorithm>
#include <utility>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr std::size_t kLead = 24;  // bytes of a snippet before what was found, at most
constexpr float kRow = 38, kRowWithDetail = 56, kPad = 12;  // logical

/// In the order of the names that make up the paths: a folder comes before those within it.
bool path_before(std::string_view a, std::string_view b) {
  const auto rank = [](char c) { return c == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(c)); };
  return std::ranges::lexicographical_compare(a, b, {}, rank, rank);
}

bool is_within(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string_view row_id(Frame& frame, const ChatRow& chat) { return frame.join("chats/row:", chat.id); }

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
  const Rect search{area.left + pad, area.top + header, area.right - pad - button - frame.px(4), area.top + header + frame.px(36)};
  draw_search(frame, search);
  const bool by_name = frame.state.chat_order == ChatOrder::name;
  const float sort = std::round(search.center().y - button / 2);
  if (icon_button(frame, "chats/sort", by_name ? "Sorted by name: sort by date" : "Sorted by date: sort by name", Icon::sort, {area.right - pad - button, sort, area.right - pad, sort + button}, {.selected = by_name})) {
    frame.send(SetChatOrder{by_name ? ChatOrder::date : ChatOrder::name});
  }
  const float bin = bin_.draw(frame, {area.left, search.bottom + pad, area.right, area.bottom});
  draw_rows(frame, {area.left, search.bottom + pad, area.right, area.bottom - bin});
}

void ChatList::draw_search(Frame& frame, Rect rect) {
  const std::string_view id = "chats/search";
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
  if (result.changed || result.cancelled || result.submitted) opens_first_ = result.submitted && !search_.text().empty();
  for (const InputEvent& event : frame.input.events_of(id)) {
    const auto* press = std::get_if<KeyPress>(&event);
    enters_ = enters_ || (press != nullptr && press->key == Key::down && press->mods == Mods{});
  }
}

/// Down goes to the first row; Enter opens the first hit, once the hits are those of what was written.
void ChatList::obey_search_keys(Frame& frame) {
  if (std::exchange(enters_, false) && !lines_.empty()) {
    scroll_ = 0;
    const Line& first = lines_.front();
    frame.input.focus(first.chat == nullptr ? frame.join("chats/folder:", first.folder) : row_id(frame, *first.chat), true);
  }
  if (!opens_first_ || frame.state.found_for != search_.text()) return;
  opens_first_ = false;
  if (frame.state.chats.empty()) return;
  frame.send(SelectChat{frame.state.chats.front().id});
  frame.input.focus("composer/text");
}

/// What stands below each other: the pinned chats, then the folders with theirs, then the others. Search hits stand as found.
void ChatList::arrange(const ViewState& state) {
  lines_.clear();
  foldered_.clear();
  const bool found = !state.search.empty();
  for (const ChatRow& chat : state.chats) {
    if (found || chat.pinned) lines_.push_back({&chat, chat.pinned ? std::string_view() : chat.folder});
    if (!found && !chat.pinned && !chat.folder.empty()) foldered_.push_back(&chat);
  }
  arrange_folders();
  for (const ChatRow& chat : state.chats) {
    if (!found && !chat.pinned && chat.folder.empty()) lines_.push_back({&chat});
  }
}

/// Each folder above its chats, and these above the folders within it.
void ChatList::arrange_folders() {
  std::ranges::sort(foldered_, [](const ChatRow* a, const ChatRow* b) { return a->folder != b->folder ? path_before(a->folder, b->folder) : a < b; });
  const ChatRow* before = nullptr;
  for (const ChatRow* chat : foldered_) {
    const std::string_view path = chat->folder;
    bool hidden = false;
    std::size_t depth = 0;
    for (std::size_t end = 0; end != path.npos; ++depth) {
      end = path.find('/', end + (depth > 0 ? 1 : 0));
      const std::string_view folder = path.substr(0, end);
      const bool stands = before != nullptr && is_within(before->folder, folder);
      if (!stands && !hidden) lines_.push_back({nullptr, folder, depth});
      hidden = hidden || closed_.contains(folder);
    }
    if (!hidden) lines_.push_back({chat, path, depth});
    before = chat;
  }
}

void ChatList::draw_rows(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const float pad = frame.px(kPad), gap = frame.px(2);
  frame.input.add({.id = "chats/list", .role = ItemRole::scroll_area, .label = "Chats", .rect = area, .focusable = false});
  arrange(frame.state);
  obey_search_keys(frame);
  const auto height_of = [&](const Line& line) { return frame.px(line.chat == nullptr || line.chat->detail.empty() ? kRow : kRowWithDetail); };
  float content = pad;
  for (const Line& line : lines_) content += height_of(line) + gap;
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
  for (Line& line : lines_) {
    const float height = height_of(line), indent = frame.px(14) * static_cast<float>(std::min<std::size_t>(line.depth, 4));
    line.rect = {area.left + pad + indent, y, area.right - pad, y + height};
    y += height + gap;
  }
  for (const Line& line : lines_) {
    if (line.rect.bottom <= area.top || line.rect.top >= area.bottom) continue;
    if (line.chat == nullptr) {
      draw_folder(frame, line.folder, line.rect);
    } else {
      draw_row(frame, *line.chat, line.rect);
      drag(frame, *line.chat, area);
    }
  }
  scroll_ = scroll_bar(frame, "chats/scroll", area, content, scroll_);
  draw_dragged(frame);
  canvas.pop_clip();
}

/// The row under a point, or else the list around the rows, which is in no folder.
ChatList::Target ChatList::target_at(Rect area, Vec at) const {
  for (const Line& line : lines_) {
    if (line.rect.contains(at)) return {line.rect.intersect(area), line.folder};
  }
  return {area, {}};
}

/// A chat that is dragged shows where it would go; let go over a folder, or over a chat of one, it goes there.
void ChatList::drag(Frame& frame, const ChatRow& chat, Rect area) {
  const std::string_view id = row_id(frame, chat);
  if (dragged_ == chat.id && !frame.input.pressed(id)) dragged_ = 0;
  const bool can_move = !chat.pinned && frame.state.search.empty();
  for (const InputEvent& event : frame.input.events_of(id)) {
    if (const auto* move = std::get_if<MouseMove>(&event); move != nullptr && can_move) {
      if (std::hypot(move->at.x - pressed_at_.x, move->at.y - pressed_at_.y) < frame.px(5) && dragged_ == 0) continue;
      dragged_ = chat.id;
      dragged_title_ = chat.title;
    }
    const auto* button = std::get_if<MouseButton>(&event);
    if (button == nullptr || button->button != 0) continue;
    if (button->down) {
      pressed_at_ = button->at;
      continue;
    }
    dragged_ = 0;
    const std::string_view folder = target_at(area, button->at).folder;
    if (can_move && area.contains(button->at) && folder != chat.folder) frame.send(MoveChat{chat.id, std::string(folder)});
  }
  if (dragged_ != chat.id) return;
  const Target over = target_at(area, frame.input.mouse());
  if (area.contains(frame.input.mouse()) && over.folder != chat.folder) frame.canvas.stroke(over.rect.inset(frame.px(1), frame.px(1)), frame.theme.accent, frame.px(size::kRadius), frame.px(2));
}

void ChatList::draw_dragged(Frame& frame) {
  if (dragged_ == 0) return;
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  const float width = std::min(std::ceil(frame.canvas.width(font, dragged_title_)), frame.px(150)), height = frame.px(28);
  const Vec at{frame.input.mouse().x + frame.px(8), frame.input.mouse().y - height / 2};
  frame.canvas.fill({at.x, at.y, at.x + width + frame.px(20), at.y + height}, frame.theme.ink, frame.px(6));
  frame.canvas.text_cut({at.x + frame.px(10), at.y}, height, width + 1, font, frame.theme.page, dragged_title_);
}

/// To the folder above or below in the list; what is in none stands below them all.
void ChatList::move_by_key(Frame& frame, const ChatRow& chat, bool down) {
  if (chat.pinned || !frame.state.search.empty()) return;
  std::vector<std::string_view> places;
  for (const Line& line : lines_) {
    if (line.chat == nullptr) places.push_back(line.folder);
  }
  places.emplace_back();
  const auto here = std::find(places.begin(), places.end(), chat.folder);
  if (here == places.end() || (down ? here + 1 == places.end() : here == places.begin())) return;
  frame.send(MoveChat{chat.id, std::string(down ? *(here + 1) : *(here - 1))});
}

/// Keys of the row that has the focus, and deleting only if it shows that; F2 also of the chat that is shown.
void ChatList::handle_row_keys(Frame& frame, const ChatRow& chat, bool current) {
  const std::string_view id = row_id(frame, chat), focus = frame.input.focus_id();
  const bool focused = focus == id, elsewhere = current && !focus.starts_with("chats/row:") && !focus.starts_with("chats/folder:");
  for (const KeyPress& press : frame.input.shortcuts()) {
    if (press.key == Key::f2 && (focused || elsewhere)) start_renaming(frame, chat);
    if (!focused) continue;
    if (press.key == Key::del && frame.input.focus_ring(id)) frame.send(DeleteChat{chat.id});
    if (press.mods.alt && (press.key == Key::up || press.key == Key::down)) move_by_key(frame, chat, press.key == Key::down);
  }
}

void ChatList::draw_folder(Frame& frame, std::string_view path, Rect row) {
  Canvas& canvas = frame.canvas;
  const std::string_view id = frame.join("chats/folder:", path), name = path.substr(path.rfind('/') + 1);
  if (naming_ == path) return draw_field(frame, id, row, "Folder", [&](const std::string& to) { frame.send(RenameFolder{std::string(path), std::string(path.substr(0, path.size() - name.size())) + to}); });
  const bool closed = closed_.contains(path), hot = frame.input.hovered(id) || frame.input.is_hovered_below(id);
  frame.input.add({.id = id, .role = ItemRole::row, .label = frame.join("Folder ", path, closed ? ", folded" : ", unfolded"), .rect = row.intersect(canvas.clip())});
  if (hot) canvas.fill(row, frame.theme.hover, frame.px(size::kRadius));
  const float button = frame.px(26), top = std::round(row.center().y - button / 2);
  canvas.icon(closed ? Icon::chevron_right : Icon::chevron_down, {row.left + frame.px(12), row.center().y}, frame.px(14), frame.theme.ink_soft);
  canvas.icon(Icon::folder, {row.left + frame.px(30), row.center().y}, frame.px(16), frame.theme.ink_soft);
  canvas.text_cut({row.left + frame.px(46), row.top}, row.height(), row.width() - frame.px(108), frame.font(text::Style::medium, size::kSmall), frame.theme.ink_soft, name);
  focus_ring(frame, id, row.inset(frame.px(2), frame.px(2)), frame.px(size::kRadius));
  if (hot || frame.input.focus_ring(id) || frame.input.is_focused_below(id)) {
    const float x = row.right - 2 * button - frame.px(4);
    if (icon_button(frame, frame.join(id, "/rename"), "Rename the folder (F2)", Icon::pencil, {x, top, x + button, top + button})) start_naming(frame, path);
    if (icon_button(frame, frame.join(id, "/remove"), "Take the folder away (Del); its chats stay", Icon::cross, {x + button, top, x + 2 * button, top + button})) frame.send(RemoveFolder{std::string(path)});
  }
  for (const KeyPress& press : frame.input.shortcuts()) {
    if (!frame.input.focused(id)) break;
    if (press.key == Key::f2) start_naming(frame, path);
    if (press.key == Key::del && frame.input.focus_ring(id)) frame.send(RemoveFolder{std::string(path)});
  }
  if (!frame.input.activated(id)) return;
  if (closed) {
    closed_.erase(closed_.find(path));
  } else {
    closed_.emplace(path);
  }
}

void ChatList::draw_row(Frame& frame, const ChatRow& chat, Rect row) {
  Canvas& canvas = frame.canvas;
  const std::string_view id = row_id(frame, chat);
  if (renaming_ == chat.id) {
    return draw_field(frame, id, row, "Title", [&](const std::string& title) {
      if (!title.empty() && title != chat.title) frame.send(RenameChat{chat.id, title});
    });
  }
  if (moving_ == chat.id) {
    return draw_field(frame, id, row, "Folder, as in Work/Reports", [&](const std::string& folder) {
      if (folder != chat.folder) frame.send(MoveChat{chat.id, folder});
    });
  }
  const bool current = chat.id == frame.state.current_chat, busy = frame.state.generating && chat.id == frame.state.answering_chat;
  const bool hot = frame.input.hovered(id) || frame.input.is_hovered_below(id);
  const float radius = frame.px(size::kRadius), pad = frame.px(10), button = frame.px(26);
  if (current || hot) canvas.fill(row, current ? frame.theme.chosen : frame.theme.hover, radius);
  const bool tools = hot || frame.input.focus_ring(id) || frame.input.is_focused_below(id);
  const float right = row.right - (tools ? 4 * button + frame.px(8) : chat.pinned ? frame.px(30) : pad);
  const float line = chat.detail.empty() ? row.height() : frame.px(32);
  if (busy) canvas.disc({row.left + pad / 2, row.top + line / 2}, frame.px(2.5f), frame.theme.accent);
  const text::Font font = frame.font(current ? text::Style::medium : text::Style::regular, size::kInterface);
  const std::string_view label = busy ? frame.join(chat.title, ", answering") : std::string_view(chat.title);
  const bool cut = canvas.width(font, chat.title) > right - row.left - pad;
  frame.input.add({.id = id, .role = ItemRole::row, .label = label, .rect = row.intersect(canvas.clip()), .selected = current, .tip = cut});
  canvas.text_cut({row.left + pad, row.top}, line, right - row.left - pad, font, frame.theme.ink, chat.title);
  if (!chat.detail.empty()) {
    draw_detail(frame, chat, {row.left + pad, row.top + frame.px(28)}, row.width() - 2 * pad);
  }
  focus_ring(frame, id, row.inset(frame.px(2), frame.px(2)), radius);
  if (tools) {
    const float top = std::round(row.top + (line - button) / 2);
    const float x = row.right - 4 * button - frame.px(4);
    const auto place = [&](int i) { return Rect{x + static_cast<float>(i) * button, top, x + static_cast<float>(i + 1) * button, top + button}; };
    if (icon_button(frame, frame.join(id, "/pin"), chat.pinned ? "Unpin" : "Pin to the top", Icon::pin, place(0), {.selected = chat.pinned})) frame.send(PinChat{chat.id, !chat.pinned});
    if (icon_button(frame, frame.join(id, "/move"), "Move to a folder (Alt+Up, Alt+Down)", Icon::folder, place(1))) {
      moving_ = chat.id;
      field_.set_text(chat.folder);
      field_.buffer().select_all();
      frame.input.focus(frame.join(id, "/title"));
    }
    if (icon_button(frame, frame.join(id, "/rename"), "Rename (F2)", Icon::pencil, place(2))) start_renaming(frame, chat);
    if (icon_button(frame, frame.join(id, "/delete"), "Delete (Del)", Icon::trash, place(3))) frame.send(DeleteChat{chat.id});
  } else if (chat.pinned) {
    canvas.icon(Icon::pin, {row.right - frame.px(18), row.top + line / 2}, frame.px(15), frame.theme.ink_soft);
  }
  if (frame.input.activated(id)) {
    if (!current || !frame.state.search.empty()) frame.send(SelectChat{chat.id});
    if (!frame.input.focus_ring(id)) frame.input.focus("composer/text");  // by the mouse
  }
  if (renaming_ == 0) handle_row_keys(frame, chat, current);
}

/// A hit's words, from shortly before the first that was found, with marks behind these.
void ChatList::draw_detail(Frame& frame, const ChatRow& chat, Vec at, float width) {
  static constexpr std::string_view kLeftOut = "\u2026";
  const std::string_view detail = chat.detail;
  const std::size_t found = chat.marks.empty() ? 0 : std::min<std::size_t>(chat.marks.front().first, detail.size());
  std::size_t from = found;
  while (from > 0 && found - from < kLead) {  // whole words, as many as there is room for
    const std::size_t blank = detail.substr(0, from - 1).rfind(' '), word = blank == detail.npos ? 0 : blank + 1;
    if (found - word > kLead) break;
    from = word;
  }
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  const std::size_t moved = from == 0 ? 0 : kLeftOut.size();
  const std::string_view words = frame.canvas.cut(width, font, from == 0 ? detail : frame.join(kLeftOut, detail.substr(from)));
  for (const auto& [begin, n_bytes] : chat.marks) {
    const std::size_t first = begin - from + moved, end = std::min(first + n_bytes, words.size());
    if (first < end) frame.canvas.mark(at, frame.px(20), font, frame.theme.found, words, {first, end});
  }
  frame.canvas.text(at, frame.px(20), font, frame.theme.ink_soft, words);
}

void ChatList::start_naming(Frame& frame, std::string_view path) {
  naming_ = path;
  field_.set_text(path.substr(path.rfind('/') + 1));
  field_.buffer().select_all();
  frame.input.focus(frame.join("chats/folder:", path, "/title"));
}

void ChatList::start_renaming(Frame& frame, const ChatRow& chat) {
  renaming_ = chat.id;
  field_.set_text(chat.title);
  field_.buffer().select_all();
  frame.input.focus(frame.join(row_id(frame, chat), "/title"));
}

/// A name being written in place of a row: Enter takes it, and so does leaving the field; Escape does not.
void ChatList::draw_field(Frame& frame, std::string_view id, Rect row, std::string_view label, const std::function<void(const std::string&)>& done) {
  frame.canvas.fill(row, frame.theme.raised, frame.px(size::kRadius));
  frame.canvas.stroke(row, frame.theme.border_focus, frame.px(size::kRadius), frame.px(1));
  const std::string_view title = frame.join(id, "/title");
  const float line_height = frame.px(22), top = std::round(row.center().y - line_height / 2);
  const Rect inner{row.left + frame.px(10), top, row.right - frame.px(10), top + line_height};
  const TextField::Options options{.label = label, .hint = label, .font = frame.font(text::Style::regular, size::kInterface),
                                   .line_height = line_height, .takes_escape = true};
  const auto result = field_.draw(frame, title, inner, row, options);
  const bool left = frame.input.focus_id() != title;
  if (!result.submitted && !result.cancelled && !left) return;
  if (!result.cancelled) done(field_.text());
  renaming_ = moving_ = 0;
  naming_.clear();
  if (!left) frame.input.focus("composer/text");
}

}  // namespace foreword::ui
