#include "ui/root.h"

#include <array>

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

std::string model_line(const ModelView& model) {
  switch (model.state) {
    case ModelState::none: return "Open a model";
    case ModelState::failed: return "Open a model";
    case ModelState::ready: return model.name;
    case ModelState::loading: break;
  }
  if (model.progress < 0) return "Loading " + model.name + "\u2026";
  return "Loading " + model.name + " " + std::to_string(static_cast<int>(model.progress * 100)) + " %";
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
    chat_ = state.current_chat;
  }
  input_.begin_frame(queue);
  canvas_.begin(list);
  handle_drops(frame);
  if (!picker_.is_open() && !link_.is_open() && !export_.is_open()) handle_shortcuts(frame);

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

void Root::draw_header(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const ModelView& model = frame.state.model;
  const float button = frame.px(size::kButton), pad = frame.px(12), y = std::round(area.center().y - button / 2);
  const text::Font font = frame.font(text::Style::medium, size::kInterface);
  const std::string line = model_line(model);
  const float room = area.width() - 3 * pad - 3 * button - frame.px(frame.state.private_chat ? 124 : 68);
  const float width = std::min(room, std::ceil(canvas.width(font, line)));
  const float dot = model.state == ModelState::none ? 0 : frame.px(16);
  const Rect chip{area.left + pad, y, area.left + pad + width + dot + frame.px(44), y + button};
  const std::string id = "header/model";
  frame.input.add({.id = id, .role = ItemRole::button, .label = "Open another model (Ctrl+O)", .rect = chip, .tip = true});
  if (frame.input.hovered(id)) canvas.fill(chip, frame.theme.hover, frame.px(size::kRadius));
  float x = chip.left + frame.px(10);
  if (dot > 0) {
    const bool failed = model.state == ModelState::failed;
    const Color color = failed ? frame.theme.danger : model.state == ModelState::ready ? frame.theme.accent : frame.theme.ink_soft;
    canvas.disc({x + frame.px(4), chip.center().y}, frame.px(4), color);
    x += dot;
  }
  canvas.text_cut({x, chip.top}, chip.height(), width + 1, font, frame.theme.ink, line);
  canvas.icon(Icon::chevron_down, {chip.right - frame.px(16), chip.center().y + frame.px(1)}, frame.px(16), frame.theme.ink_soft);
  focus_ring(frame, id, chip, frame.px(size::kRadius));
  if (model.state == ModelState::loading) {
    const float done = static_cast<float>(model.progress < 0 ? 0.15 : model.progress);
    const float track = area.bottom - frame.px(2);
    canvas.fill({area.left, track, area.left + area.width() * done, area.bottom}, frame.theme.accent);
  }
  if (frame.input.activated(id)) picker_.open(frame);
  const bool dark = frame.state.theme == ThemeChoice::dark;
  const Rect theme{area.right - pad - button, y, area.right - pad, y + button};
  if (frame.state.current_chat != 0 && !frame.state.messages.empty()) {
    const float left = theme.left - 2 * (button + frame.px(2));
    if (icon_button(frame, "header/export", "Save this chat as a file (Ctrl+E)", Icon::save, {left, y, left + button, y + button})) export_.ask(frame);
  }
  const bool hidden = frame.state.private_chat;
  const Rect lock{theme.left - button - frame.px(2), y, theme.left - frame.px(2), y + button};
  if (hidden) {
    const text::Font small = frame.font(text::Style::medium, size::kSmall);
    const float w = std::ceil(canvas.width(small, "Private"));
    canvas.text({lock.left - w - frame.px(6), lock.top}, lock.height(), small, frame.theme.accent, "Private");
  }
  if (icon_button(frame, "header/private", hidden ? "Leave the private chat; it is gone then" : "New private chat: nothing of it is saved", Icon::lock, lock,
                  {.selected = hidden})) {
    frame.send(NewChat{!hidden});
    frame.input.focus(Composer::kFieldId);
  }
  if (icon_button(frame, "header/theme", dark ? "Light colours" : "Dark colours", dark ? Icon::sun : Icon::moon, theme)) {
    frame.send(SetTheme{dark ? ThemeChoice::light : ThemeChoice::dark});
  }
}

void Root::draw_welcome(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const ModelState model = frame.state.model.state;
  const bool ready = model == ModelState::ready, loading = model == ModelState::loading;
  const bool hidden = frame.state.private_chat && ready;
  const std::string_view title = hidden ? "A private chat" : ready ? "What shall we talk about?" : loading ? "One moment" : "Talk to a model on this computer";
  const std::string_view line =
      hidden ? std::string_view("Nothing of it is written to the disk: it is not in the list, cannot be searched, and is gone when you leave it.")
      : ready && !frame.state.model.about.empty() ? std::string_view(frame.state.model.about)
      : ready ? std::string_view("The model runs inside this program; nothing you write leaves this computer.")
      : loading ? std::string_view("The model is being read from the disk; you can write your first message meanwhile.")
                : std::string_view("Drop a .gguf file here, choose one below, or start the program with foreword -m FILE.");
  const float width = std::min(frame.px(520), area.width() - frame.px(48));
  const text::Font title_font = frame.font(text::Style::bold, size::kTitle), font = frame.font(text::Style::regular, size::kText);
  const text::Span span{.font = font};
  const text::StyledText styled{line, {&span, 1}};
  text::Layout body;
  body.set(canvas.shapes(), styled, width);
  const float line_height = frame.px(25), button = frame.px(40);
  const float height = frame.px(52) + static_cast<float>(body.n_lines()) * line_height + (ready || loading ? 0 : frame.px(24) + button);
  float y = std::round(std::max(area.top + frame.px(16), area.center().y - height * 0.6f));
  const auto centered = [&](text::Font f, float h, Color color, std::string_view text) {
    canvas.text({std::round(area.center().x - canvas.width(f, text) / 2), y}, h, f, color, text);
    y += h;
  };
  canvas.push_clip(area);
  centered(title_font, frame.px(40), frame.theme.ink, title);
  y += frame.px(12);
  for (std::size_t i = 0; i < body.n_lines(); ++i) {
    const text::Line l = body.line(canvas.shapes(), styled, i);
    std::string_view part = line.substr(l.begin, l.end - l.begin);
    part = part.substr(0, part.find_last_not_of(' ') + 1);
    centered(font, line_height, frame.theme.ink_soft, part);
  }
  if (!ready && !loading) {
    y += frame.px(24);
    const float w = text_button_width(frame, "Open a model\u2026") + frame.px(12), x = std::round(area.center().x - w / 2);
    if (text_button(frame, "welcome/open", "Open a model\u2026", {x, y, x + w, y + button}, ButtonLook::primary)) picker_.open(frame);
  }
  canvas.pop_clip();
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
  struct Shortcut {
    Key key;
    bool ctrl;
    void (*run)(Root&, Frame&);
  };
  static constexpr auto kSetScale = [](Frame& f, float scale) { f.send(SetScale{std::clamp(scale, kMinScale, kMaxScale)}); };
  static constexpr auto kBigger = [](Root&, Frame& f) { kSetScale(f, f.state.scale + 0.25f); };
  static const std::array kShortcuts{
      Shortcut{letter('z'), true, [](Root&, Frame& f) { f.send(Undo{}); }},
      Shortcut{letter('n'), true, [](Root&, Frame& f) { f.send(NewChat{f.state.private_chat}), f.input.focus(Composer::kFieldId); }},
      Shortcut{letter('o'), true, [](Root& root, Frame& f) { root.picker_.open(f); }},
      Shortcut{letter('e'), true, [](Root& root, Frame& f) { root.export_.ask(f); }},
      Shortcut{letter('k'), true, [](Root&, Frame& f) { f.input.focus("chats/search"); }},
      Shortcut{letter('q'), true, [](Root&, Frame& f) { f.send(Quit{}); }},
      Shortcut{Key::plus, true, kBigger},
      Shortcut{letter('='), true, kBigger},
      Shortcut{Key::minus, true, [](Root&, Frame& f) { kSetScale(f, f.state.scale - 0.25f); }},
      Shortcut{letter('0'), true, [](Root&, Frame& f) { kSetScale(f, 1); }},
      Shortcut{Key::escape, false, [](Root&, Frame& f) { if (f.state.generating) f.send(StopGenerating{}); }},
  };
  for (const KeyPress& press : frame.input.shortcuts()) {
    for (const Shortcut& shortcut : kShortcuts) {
      if (shortcut.key == press.key && shortcut.ctrl == press.mods.ctrl && !press.mods.alt) shortcut.run(*this, frame);
    }
  }
}

}  // namespace foreword::ui
