#include "app/bus/systemd/accessible_objects.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>
#include <utility>

namespace foreword::app {
namespace {

constexpr const char *kRegistry = "org.a11y.atspi.Registry", *kRegistryPath = "/org/a11y/atspi/registry";
constexpr std::int32_t kPolite = 1;  // of an announcement: it waits for what is being said

/// Whether somebody listens to events with this name.
bool is_listened_to(sd_bus_message* answer, std::string_view event) {
  if (sd_bus_message_enter_container(answer, 'a', "(ss)") <= 0) return false;
  const char *who = nullptr, *what = nullptr;
  while (sd_bus_message_read(answer, "(ss)", &who, &what) > 0) {
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    const std::string_view name(what);
    if (std::search(name.begin(), name.end(), event.begin(), event.end(), same) != name.end()) return true;
  }
  return false;
}

constexpr const char* kCacheItems = "a((so)(so)(so)iiassusau)";

/// Nothing is known beforehand: whoever wants to know asks.
int no_items(sd_bus_message* call, void*, sd_bus_error*) { return sd_bus_reply_method_return(call, kCacheItems, 0); }

const sd_bus_vtable kCacheRows[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetItems", "", kCacheItems, no_items, 0),
    SD_BUS_VTABLE_END,
};

}  // namespace

AccessibleObjects::AccessibleObjects(sd_bus* bus, std::function<void(const AccessibleWish&)> wished) : bus_(bus), wished_(std::move(wished)), tree_(std::make_unique<AccessibleTree>()) {
  const char* name = nullptr;
  if (sd_bus_get_unique_name(bus, &name) >= 0) name_ = name;
  for (const AccessibleInterface& interface : accessible_interfaces()) {
    sd_bus_slot* made = nullptr;
    if (sd_bus_add_fallback_vtable(bus, &made, kAccessiblePrefix, interface.name, interface.rows, find, this) >= 0) interfaces_.emplace_back(made);
  }
  sd_bus_slot* cache = nullptr;
  if (sd_bus_add_object_vtable(bus, &cache, "/org/a11y/atspi/cache", "org.a11y.atspi.Cache", kCacheRows, nullptr) >= 0) interfaces_.emplace_back(cache);
}

int AccessibleObjects::find(sd_bus*, const char* path, const char* interface, void* objects, void** found, sd_bus_error*) {
  auto& self = *static_cast<AccessibleObjects*>(objects);
  const AccessibleNode* node = self.shown_ ? self.tree_->find(path) : nullptr;
  const auto row = std::ranges::find_if(accessible_interfaces(), [&](const AccessibleInterface& one) { return std::strcmp(one.name, interface) == 0; });
  if (node == nullptr || row == accessible_interfaces().end() || !row->has(*node)) return 0;
  self.asked_ = {&self, node};
  *found = &self.asked_;
  return 1;
}

void AccessibleObjects::show(const AccessibleWindow& window) {
  window_ = window;
  change(std::make_unique<AccessibleTree>(window_, notice_));
  if (std::exchange(shown_, true)) return;
  owner_ = listen_owner(bus_, kRegistry, heard<&AccessibleObjects::embed, AccessibleObjects>, this);
  embed(nullptr);
}

void AccessibleObjects::change(std::unique_ptr<AccessibleTree> tree) {
  tree.swap(tree_);
  for (const AccessibleEvent& event : changes_between(*tree, *tree_)) tell(event);
}

/// At the registry, which knows all applications; again at one that comes later.
void AccessibleObjects::embed(sd_bus_message* change) {
  const char *name = nullptr, *before = nullptr, *now = "somebody";
  if (change != nullptr && sd_bus_message_read(change, "sss", &name, &before, &now) <= 0) return;
  if (*now == '\0') return;
  const Message call = new_call(bus_, kRegistry, kAccessibleRoot, "org.a11y.atspi.Socket", "Embed");
  if (call) sd_bus_message_append(call.get(), "(so)", name_.c_str(), kAccessibleRoot);
  call_ = send(bus_, call, heard<&AccessibleObjects::embedded, AccessibleObjects>, this);
}

void AccessibleObjects::embedded(sd_bus_message* answer) {
  const char *name = nullptr, *path = nullptr;
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "(so)", &name, &path) <= 0) return;
  desktop_name = name;
  desktop_path = path;
}

void AccessibleObjects::say(const std::string& sentence) {
  if (!shown_) return;
  to_say_.push_back(sentence);
  listeners_ = send(bus_, new_call(bus_, kRegistry, kRegistryPath, kRegistry, "GetRegisteredEvents"), heard<&AccessibleObjects::listeners, AccessibleObjects>, this);
}

/// Readers that know announcements listen to them; for the others something appears.
void AccessibleObjects::listeners(sd_bus_message* answer) {
  const bool known = sd_bus_message_is_method_error(answer, nullptr) > 0 || is_listened_to(answer, "announcement");
  for (std::string& sentence : std::exchange(to_say_, {})) {
    if (known) {
      tell({.path = kAccessibleFrame, .kind = "Object", .member = "Announcement", .first = kPolite, .value = sentence});
      continue;
    }
    notice_ = {notice_.number + 1, std::move(sentence)};
    change(std::make_unique<AccessibleTree>(window_, notice_));
    tell({.path = notice_path(notice_.number), .kind = "Object", .member = "StateChanged", .detail = "showing", .first = 1});
  }
}

void AccessibleObjects::tell(const AccessibleEvent& event) const {
  if (!shown_) return;
  sd_bus_message* made = nullptr;
  const std::string interface = std::string("org.a11y.atspi.Event.") + event.kind;
  if (sd_bus_message_new_signal(bus_, &made, event.path.c_str(), interface.c_str(), event.member) < 0) return;
  const Message signal(made);
  sd_bus_message_append(made, "sii", event.detail.c_str(), event.first, event.second);
  if (const auto* count = std::get_if<std::int32_t>(&event.value)) sd_bus_message_append(made, "v", "i", *count);
  if (const auto* text = std::get_if<std::string>(&event.value)) sd_bus_message_append(made, "v", "s", text->c_str());
  if (const auto* other = std::get_if<AccessiblePath>(&event.value)) sd_bus_message_append(made, "v", "(so)", name_.c_str(), other->path.c_str());
  sd_bus_message_append(made, "a{sv}", 0);
  sd_bus_send(bus_, made, nullptr);
}

}  // namespace foreword::app
