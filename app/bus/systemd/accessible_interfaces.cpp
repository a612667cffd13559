// How the objects of the window answer: Accessible, Application, Component and Action.

#include <cstdlib>
#include <string_view>

#include "app/bus/systemd/accessible_objects.h"

namespace foreword::app {
namespace {

using Asked = AccessibleObjects::Asked;

constexpr const char* kNobody = "/org/a11y/atspi/null";
constexpr const char* kPressed = "press";

int append_node(const Asked& asked, sd_bus_message* reply, const AccessibleNode* node) {
  return sd_bus_message_append(reply, "(so)", node == nullptr ? "" : asked.objects->name().c_str(), node == nullptr ? kNobody : node->path.c_str());
}

int append_flag(sd_bus_message* reply, bool flag) { return sd_bus_message_append(reply, "b", flag ? 1 : 0); }

// Accessible

int name(const Asked& asked, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", asked.node->name.c_str()); }
int nothing(const Asked&, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", ""); }
int id(const Asked& asked, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", asked.node->id.c_str()); }
int child_count(const Asked& asked, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", static_cast<int>(asked.node->children.size())); }
int locale(const Asked&, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", "en_US"); }  // of all words that are the program's own

int parent(const Asked& asked, sd_bus_message* reply) {
  const AccessibleObjects& objects = *asked.objects;
  if (asked.node->parent == nullptr && !objects.desktop_path.empty()) return sd_bus_message_append(reply, "(so)", objects.desktop_name.c_str(), objects.desktop_path.c_str());
  return append_node(asked, reply, asked.node->parent);
}

int child(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  int index = -1;
  if (const int read = sd_bus_message_read(call, "i", &index); read < 0) return read;
  const auto& children = asked.node->children;
  return append_node(asked, reply, index >= 0 && static_cast<std::size_t>(index) < children.size() ? children[static_cast<std::size_t>(index)] : nullptr);
}

int children(const Asked& asked, sd_bus_message*, sd_bus_message* reply) {
  sd_bus_message_open_container(reply, 'a', "(so)");
  for (const AccessibleNode* child : asked.node->children) append_node(asked, reply, child);
  return sd_bus_message_close_container(reply);
}

int index(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", asked.node->index()); }
int relations(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "a(ua(so))", 0); }
int role(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "u", asked.node->kind.number); }
int role_name(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", asked.node->kind.name); }
int attributes(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "a{ss}", 1, "toolkit", "Foreword"); }
int application(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return append_node(asked, reply, &asked.objects->tree().root()); }

int states(const Asked& asked, sd_bus_message*, sd_bus_message* reply) {
  return sd_bus_message_append(reply, "au", 2, static_cast<std::uint32_t>(asked.node->states), static_cast<std::uint32_t>(asked.node->states >> 32));
}

int interfaces(const Asked& asked, sd_bus_message*, sd_bus_message* reply) {
  sd_bus_message_open_container(reply, 'a', "s");
  for (const AccessibleInterface& interface : accessible_interfaces()) {
    if (interface.has(*asked.node)) sd_bus_message_append(reply, "s", interface.name);
  }
  return sd_bus_message_close_container(reply);
}

constexpr const char* kNone = "";  // no arguments
const sd_bus_vtable kAccessibleRows[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Name", "s", property<name>, 0, 0),
    SD_BUS_PROPERTY("Description", "s", property<nothing>, 0, 0),
    SD_BUS_PROPERTY("Parent", "(so)", property<parent>, 0, 0),
    SD_BUS_PROPERTY("ChildCount", "i", property<child_count>, 0, 0),
    SD_BUS_PROPERTY("Locale", "s", property<locale>, 0, 0),
    SD_BUS_PROPERTY("AccessibleId", "s", property<id>, 0, 0),
    SD_BUS_METHOD("GetChildAtIndex", "i", "(so)", answer<child>, 0),
    SD_BUS_METHOD("GetChildren", kNone, "a(so)", answer<children>, 0),
    SD_BUS_METHOD("GetIndexInParent", kNone, "i", answer<index>, 0),
    SD_BUS_METHOD("GetRelationSet", kNone, "a(ua(so))", answer<relations>, 0),
    SD_BUS_METHOD("GetRole", kNone, "u", answer<role>, 0),
    SD_BUS_METHOD("GetRoleName", kNone, "s", answer<role_name>, 0),
    SD_BUS_METHOD("GetLocalizedRoleName", kNone, "s", answer<role_name>, 0),
    SD_BUS_METHOD("GetState", kNone, "au", answer<states>, 0),
    SD_BUS_METHOD("GetAttributes", kNone, "a{ss}", answer<attributes>, 0),
    SD_BUS_METHOD("GetApplication", kNone, "(so)", answer<application>, 0),
    SD_BUS_METHOD("GetInterfaces", kNone, "as", answer<interfaces>, 0),
    SD_BUS_VTABLE_END,
};

// Application

int toolkit(const Asked&, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", "Foreword"); }
int version(const Asked&, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", FOREWORD_VERSION); }
int atspi_version(const Asked&, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", "2.1"); }
int number(const Asked& asked, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", asked.objects->number); }
int set_number(sd_bus*, const char*, const char*, const char*, sd_bus_message* value, void* asked, sd_bus_error*) { return sd_bus_message_read(value, "i", &static_cast<Asked*>(asked)->objects->number); }
int locale_of(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return locale(asked, reply); }

const sd_bus_vtable kApplicationRows[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("ToolkitName", "s", property<toolkit>, 0, 0),
    SD_BUS_PROPERTY("Version", "s", property<version>, 0, 0),
    SD_BUS_PROPERTY("ToolkitVersion", "s", property<version>, 0, 0),
    SD_BUS_PROPERTY("AtspiVersion", "s", property<atspi_version>, 0, 0),
    SD_BUS_WRITABLE_PROPERTY("Id", "i", property<number>, set_number, 0, 0),
    SD_BUS_METHOD("GetLocale", "u", "s", answer<locale_of>, 0),
    SD_BUS_VTABLE_END,
};

// Component

enum : std::uint32_t { kScreen, kWindow, kParent };  // what places are counted from
enum : std::uint32_t { kWidgetLayer = 3, kWindowLayer = 7 };

/// Where such places begin, on the screen.
AccessibleBox origin(const Asked& asked, std::uint32_t from) {
  const AccessibleNode* frame = asked.objects->tree().find(kAccessibleFrame);
  const AccessibleNode* zero = from == kWindow ? frame : from == kParent ? asked.node->parent : nullptr;
  return zero == nullptr ? AccessibleBox{} : zero->box;
}

AccessibleBox box_of(const Asked& asked, std::uint32_t from) {
  const AccessibleBox zero = origin(asked, from), &box = asked.node->box;
  return {box.left - zero.left, box.top - zero.top, box.width, box.height};
}

/// The next argument of a call; what is no such thing counts as the screen.
std::uint32_t read_from(sd_bus_message* call) {
  std::uint32_t from = kScreen;
  sd_bus_message_read(call, "u", &from);
  return from;
}

struct Place {
  int x = 0, y = 0;
};
/// Wherever it is counted from; beyond the numbers' end it is nowhere.
Place read_place(const Asked& asked, sd_bus_message* call) {
  Place place{-1, -1};
  if (sd_bus_message_read(call, "ii", &place.x, &place.y) < 0) return {-1, -1};
  const AccessibleBox zero = origin(asked, read_from(call));
  return __builtin_add_overflow(place.x, zero.left, &place.x) || __builtin_add_overflow(place.y, zero.top, &place.y) ? Place{-1, -1} : place;
}

int extents(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  const AccessibleBox box = box_of(asked, read_from(call));
  return sd_bus_message_append(reply, "(iiii)", box.left, box.top, box.width, box.height);
}

int position(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  const AccessibleBox box = box_of(asked, read_from(call));
  return sd_bus_message_append(reply, "ii", box.left, box.top);
}

int size(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "ii", asked.node->box.width, asked.node->box.height); }

int contains(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  const Place place = read_place(asked, call);
  return append_flag(reply, asked.node->box.contains(place.x, place.y));
}

int at_point(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  const Place place = read_place(asked, call);
  return append_node(asked, reply, node_at(*asked.node, place.x, place.y));
}

int layer(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "u", asked.node->id.empty() ? kWindowLayer : kWidgetLayer); }
int z_order(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "n", 0); }
int opacity(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "d", 1.0); }

int grab_focus(const Asked& asked, sd_bus_message*, sd_bus_message* reply) {
  const bool can = asked.node->is(AccessibleState::focusable) && asked.node->is(AccessibleState::enabled);
  if (can) asked.objects->wish(*asked.node, false);
  return append_flag(reply, can);
}

const sd_bus_vtable kComponentRows[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Contains", "iiu", "b", answer<contains>, 0),
    SD_BUS_METHOD("GetAccessibleAtPoint", "iiu", "(so)", answer<at_point>, 0),
    SD_BUS_METHOD("GetExtents", "u", "(iiii)", answer<extents>, 0),
    SD_BUS_METHOD("GetPosition", "u", "ii", answer<position>, 0),
    SD_BUS_METHOD("GetSize", kNone, "ii", answer<size>, 0),
    SD_BUS_METHOD("GetLayer", kNone, "u", answer<layer>, 0),
    SD_BUS_METHOD("GetMDIZOrder", kNone, "n", answer<z_order>, 0),
    SD_BUS_METHOD("GetAlpha", kNone, "d", answer<opacity>, 0),
    SD_BUS_METHOD("GrabFocus", kNone, "b", answer<grab_focus>, 0),
    SD_BUS_VTABLE_END,
};

// Action: there is one, number 0.

int n_actions(const Asked&, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", 1); }

/// The number of the action that is asked for is right.
bool is_there(sd_bus_message* call) {
  int index = -1;
  return sd_bus_message_read(call, "i", &index) > 0 && index == 0;
}

int action_name(const Asked&, sd_bus_message* call, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", is_there(call) ? kPressed : ""); }
int action_words(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", ""); }
int actions(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "a(sss)", 1, kPressed, "", ""); }

int act(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  const bool there = is_there(call);
  if (there) asked.objects->wish(*asked.node, true);
  return append_flag(reply, there);
}

const sd_bus_vtable kActionRows[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("NActions", "i", property<n_actions>, 0, 0),
    SD_BUS_METHOD("GetName", "i", "s", answer<action_name>, 0),
    SD_BUS_METHOD("GetLocalizedName", "i", "s", answer<action_name>, 0),
    SD_BUS_METHOD("GetDescription", "i", "s", answer<action_words>, 0),
    SD_BUS_METHOD("GetKeyBinding", "i", "s", answer<action_words>, 0),
    SD_BUS_METHOD("GetActions", kNone, "a(sss)", answer<actions>, 0),
    SD_BUS_METHOD("DoAction", "i", "b", answer<act>, 0),
    SD_BUS_VTABLE_END,
};

bool anything(const AccessibleNode&) { return true; }
bool is_application(const AccessibleNode& node) { return node.parent == nullptr; }
bool has_place(const AccessibleNode& node) { return node.parent != nullptr; }
bool is_pressable(const AccessibleNode& node) { return node.pressable; }
bool has_text(const AccessibleNode& node) { return node.text != nullptr; }

}  // namespace

const std::vector<AccessibleInterface>& accessible_interfaces() {
  static const std::vector<AccessibleInterface> kRows = {
      {"org.a11y.atspi.Accessible", anything, kAccessibleRows},
      {"org.a11y.atspi.Application", is_application, kApplicationRows},
      {"org.a11y.atspi.Component", has_place, kComponentRows},
      {"org.a11y.atspi.Action", is_pressable, kActionRows},
      {"org.a11y.atspi.Text", has_text, kTextRows},
  };
  return kRows;
}

}  // namespace foreword::app
