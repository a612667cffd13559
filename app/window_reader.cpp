#include "app/window_reader.h"

#include <algorithm>
#include <cmath>

#include "ui/message_card.h"
#include "ui/root.h"
#include "ui/text/edit_buffer.h"

namespace foreword::app {
namespace {

/// By ui::ItemRole.
constexpr AccessibleRole kRoles[] = {AccessibleRole::button, AccessibleRole::row, AccessibleRole::entry, AccessibleRole::document, AccessibleRole::list, AccessibleRole::note};

struct Ending {
  ui::MessageState state;
  const char* words;
};
constexpr Ending kEndings[] = {
    {ui::MessageState::complete, "Answer complete"},
    {ui::MessageState::stopped, "Answer stopped"},
    {ui::MessageState::interrupted, "The answer has ended too early"},
    {ui::MessageState::failed, "The answer has ended too early"},
};

AccessibleBox box_of(ui::Rect rect) {
  const auto whole = [](float pixels) { return static_cast<int>(std::lround(pixels)); };
  return {whole(rect.left), whole(rect.top), whole(rect.width()), whole(rect.height())};
}

bool is_written(const ui::MessageRow& message) { return message.state == ui::MessageState::waiting || message.state == ui::MessageState::streaming; }

/// A box of a dialog stands for it.
bool is_dialog(const ui::Item& item) { return item.layer > 0 && item.id.ends_with("/box") && !item.focusable; }

/// A document is read as the messages in it.
void join_messages(std::vector<AccessibleItem>& items) {
  const auto document = std::ranges::find(items, AccessibleRole::document, &AccessibleItem::role);
  std::string all;
  for (const AccessibleItem& item : items) {
    if (item.role == AccessibleRole::message) all.append(all.empty() ? "" : "\n\n").append(item.label).append("\n").append(*item.text);
  }
  if (document != items.end() && !all.empty()) document->text = std::make_shared<const std::string>(std::move(all));
}

}  // namespace

void WindowReader::come(bool there) {
  there_ = there;
  shown_.reset();
  messages_.clear();
}

void WindowReader::take_message(const ui::MessageRow& message, AccessibleItem& item) {
  item.role = AccessibleRole::message;
  if (is_written(message)) {
    item.label += ", being written";
    item.text = std::make_shared<const std::string>();
    return;
  }
  Message& seen = seen_[message.id];
  const auto before = messages_.find(message.id);
  if (before != messages_.end()) seen = before->second;
  if (!seen.text || seen.revision != message.revision || seen.size != message.text.size()) {
    seen = {message.revision, message.text.size(), std::make_shared<const std::string>(ui::copy_message(message, {0, ui::kMessageEnd}, ui::CopyAs::plain))};
  }
  item.text = seen.text;
}

AccessibleItem WindowReader::item_of(const ui::Item& item, const ui::ViewState& state) {
  AccessibleItem made{.id = std::string(item.id), .role = is_dialog(item) ? AccessibleRole::dialog : kRoles[static_cast<std::size_t>(item.role)], .label = std::string(item.label), .box = box_of(item.rect),
                      .enabled = item.enabled, .selected = item.selected, .focusable = item.focusable, .many_lines = item.many_lines, .layer = item.layer};
  if (item.edited != nullptr) {
    made.text = std::make_shared<const std::string>(item.edited->text());
    made.caret = item.edited->caret();
    made.selection = item.edited->selection();
  }
  const auto message = std::ranges::find(state.messages, item.message, &ui::MessageRow::id);
  if (item.message != 0 && message != state.messages.end()) take_message(*message, made);
  return made;
}

void WindowReader::see(const ui::Interaction& items, const ui::ViewState& state, ui::Rect place, bool focused) {
  auto window = std::make_shared<AccessibleWindow>(AccessibleWindow{.title = ui::window_title(state), .box = box_of(place), .active = focused, .focus = items.focus_id(), .items = {}});
  for (const ui::Item& item : items.items()) window->items.push_back(item_of(item, state));
  messages_ = std::exchange(seen_, {});
  join_messages(window->items);
  if (shown_ && *shown_ == *window) return;
  shown_ = std::move(window);
  tells_.show(shown_);
}

/// Of the chat that is shown; one that is left while it is answered tells nothing.
void WindowReader::follow(const ui::ViewState& state) {
  const bool here = state.answers_here(), stays = state.current_chat == chat_ || chat_ == 0;
  const bool ended = std::exchange(answering_, here) && !state.generating && stays;
  chat_ = state.current_chat;
  if (!ended || !there_ || state.messages.empty()) return;
  const auto ending = std::ranges::find(kEndings, state.messages.back().state, &Ending::state);
  if (ending != std::end(kEndings)) tells_.say(ending->words);
}

}  // namespace foreword::app
