#include "ui/root.h"

#include "ui/status_line.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kComposerMargin = 28, kComposerBottom = 6;  // logical
constexpr double kTooltipDelay = 0.5;                        // seconds
constexpr float kMinScale = 0.75f, kMaxScale = 3.0f;

/// `suffix`: ".gguf", in small letters.
bool ends_in(std::string_view path, std::string_view suffix) {
  if (path.size() < suffix.size()) return false;
  const std::string_view end = path.substr(path.size() - suffix.size());
  return std::equal(end.begin(), end.end(), suffix.begin(), [](char a, char b) { return (a | 0x20) == b || a == b; });
}

}  // namespace

Root::Root(text::GlyphSource& source, Clipboard& clipboard) : clipboard_(clipboard), canvas_(source) {
  input_.set_text_home(Composer::kFieldId);
  input_.focus(Composer::kFieldId);
}

Root::Outcome Root::frame(const ViewState& state, std::deque<InputEvent>& queue, ImDrawList* list, Vec size, float monitor_scale,
                          double now) {
  Outcome outcome;
  Frame frame{.canvas = canvas_, .input = input_, .clipboard = clipboard_, .state = state, .theme = theme_of(state.theme),
              .events = outcome.events, .now = now, .scale = monitor_scale * state.scale};
  if (chat_ != state.current_chat) {
    // A new chat that has just been stored gets its id while the user writes on; nothing of that may be lost.
    const bool stored = chat_ == 0 && state.draft.empty() && !state.messages.empty();
    if (!stored) {
      if (chat_ >= 0 && !composer_.draft().empty()) frame.send(DraftLeft{chat_, composer_.draft()});
      composer_.set_text(state.draft);
    }
    if (!stored && find_.is_open()) find_.close(frame, conversation_);
    chat_ = state.current_chat;
  }
  input_.begin_frame(queue);
  canvas_.begin(list);
  handle_drops(frame);
  const bool asking = picker_.is_open() || link_.is_open() || export_.is_open() || shortcuts_.is_open() || state.backups || state.import;
  if (!asking) handle_shortcuts(frame);

  const Rect window{0, 0, size.x, size.y};
  canvas_.fill(window, frame.theme.page);
  float left = 0;
  if (size.x >= frame.px(size::kSidebarFrom)) {
    left = frame.px(size::kSidebar);
    chats_.draw(frame, {0, 0, left, size.y});
    canvas_.fill({left, 0, left + frame.px(1), size.y}, frame.theme.line);
    left += frame.px(1);
  }
  draw_main(frame, {left, 0, size.x, size.y}, size.y);
  if (!frame.link_asked.empty()) link_.ask(frame, frame.link_asked);
  picker_.draw(frame, window);
  link_.draw(frame, window);
  export_.draw(frame, window);
  shortcuts_.draw(frame, window);
  import_.draw(frame, window);
  backups_.draw(frame, window);
  input_.end_frame();
  draw_tooltip(frame, window);
  if (input_.focus_id().empty()) input_.focus(Composer::kFieldId);
  outcome.more_input = !queue.empty();
  outcome.wake_at = frame.wake_at;
  return outcome;
}

void Root::draw_main(Frame& frame, Rect area, float window_height) {
  const Rect header{area.left, area.top, area.right, area.top + frame.px(size::kHeader)};
  const Rect status{area.left, area.bottom - frame.px(size::kStatus), area.right, area.bottom};
  const float margin = frame.px(kComposerMargin);
  const float width = std::min(frame.px(size::kMeasure) + 2 * frame.px(16), area.width() - margin);
  const float left = std::round((area.left + area.right - width) / 2);
  const float height = composer_.wanted_height(frame, width, window_height);
  const float bottom = status.top - frame.px(kComposerBottom);
  const Rect composer{left, bottom - height, left + width, bottom};
  const float notices = draw_notices(frame, {left, header.bottom, left + width, composer.top});
  const Rect conversation{area.left, header.bottom, area.right, composer.top - frame.px(8) - notices};
  if (frame.state.messages.empty()) {
    draw_welcome(frame, conversation);
  } else {
    conversation_.draw(frame, conversation);
    find_.draw(frame, conversation, conversation_);
  }
  draw_header(frame, header);
  for (const MessageRow& message : frame.state.messages) {
    if (frame.edit_asked == message.id && message.id != 0) composer_.edit(frame, message);
  }
  const std::size_t n_events = frame.events.size();
  if (composer_.draw(frame, composer)) picker_.open(frame);
  if (frame.events.size() > n_events && (std::holds_alternative<SendMessage>(frame.events.back()) || std::holds_alternative<EditMessage>(frame.events.back()))) {
    conversation_.go_to_end();
  }
  draw_status_line(frame, status);
}

float Root::draw_notices(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  constexpr std::size_t kMost = 3;
  std::vector<Notice> shown(frame.state.notices.end() - static_cast<std::ptrdiff_t>(std::min(kMost, frame.state.notices.size())),
                            frame.state.notices.end());
  if (!refused_drop_.empty()) shown.push_back({.id = 0, .kind = NoticeKind::error, .text = refused_drop_});
  const text::Font font = frame.font(text::Style::regular, size::kInterface);
  const float line_height = frame.px(21), pad = frame.px(12), side = frame.px(26), gap = frame.px(8);
  float bottom = area.bottom - gap;
  for (auto notice = shown.rbegin(); notice != shown.rend(); ++notice) {
    const text::Span span{.font = font};
    const text::StyledText styled{notice->text, {&span, 1}};
    text::Layout layout;
    layout.set(canvas.shapes(), styled, area.width() - 2 * pad - side - frame.px(notice->can_undo ? 100 : 32));
    const float height = static_cast<float>(layout.n_lines()) * line_height + 2 * frame.px(9);
    const Rect box{area.left, bottom - height, area.right, bottom};
    const bool error = notice->kind == NoticeKind::error;
    const Color ink = error ? frame.theme.danger : frame.theme.ink;
    canvas.fill(box, error ? frame.theme.danger_soft : frame.theme.bubble, frame.px(10));
    if (error) canvas.icon(Icon::warning, {box.left + pad + frame.px(9), box.top + frame.px(9) + line_height / 2}, frame.px(18), ink);
    float y = box.top + frame.px(9);
    for (std::size_t i = 0; i < layout.n_lines(); ++i) {
      canvas.line({box.left + pad + (error ? frame.px(28) : 0), y}, line_height, layout, styled, i, {&ink, 1});
      y += line_height;
    }
    const float top = box.top + frame.px(7);
    if (notice->can_undo) {
      const float w = text_button_width(frame, "Undo"), right = box.right - side - frame.px(12);
      if (text_button(frame, "notices/" + std::to_string(notice->id) + "/undo", "Undo", {right - w, top - frame.px(1), right, top + side + frame.px(1)}, ButtonLook::plain)) frame.send(Undo{});
    }
    const std::string id = "notices/" + std::to_string(notice->id) + "/dismiss";
    if (icon_button(frame, id, "Dismiss", Icon::cross, {box.right - side - frame.px(6), top, box.right - frame.px(6), top + side})) {
      if (notice->id == 0) {
        refused_drop_.clear();
      } else {
        frame.send(DismissNotice{notice->id});
      }
    }
    bottom = box.top - gap;
  }
  return area.bottom - gap - bottom;
}

void Root::draw_tooltip(Frame& frame, Rect window) {
  const Item* item = nullptr;
  for (const Item& candidate : input_.items()) {
    if (candidate.tip && input_.hovered(candidate.id)) item = &candidate;
  }
  const std::string id = item == nullptr ? std::string() : item->id;
  if (id != hovered_) hovered_ = id, hovered_since_ = frame.now;
  if (item == nullptr || input_.pressed(id)) return;
  if (frame.now - hovered_since_ < kTooltipDelay) return frame.wake(hovered_since_ + kTooltipDelay);
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  const float width = std::ceil(canvas_.width(font, item->label)) + frame.px(18), height = frame.px(26), gap = frame.px(6);
  float y = item->rect.bottom + gap;
  if (y + height > window.bottom) y = item->rect.top - gap - height;
  const float x = std::round(std::clamp(item->rect.center().x - width / 2, gap, std::max(gap, window.right - width - gap)));
  canvas_.fill({x, y, x + width, y + height}, frame.theme.ink, frame.px(6));
  canvas_.text({x + frame.px(9), y}, height, font, frame.theme.page, item->label);
}

void Root::handle_drops(Frame& frame) {
  if (frame.input.dropped_files().empty()) return;
  refused_drop_ = "Only models (.gguf) and exported chats (.json) can be opened.";
  for (const std::string& path : frame.input.dropped_files()) {
    if (ends_in(path, ".json")) {
      refused_drop_.clear();
      frame.send(ImportFile{path});
      continue;
    }
    if (!ends_in(path, ".gguf")) continue;
    refused_drop_.clear();
    picker_.close();
    frame.send(OpenModel{path});
    break;
  }
}

void Root::handle_shortcuts(Frame& frame) {
  for (const KeyPress& press : frame.input.shortcuts()) {
    if (const auto id = window_command(press)) run(*id, frame);
  }
}

void Root::run(CommandId id, Frame& frame) {
  const auto set_scale = [&](float scale) { frame.send(SetScale{std::clamp(scale, kMinScale, kMaxScale)}); };
  const auto new_chat = [&](bool hidden) {
    frame.send(NewChat{hidden});
    frame.input.focus(Composer::kFieldId);
  };
  const bool messages = !frame.state.messages.empty();
  switch (id) {
    case CommandId::new_chat: return new_chat(frame.state.private_chat);
    case CommandId::new_private_chat: return new_chat(true);
    case CommandId::search_chats: return frame.input.focus("chats/search");
    case CommandId::find: if (messages) find_.open(frame); return;
    case CommandId::find_next: return conversation_.show_match(true);
    case CommandId::find_previous: return conversation_.show_match(false);
    case CommandId::open_model: return picker_.open(frame);
    case CommandId::export_chat: return export_.ask(frame);
    case CommandId::undo: return frame.send(Undo{});
    case CommandId::stop: if (frame.state.generating) frame.send(StopGenerating{}); return;
    case CommandId::bigger: return set_scale(frame.state.scale + 0.25f);
    case CommandId::smaller: return set_scale(frame.state.scale - 0.25f);
    case CommandId::normal_size: return set_scale(1);
    case CommandId::shortcuts: return shortcuts_.open(frame);
    case CommandId::quit: return frame.send(Quit{});
    default: return;  // the composer's and the conversation's own
  }
}

}  // namespace foreword::ui
