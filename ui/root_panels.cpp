// What stands above the conversation, and in its place while nothing was said.

#include <algorithm>

#include "ui/root.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

std::string_view model_line(Frame& frame, const ModelView& model) {
  switch (model.state) {
    case ModelState::none: return "Open a model";
    case ModelState::failed: return "Open a model";
    case ModelState::ready: return model.name;
    case ModelState::loading: break;
  }
  if (model.progress < 0) return frame.join("Loading ", model.name, "\u2026");
  return frame.join("Loading ", model.name, " ", static_cast<int>(model.progress * 100), " %");
}

}  // namespace

std::string window_title(const ViewState& state) {
  const std::string program = "Foreword";
  return state.private_chat || state.title.empty() ? program : state.title + " - " + program;
}

/// The chat list above a window that is too narrow for both, until a chat is chosen or it is sent away.
void Root::draw_drawer(Frame& frame, Rect window) {
  constexpr std::string_view kOutside = "drawer/outside";
  const Rect list{window.left, window.top, std::min(frame.px(size::kSidebar), window.right - frame.px(size::kButton)), window.bottom};
  frame.input.set_layer(1);
  canvas_.fill(window, frame.theme.scrim);
  frame.input.add({.id = kOutside, .role = ItemRole::button, .label = "Close", .rect = window, .focusable = false});
  frame.input.add({.id = "drawer/box", .role = ItemRole::button, .label = "Chats", .rect = list, .focusable = false});
  canvas_.shadow(list, 0, frame.px(22));
  const auto n_events = static_cast<std::ptrdiff_t>(frame.events.size());
  chats_.draw(frame, list);
  bool closed = frame.input.activated(kOutside) || std::any_of(frame.events.begin() + n_events, frame.events.end(), [](const UiEvent& event) {
    return std::holds_alternative<SelectChat>(event) || std::holds_alternative<NewChat>(event);
  });
  for (const KeyPress& press : frame.input.shortcuts()) closed = closed || press.key == Key::escape;
  frame.input.set_layer(0);
  if (!closed) return;
  drawer_ = false;
  frame.input.focus(Composer::kFieldId);
}

void Root::draw_header(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const Rect bar = area;
  const ModelView& model = frame.state.model;
  const float button = frame.px(size::kButton), pad = frame.px(12), y = std::round(area.center().y - button / 2);
  const text::Font font = frame.font(text::Style::medium, size::kInterface);
  const std::string_view line = model_line(frame, model);
  if (narrow_) {
    if (icon_button(frame, "header/chats", label_with_keys(CommandId::search_chats), Icon::menu, {area.left + pad, y, area.left + pad + button, y + button})) {
      run(CommandId::search_chats, frame);
    }
    area.left += button;
  }
  const int n_buttons = (narrow_ ? 4 : 5) + (frame.state.messages.empty() ? 0 : narrow_ ? 1 : 2);
  const float room = area.width() - 3 * pad - static_cast<float>(n_buttons) * (button + frame.px(2)) - frame.px(frame.state.private_chat ? 124 : 60);
  const float width = std::clamp(std::ceil(canvas.width(font, line)), 0.0f, std::max(room, 0.0f));
  const float dot = model.state == ModelState::none ? 0 : frame.px(16);
  const Rect chip{area.left + pad, y, area.left + pad + width + dot + frame.px(44), y + button};
  const std::string_view id = "header/model";
  frame.input.add({.id = id, .role = ItemRole::button, .label = label_with_keys(CommandId::open_model), .rect = chip, .tip = true});
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
    canvas.fill({bar.left, track, bar.left + bar.width() * done, area.bottom}, frame.theme.accent);
  }
  if (frame.input.activated(id)) picker_.open(frame);
  draw_header_buttons(frame, {area.right - pad - button, y, area.right - pad, y + button});
}

/// From the right to the left, the first one in `rect`.
void Root::draw_header_buttons(Frame& frame, Rect rect) {
  const float step = rect.width() + frame.px(2);
  const auto next = [&](const char* id, std::string_view label, Icon icon, bool selected = false) {
    const bool pressed = icon_button(frame, id, label, icon, rect, {.selected = selected});
    rect.left -= step, rect.right -= step;
    return pressed;
  };
  const bool dark = frame.state.theme == ThemeChoice::dark, hidden = frame.state.private_chat, messages = !frame.state.messages.empty();
  if (next("header/shortcuts", label_with_keys(CommandId::shortcuts), Icon::help)) run(CommandId::shortcuts, frame);
  if (next("header/settings", label_with_keys(CommandId::settings), Icon::gear)) run(CommandId::settings, frame);
  // The settings have it, too; and keys the other that a narrow window leaves out.
  if (!narrow_ && next("header/theme", dark ? "Light colours" : "Dark colours", dark ? Icon::sun : Icon::moon)) {
    frame.send(SetTheme{dark ? ThemeChoice::light : ThemeChoice::dark});
  }
  if (next("header/answers", label_with_keys(CommandId::answers), Icon::sliders, frame.state.answers.own)) run(CommandId::answers, frame);
  if (next("header/private", hidden ? "Leave the private chat; it is gone then" : "New private chat: nothing of it is saved (Ctrl+Shift+N)", Icon::lock, hidden)) {
    frame.send(NewChat{!hidden});
    frame.input.focus(Composer::kFieldId);
  }
  if (!narrow_ && messages && frame.state.current_chat != 0 && next("header/export", label_with_keys(CommandId::export_chat), Icon::save)) run(CommandId::export_chat, frame);
  if (messages && next("header/find", label_with_keys(CommandId::find), Icon::search, find_.is_open())) run(CommandId::find, frame);
  if (!hidden) return;
  const text::Font small = frame.font(text::Style::medium, size::kSmall);
  const float width = std::ceil(frame.canvas.width(small, "Private"));
  frame.canvas.text({rect.right - width - frame.px(6), rect.top}, rect.height(), small, frame.theme.accent, "Private");
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
  welcome_.set(frame, line, font, frame.px(25), width);
  const WelcomeOffer offer = welcome_offer(frame);
  const float height = frame.px(52) + welcome_.height() + (offer.label.empty() ? 0 : frame.px(64));
  float y = std::round(std::max(area.top + frame.px(16), area.center().y - height * 0.6f));
  canvas.push_clip(area);
  canvas.text({std::round(area.center().x - canvas.width(title_font, title) / 2), y}, frame.px(40), title_font, frame.theme.ink, title);
  y += frame.px(52);
  welcome_.draw_centered(frame, {area.center().x - width / 2, y}, frame.theme.ink_soft);
  if (!offer.label.empty()) draw_offer(frame, offer, area, y + welcome_.height() + frame.px(24));
  canvas.pop_clip();
}

/// The way to models for whoever has no other: the best of those that were found, which is the largest one that fits, or the list of all.
Root::WelcomeOffer Root::welcome_offer(Frame& frame) const {
  const ViewState& state = frame.state;
  const ModelState model = state.model.state;
  if (model == ModelState::loading) return {};
  if (model != ModelState::ready) return {.label = "Open a model\u2026"};
  if (state.private_chat || !state.recent_models.empty()) return {};
  const FoundModel* best = nullptr;
  std::int64_t n_found = 0;
  for (const FoundModel& found : state.found_models) {
    n_found += found.can_open ? 1 : 0;
    if (found.fit.level == FitLevel::fits && (best == nullptr || found.fit.needed > best->fit.needed)) best = &found;
  }
  if (n_found == 0) return {.label = state.known_models.empty() ? std::string_view() : "Look for a larger model\u2026"};
  if (best == nullptr) return {.label = n_found == 1 ? "A model was found on this computer\u2026" : frame.join(n_found, " models were found on this computer\u2026")};
  return {frame.join("Open ", best->name), frame.join(best->fit.words, " \u00b7 ", best->detail), n_found == 1 ? std::string_view() : "Other models\u2026", best->path};
}

void Root::draw_offer(Frame& frame, const WelcomeOffer& offer, Rect area, float y) {
  const float height = frame.px(40), gap = frame.px(8), most = area.width() - frame.px(48);
  const float other = offer.other.empty() ? 0 : text_button_width(frame, offer.other) + frame.px(12);
  const float first = std::min(text_button_width(frame, offer.label) + frame.px(12), most - (other > 0 ? other + gap : 0));
  float x = std::round(area.center().x - (first + (other > 0 ? other + gap : 0)) / 2);
  const ButtonLook look = frame.state.model.state == ModelState::ready && offer.path.empty() ? ButtonLook::plain : ButtonLook::primary;
  const bool taken = text_button(frame, "welcome/open", offer.label, {x, y, x + first, y + height}, look);
  x += first + gap;
  const bool others = other > 0 && text_button(frame, "welcome/others", offer.other, {x, y, x + other, y + height}, ButtonLook::plain);
  if (!offer.detail.empty()) {
    const text::Font small = frame.font(text::Style::regular, size::kSmall);
    const float width = std::min(most, std::ceil(frame.canvas.width(small, offer.detail)));
    frame.canvas.text_cut({std::round(area.center().x - width / 2), y + height + gap}, frame.px(20), width, small, frame.theme.ink_soft, offer.detail);
  }
  if (taken && !offer.path.empty()) {
    frame.send(OpenModel{std::string(offer.path)});
    frame.input.focus(Composer::kFieldId);
  } else if (taken || others) {
    picker_.open(frame);
  }
}

}  // namespace foreword::ui
