#include "ui/interaction.h"

#include <algorithm>
#include <utility>

namespace foreword::ui {
namespace {

bool takes_text(const Item& item) { return item.role == ItemRole::text_field; }

/// A text field keeps what edits text; Ctrl+letter beyond these is a shortcut.
bool is_editing_key(const KeyPress& press) {
  if (press.mods.alt) return press.mods.ctrl && press.key == letter('z');  // through all states of the undo tree
  if (press.key >= Key::space && press.key <= Key::page_down) return true;
  if (press.key == Key::enter) return true;
  if (!press.mods.ctrl) return static_cast<unsigned>(press.key) < 256;
  for (const char c : {'a', 'c', 'v', 'x', 'y', 'z'}) {
    if (press.key == letter(c)) return true;
  }
  return false;
}

/// Ctrl+Z, which is no editing key in a field that has nothing to take back.
bool is_undo_key(const KeyPress& press) { return press.mods == Mods{.ctrl = true} && press.key == letter('z'); }

bool is_page_key(const KeyPress& press) { return press.mods == Mods{} && (press.key == Key::page_up || press.key == Key::page_down); }

/// Keys that choose among what is offered for the text.
bool is_choosing_key(const KeyPress& press) {
  if (!press.mods.alt || press.mods.ctrl) return false;
  const auto sign = static_cast<unsigned>(press.key);
  return press.key == Key::up || press.key == Key::down || (sign >= '1' && sign <= '9') || sign == '[' || sign == ']' || sign == '\\';
}

/// Keys of a document: copying (with Shift as markdown), selecting all, scrolling, selecting with Shift.
bool is_reading_key(const KeyPress& press) {
  if (press.mods.ctrl && (press.key == letter('c') || press.key == letter('a'))) return true;
  if (press.mods.shift && (press.key == Key::left || press.key == Key::right)) return true;
  return press.key >= Key::up && press.key <= Key::page_down;
}

}  // namespace

const Item* Interaction::find(std::string_view id) const {
  for (const Item& item : items_) {
    if (item.id == id) return &item;
  }
  return nullptr;
}

int Interaction::top_layer() const {
  int top = 0;
  for (const Item& item : items_) top = std::max(top, item.layer);
  return top;
}

const Item* Interaction::top_document() const {
  const auto found = std::ranges::find_if(items_, [top = top_layer()](const Item& item) { return item.role == ItemRole::document && item.layer == top; });
  return found == items_.end() ? nullptr : &*found;
}

const Item* Interaction::at(Vec point, bool scrolling) const {
  const int top = top_layer();
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    const bool scrolls = item->role == ItemRole::scroll_area || item->role == ItemRole::document;
    const bool wanted = scrolling ? scrolls || takes_text(*item) : item->role != ItemRole::scroll_area && item->role != ItemRole::note;
    if (wanted && item->layer == top && item->rect.contains(point)) return &*item;
  }
  return nullptr;
}

void Interaction::begin_frame(std::vector<InputEvent>& queue) {
  n_routed_ = 0;
  activated_.clear();
  shortcuts_.clear();
  dropped_.clear();
  std::size_t n_done = 0;
  while (n_done < queue.size() && !dispatch(queue[n_done++])) {
  }
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(n_done));
  const Item* under = at(mouse_, false);
  hovered_ = under != nullptr && under->enabled && (pressed_.empty() || pressed_ == under->id) ? under->id : std::string_view();
  items_.clear();
  texts_.clear();
  layer_ = 0;
}

void Interaction::end_frame() {
  if (const int leaving = std::exchange(leaving_, 0); leaving != 0) move_focus(leaving < 0);
  if (!std::exchange(focus_is_new_, false) && !focus_.empty() && find(focus_) == nullptr) focus_.clear();
  if (!pressed_.empty() && find(pressed_) == nullptr) pressed_.clear();
}

void Interaction::add(Item item) {
  if (item.rect.empty()) return;
  item.layer = layer_;
  item.id = texts_.join({item.id});
  item.label = texts_.join({item.label});
  items_.push_back(item);
}

bool Interaction::activated(std::string_view id) const {
  return std::find(activated_.begin(), activated_.end(), id) != activated_.end();
}

std::span<const InputEvent> Interaction::events_of(std::string_view id) const {
  for (std::size_t i = 0; i < n_routed_; ++i) {
    if (routed_[i].id == id) return routed_[i].events;
  }
  return {};
}

void Interaction::route(std::string_view id, const InputEvent& event) {
  std::size_t i = 0;
  while (i < n_routed_ && routed_[i].id != id) ++i;
  if (i == routed_.size()) routed_.emplace_back();
  if (i == n_routed_) {
    ++n_routed_;
    routed_[i].id = id;
    routed_[i].events.clear();
  }
  routed_[i].events.push_back(event);
}

bool Interaction::dispatch(const InputEvent& event) {
  if (const auto* press = std::get_if<KeyPress>(&event)) return dispatch_key(*press);
  if (const auto* button = std::get_if<MouseButton>(&event)) return dispatch_button(*button);
  if (const auto* wish = std::get_if<Wish>(&event)) return dispatch_wish(*wish);
  if (const auto* character = std::get_if<Character>(&event)) {
    if (std::exchange(space_pressed_, false) && character->value == ' ') return false;  // the same key
    const Item* item = find(focus_);
    if (item == nullptr || !takes_text(*item)) item = find(text_home_);
    if (item != nullptr && takes_text(*item) && item->enabled && item->layer == top_layer()) {
      if (focus_ != item->id) focus(item->id);
      route(item->id, event);
    }
  } else if (const auto* move = std::get_if<MouseMove>(&event)) {
    mouse_ = move->at;
    if (!pressed_.empty()) route(pressed_, event);
  } else if (const auto* wheel = std::get_if<Wheel>(&event)) {
    mouse_ = wheel->at;
    if (const Item* item = at(mouse_, true)) route(item->id, event);
  } else if (const auto* composition = std::get_if<Composition>(&event)) {
    composing_ = composition->active;
    if (const Item* item = find(focus_); item != nullptr && takes_text(*item)) route(item->id, event);
  } else if (const auto* focus = std::get_if<FocusChange>(&event)) {
    window_focused_ = focus->focused;
    if (!window_focused_) pressed_.clear();
  } else if (const auto* files = std::get_if<FilesDropped>(&event)) {
    dropped_ = files->paths;
    return true;
  }
  return false;
}

bool Interaction::dispatch_key(const KeyPress& press) {
  space_pressed_ = false;
  const Item* item = find(focus_);
  if (item != nullptr && item->layer < top_layer()) item = nullptr;
  if (press.key == Key::tab && !press.mods.ctrl && !press.mods.alt) {
    item != nullptr && item->enabled && item->takes_tab ? route(item->id, press) : move_focus(press.mods.shift);
    return true;
  }
  if (item != nullptr && item->enabled) {
    if (press.key == Key::escape && item->takes_escape) {
      route(item->id, press);
      return true;
    }
    if (item->takes_choices && is_choosing_key(press)) {
      route(item->id, press);
      return true;
    }
    if (takes_text(*item) && !item->takes_pages && is_page_key(press)) {
      if (const Item* document = top_document()) {
        route(document->id, press);
        return false;
      }
    }
    const bool takes_back = item->takes_undo || !events_of(item->id).empty();  // what comes just before may change it
    if (takes_text(*item) && is_editing_key(press) && (takes_back || !is_undo_key(press))) {
      route(item->id, press);
      return press.key == Key::enter;  // may send and so change everything
    }
    if (item->role == ItemRole::document && is_reading_key(press)) {
      route(item->id, press);
      return false;
    }
    const bool pressable = item->role == ItemRole::button || item->role == ItemRole::row;
    if (pressable && (press.key == Key::enter || press.key == Key::space)) {
      activated_.emplace_back(item->id);
      space_pressed_ = press.key == Key::space;
      return true;
    }
    if (item->role == ItemRole::row && !press.mods.alt && (press.key == Key::up || press.key == Key::down)) {
      const std::string from = focus_;  // past the buttons of the row, which the focus shows
      do move_focus(press.key == Key::up);
      while (focus_ != from && find(focus_)->role != ItemRole::row);
      return true;
    }
  }
  shortcuts_.push_back(press);
  return true;
}

bool Interaction::dispatch_button(const MouseButton& button) {
  mouse_ = button.at;
  const Item* under = at(button.at, false);
  if (button.down) {
    keyboard_focus_ = false;
    if (under == nullptr || !under->enabled) return true;
    if (button.button == 0) pressed_ = under->id;
    if (under->focusable) focus_ = under->id;
    route(under->id, button);
    return true;
  }
  if (button.button != 0) return false;
  const std::string pressed = std::exchange(pressed_, {});
  if (pressed.empty()) return false;
  route(pressed, button);
  if (under != nullptr && under->enabled && under->id == pressed) activated_.push_back(pressed);
  return true;
}

/// What hands could not reach is not reached by this way either.
bool Interaction::dispatch_wish(const Wish& wish) {
  const Item* item = find(wish.id);
  if (item == nullptr || !item->enabled || item->layer < top_layer()) return false;
  const bool pressable = item->role == ItemRole::button || item->role == ItemRole::row;
  if (item->focusable) focus(item->id, true);
  if (wish.press && pressable) activated_.emplace_back(item->id);
  return true;
}

void Interaction::move_focus(bool back) {
  const int top = top_layer();
  stops_.clear();
  for (const Item& item : items_) {
    if (item.focusable && item.enabled && item.layer == top && item.role != ItemRole::scroll_area && item.role != ItemRole::note) stops_.push_back(&item);
  }
  if (stops_.empty()) return;
  const auto here = std::find_if(stops_.begin(), stops_.end(), [&](const Item* item) { return item->id == focus_; });
  const auto n = static_cast<std::ptrdiff_t>(stops_.size());
  std::ptrdiff_t index = here == stops_.end() ? (back ? 0 : -1) : here - stops_.begin();
  index = (index + (back ? -1 : 1) + n) % n;
  focus_ = stops_[static_cast<std::size_t>(index)]->id;
  keyboard_focus_ = true;
}

}  // namespace foreword::ui
