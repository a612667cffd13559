#include "ui/root.h"

#include <algorithm>
#include <span>
#include <utility>

#include "ui/status_line.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kComposerMargin = 28, kComposerBottom = 6;  // logical
constexpr float kTip = 480;                                  // logical: a wider tooltip is broken into lines
constexpr double kTooltipDelay = 0.5;                        // seconds
constexpr std::size_t kLargeDraft = 100'000;                // bytes
constexpr double kDraftPause = 0.3, kKeepPause = 2, kUnnoticed = 0.3;  // seconds
constexpr double kNoticeStays = 8, kUndoStays = 30;         // seconds
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

Root::Outcome Root::frame(const ViewState& state, std::vector<InputEvent>& queue, ImDrawList* list, Vec size, float monitor_scale,
                          double now) {
  Outcome outcome;
  phrases_.clear();
  Frame frame{.canvas = canvas_, .input = input_, .phrases = phrases_, .clipboard = clipboard_, .state = state, .theme = theme_of(state.theme, state.high_contrast),
              .events = outcome.events, .now = now, .scale = monitor_scale * state.scale};
  follow_chat(frame);
  take_offers(frame);
  take_place(frame);
  input_.begin_frame(queue);
  canvas_.begin(list);
  handle_drops(frame);
  narrow_ = size.x < frame.px(size::kSidebarFrom);
  drawer_ = drawer_ && narrow_;
  const auto asks = [&] {
    return drawer_ || picker_.is_open() || link_.is_open() || export_.is_open() || shortcuts_.is_open() || settings_.is_open() || answers_.is_open() || network_.is_open() || suggestions_.is_open() ||
           state.backups.has_value() || state.import.has_value();
  };
  if (!asks()) handle_shortcuts(frame);
  frame.asking = asks();
  composer_.begin(frame);

  const Rect window{0, 0, size.x, size.y};
  canvas_.fill(window, frame.theme.page);
  float left = 0;
  if (!narrow_) {
    left = frame.px(size::kSidebar);
    chats_.draw(frame, {0, 0, left, size.y});
    canvas_.fill({left, 0, left + frame.px(1), size.y}, frame.theme.line);
    left += frame.px(1);
  }
  draw_main(frame, {left, 0, size.x, size.y}, size.y);
  if (!frame.link_asked.empty()) link_.ask(frame, frame.link_asked);
  if (drawer_) draw_drawer(frame, window);
  picker_.draw(frame, window);
  link_.draw(frame, window);
  export_.draw(frame, window);
  shortcuts_.draw(frame, window);
  suggestions_.draw(frame, window, composer_.suggester());
  settings_.draw(frame, window);
  answers_.draw(frame, window);
  network_.draw(frame, window);
  import_.draw(frame, window);
  backups_.draw(frame, window);
  if (frame.command_asked) run(*frame.command_asked, frame);
  input_.end_frame();
  draw_tooltip(frame, window);
  if (input_.focus_id().empty()) input_.focus(Composer::kFieldId);
  outcome.more_input = !queue.empty();
  outcome.wake_at = frame.wake_at;
  return outcome;
}

/// Each chat has its own draft. A new chat that has just been stored gets its number while the user writes on, and one that
/// becomes private keeps what was written, here alone.
void Root::follow_chat(Frame& frame) {
  const ViewState& state = frame.state;
  const bool stored = chat_ == 0 && state.stored_as == state.current_chat, ends = private_ && !state.private_chat;
  const bool hidden = chat_ == 0 && state.current_chat == 0 && state.private_chat && !private_;
  if (hidden) frame.send(KeepDraft{0, {}, false});
  if ((chat_ != state.current_chat && !stored) || ends || (hidden && composer_.empty())) {
    if (chat_ >= 0) frame.send(draft());
    composer_.set_text(state.draft);
    if (ends) composer_.forget_cancelled();
    if (find_.is_open()) find_.close(frame, conversation_);
    kept_.said = composer_.kept_revision();
  } else if (chat_ != state.current_chat) {
    kept_.said = 0;
  }
  chat_ = state.current_chat;
  private_ = state.private_chat;
}

void Root::take_offers(Frame& frame) {
  const std::uint64_t before = offer_;
  for (const Offer& offer : frame.state.offers) {
    if (offer.id <= offer_) continue;
    offer_ = offer.id;
    offer.name.empty() ? composer_.take_back(offer.text) : composer_.attach({offer.name, offer.text});
  }
  if (offer_ != before) frame.send(OffersTaken{offer_});
}

/// What a search has found is shown as "find in this chat" does.
void Root::take_place(Frame& frame) {
  const SearchPlace& place = frame.state.place;
  if (std::exchange(place_, place.id) == place.id) return;
  std::vector<Range> places;
  for (const MessageRow& message : frame.state.messages) {
    if (message.id == place.message) find_in_message(message, place.query, places);
  }
  const std::string_view words = places.empty() ? place.words : place.query;
  find_.show(words);
  conversation_.look_from(place.message, words);
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
  let_notices_go(frame);
  const float notices = draw_notices(frame, {left, header.bottom, left + width, composer.top});
  const float panel = context_.draw(frame, {left, header.bottom, left + width, composer.top - notices});
  const Rect conversation{area.left, header.bottom, area.right, composer.top - frame.px(8) - notices - panel};
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
  const Composer::Obstacle obstacle = composer_.draw(frame, composer);
  if (obstacle == Composer::Obstacle::no_model) picker_.open(frame);
  if (obstacle == Composer::Obstacle::context || frame.context_asked) context_.open(frame);
  const bool sent = std::any_of(frame.events.begin() + static_cast<std::ptrdiff_t>(n_events), frame.events.end(), [](const UiEvent& event) {
    return std::holds_alternative<SendMessage>(event) || std::holds_alternative<EditMessage>(event);
  });
  if (sent) conversation_.go_to_end();
  frame.wait_reason = composer_.refusal(phrases_, frame.state);
  say_opening(frame);
  if (draw_status_line(frame, status)) context_.open(frame);
  say_draft(frame);
}

/// What only tells something goes by itself, later where it offers Undo; errors stay until they are closed.
void Root::let_notices_go(Frame& frame) {
  const std::vector<Notice>& notices = frame.state.notices;
  std::erase_if(noticed_, [&](const auto& seen) { return std::ranges::find(notices, seen.first, &Notice::id) == notices.end(); });
  for (const Notice& notice : notices) {
    const double came = noticed_.try_emplace(notice.id, frame.now).first->second;
    if (notice.kind == NoticeKind::error) continue;
    const double goes = came + (notice.can_undo ? kUndoStays : kNoticeStays);
    frame.now < goes ? frame.wake(goes) : frame.send(DismissNotice{notice.id});
  }
}

float Root::draw_notices(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  constexpr std::size_t kMost = 3;
  const std::vector<Notice>& all = frame.state.notices;
  const auto shown = std::span(all).last(std::min(kMost, all.size()));
  notices_.resize(shown.size());
  const text::Font font = frame.font(text::Style::regular, size::kInterface);
  const float line_height = frame.px(21), pad = frame.px(12), side = frame.px(26), gap = frame.px(8);
  float bottom = area.bottom - gap;
  for (std::size_t i = shown.size(); i-- > 0;) {
    const Notice& notice = shown[i];
    notices_[i].set(frame, notice.text, font, line_height, area.width() - 2 * pad - side - frame.px(notice.can_undo ? 100 : 32));
    const float height = notices_[i].height() + 2 * frame.px(9);
    const Rect box{area.left, bottom - height, area.right, bottom};
    const bool error = notice.kind == NoticeKind::error;
    const Color ink = error ? frame.theme.danger : frame.theme.ink;
    canvas.fill(box, error ? frame.theme.danger_soft : frame.theme.bubble, frame.px(10));
    if (error) canvas.icon(Icon::warning, {box.left + pad + frame.px(9), box.top + frame.px(9) + line_height / 2}, frame.px(18), ink);
    notices_[i].draw(frame, {box.left + pad + (error ? frame.px(28) : 0), box.top + frame.px(9)}, ink);
    const float top = box.top + frame.px(7);
    if (notice.can_undo) {
      const float w = text_button_width(frame, "Undo"), right = box.right - side - frame.px(12);
      if (text_button(frame, frame.join("notices/", notice.id, "/undo"), "Undo", {right - w, top - frame.px(1), right, top + side + frame.px(1)}, ButtonLook::plain)) frame.send(Undo{});
    }
    const std::string_view id = frame.join("notices/", notice.id, "/dismiss");
    if (icon_button(frame, id, "Dismiss", Icon::cross, {box.right - side - frame.px(6), top, box.right - frame.px(6), top + side})) {
      frame.send(DismissNotice{notice.id});
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
  const std::string_view id = item == nullptr ? std::string_view() : item->id;
  if (id != hovered_) hovered_ = id, hovered_since_ = frame.now;
  if (item == nullptr || input_.pressed(id)) return;
  if (frame.now - hovered_since_ < kTooltipDelay) return frame.wake(hovered_since_ + kTooltipDelay);
  draw_tip(frame, window, item->rect, item->label);
}

/// Lines of the words, with what stands behind a tab at the right. Words of one line are broken where that is too long.
void Root::draw_tip(Frame& frame, Rect window, Rect item, std::string_view words) {
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  const float line = frame.px(20), gap = frame.px(6), pad = frame.px(9), column = frame.px(22);
  float width = 0, height = frame.px(6);
  const auto each_line = [&](const auto& visit) {
    for (std::size_t at = 0; at <= words.size();) {
      const std::size_t end = std::min(words.find('\n', at), words.size()), tab = std::min(words.find('\t', at), end);
      visit(words.substr(at, tab - at), tab < end ? words.substr(tab + 1, end - tab - 1) : std::string_view());
      at = end + 1;
    }
  };
  each_line([&](std::string_view left, std::string_view right) {
    width = std::max(width, std::ceil(canvas_.width(font, left) + (right.empty() ? 0 : column + canvas_.width(font, right))));
    height += line;
  });
  const bool one_line = words.find_first_of("\t\n") == words.npos;
  width = std::min(width + 2 * pad, std::min(window.width() - 2 * gap, one_line ? frame.px(kTip) : window.width()));
  if (one_line) {
    tip_.set(frame, words, font, line, width - 2 * pad + 1);
    height = frame.px(6) + tip_.height();
  }
  float y = item.bottom + gap;
  if (y + height > window.bottom) y = item.top - gap - height;
  const float x = std::round(std::clamp(item.center().x - width / 2, gap, std::max(gap, window.right - width - gap)));
  canvas_.fill({x, y, x + width, y + height}, frame.theme.ink, frame.px(6));
  y += frame.px(3);
  if (one_line) return tip_.draw(frame, {x + pad, y}, frame.theme.page);
  each_line([&](std::string_view left, std::string_view right) {
    canvas_.text_cut({x + pad, y}, line, width - 2 * pad + 1, font, frame.theme.page, left);
    if (!right.empty()) canvas_.text({x + width - pad - canvas_.width(font, right), y}, line, font, frame.theme.page, right);
    y += line;
  });
}

/// Most chats are there at once; a reason is given for those that are not.
void Root::say_opening(Frame& frame) {
  if (!frame.state.opening_chat) opening_since_ = -1;
  if (!frame.state.opening_chat) return;
  if (opening_since_ < 0) opening_since_ = frame.now;
  if (frame.now - opening_since_ < kUnnoticed) return frame.wake(opening_since_ + kUnnoticed);
  frame.wait_reason = "Opening the chat";
}

bool Root::Saying::due(Frame& frame, std::uint64_t revision, double pause) {
  if (revision != seen) seen = revision, changed_at = frame.now;
  if (revision == said) return false;
  if (frame.now < changed_at + pause) {
    frame.wake(changed_at + pause);
    return false;
  }
  said = revision;
  return true;
}

/// For the meter, after every change; a large text when the typing pauses. And for the next start, after a longer pause.
void Root::say_draft(Frame& frame) {
  const double pause = composer_.text().size() < kLargeDraft ? 0 : kDraftPause;
  if (draft_.due(frame, composer_.draft_revision(), pause)) frame.send(DraftChanged{composer_.draft()});
  if (!private_ && kept_.due(frame, composer_.kept_revision(), kKeepPause)) frame.send(draft());
}

/// Models are opened, exported chats imported, everything else comes with the message if it is text.
void Root::handle_drops(Frame& frame) {
  for (const std::string& path : frame.input.dropped_files()) {
    if (ends_in(path, ".gguf")) {
      picker_.close();
      frame.send(OpenModel{path});
    } else if (ends_in(path, ".json")) {
      frame.send(ImportFile{path});
    } else {
      frame.send(AttachFile{path});
    }
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
    case CommandId::search_chats: drawer_ = narrow_; return frame.input.focus("chats/search");
    case CommandId::find: if (messages) find_.open(frame); return;
    case CommandId::find_next: return conversation_.show_match(true);
    case CommandId::find_previous: return conversation_.show_match(false);
    case CommandId::open_model: return picker_.open(frame);
    case CommandId::answers: return answers_.open(frame);
    case CommandId::export_chat: return export_.ask(frame);
    case CommandId::attach: return frame.send(ChooseFile{FileUse::message});
    case CommandId::undo: return frame.send(Undo{});
    case CommandId::stop: if (frame.state.answers_here()) frame.send(StopGenerating{}); return;
    case CommandId::bigger: return set_scale(frame.state.scale + 0.25f);
    case CommandId::smaller: return set_scale(frame.state.scale - 0.25f);
    case CommandId::normal_size: return set_scale(1);
    case CommandId::suggestions: return frame.send(ChangeSetting{kSuggestionsSetting, frame.state.suggestions.settings.enabled ? kOff : kOn});
    case CommandId::suggestion_health: return suggestions_.open(frame);
    case CommandId::settings: return settings_.open(frame);
    case CommandId::network: return network_.open(frame);
    case CommandId::shortcuts: return shortcuts_.open(frame);
    case CommandId::quit: return frame.send(Quit{});
    default: return;  // the composer's and the conversation's own
  }
}

}  // namespace foreword::ui
