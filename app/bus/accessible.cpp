#include "app/bus/accessible.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace foreword::app {
namespace {

using enum AccessibleState;

struct RoleRow {
  AccessibleKind kind;
  bool pressable;
  std::uint64_t states, when_selected;  // that it has always, and when it is selected
};
/// By AccessibleRole.
constexpr RoleRow kRoles[] = {
    {{43, "push button"}, true, 0, bit(checked)},
    {{32, "list item"}, true, bit(selectable), bit(selected)},
    {{79, "entry"}, false, bit(editable), 0},
    {{82, "document frame"}, false, bit(read_only), 0},
    {{49, "scroll pane"}, false, 0, 0},
    {{29, "label"}, false, 0, 0},
    {{109, "article"}, false, bit(read_only), 0},
    {{16, "dialog"}, false, bit(modal), 0},
};
constexpr std::uint64_t kSeen = bit(showing) | bit(visible), kUsable = bit(enabled) | bit(sensitive);

const RoleRow& row_of(AccessibleRole role) { return kRoles[static_cast<std::size_t>(role)]; }

AccessibleNode node_of(const AccessibleItem& item, const AccessibleWindow& window) {
  const RoleRow& row = row_of(item.role);
  std::uint64_t states = kSeen | row.states;
  const std::pair<bool, std::uint64_t> also[] = {
      {item.selected, row.when_selected},
      {item.enabled, kUsable},
      {item.focusable, bit(focusable)},
      {window.active && item.id == window.focus, bit(focused)},
      {item.role == AccessibleRole::entry, bit(item.many_lines ? multi_line : single_line)},
  };
  for (const auto& [holds, bits] : also) states |= holds ? bits : 0;
  return {.path = accessible_path(item.id), .id = item.id, .name = item.label, .kind = row.kind, .states = states, .box = {window.box.left + item.box.left, window.box.top + item.box.top, item.box.width, item.box.height},
          .pressable = row.pressable && item.enabled, .text = item.text, .caret = item.caret, .selection = item.selection};
}

}  // namespace

bool AccessibleItem::operator==(const AccessibleItem& other) const {
  const auto parts = [](const AccessibleItem& item) {
    return std::tie(item.id, item.role, item.label, item.box, item.enabled, item.selected, item.focusable, item.many_lines, item.layer, item.caret, item.selection.begin, item.selection.end);
  };
  const bool same_text = text == other.text || (text && other.text && *text == *other.text);
  return parts(*this) == parts(other) && same_text;
}

AccessibleKind kind_of(AccessibleRole role) { return row_of(role).kind; }

std::string notice_path(std::uint64_t number) { return std::string(kAccessiblePrefix) + "/notice_" + std::to_string(number); }

std::string accessible_path(std::string_view id) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string path = std::string(kAccessiblePrefix) + "/item_";
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    plain ? path += c : path.append({'_', kHex[byte >> 4], kHex[byte & 15]});
  }
  return path;
}

int AccessibleNode::index() const {
  if (parent == nullptr) return -1;
  return static_cast<int>(std::ranges::find(parent->children, this) - parent->children.begin());
}

AccessibleTree::AccessibleTree() { add({.path = kAccessibleRoot, .name = "Foreword", .states = kSeen | kUsable}, nullptr); }

AccessibleTree::AccessibleTree(const AccessibleWindow& window, const AccessibleNotice& notice) : AccessibleTree() {
  AccessibleNode& frame = add({.path = kAccessibleFrame, .name = window.title, .kind = kFrameKind, .states = kSeen | kUsable | (window.active ? bit(active) : 0), .box = window.box}, nodes.front().get());
  std::map<int, AccessibleNode*> dialogs;
  for (const AccessibleItem& item : window.items) {
    AccessibleNode* parent = nullptr;
    for (std::size_t slash = item.id.rfind('/'); parent == nullptr && slash != item.id.npos && slash > 0; slash = item.id.rfind('/', slash - 1)) {
      const auto above = by_path_.find(accessible_path(std::string_view(item.id).substr(0, slash)));
      if (above != by_path_.end()) parent = above->second;
    }
    const auto dialog = dialogs.find(item.layer);
    if (parent == nullptr) parent = dialog == dialogs.end() ? &frame : dialog->second;
    AccessibleNode& node = add(node_of(item, window), parent);
    if (item.role == AccessibleRole::dialog) dialogs.try_emplace(item.layer, &node);
  }
  if (!notice.sentence.empty()) add({.path = notice_path(notice.number), .name = notice.sentence, .kind = kNotificationKind, .states = kSeen | kUsable}, &frame);
}

AccessibleNode& AccessibleTree::add(AccessibleNode node, AccessibleNode* parent) {
  nodes.push_back(std::make_unique<AccessibleNode>(std::move(node)));
  AccessibleNode& added = *nodes.back();
  added.parent = parent;
  if (parent != nullptr) parent->children.push_back(&added);
  by_path_.emplace(added.path, &added);
  return added;
}

const AccessibleNode* AccessibleTree::find(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

const AccessibleNode* node_at(const AccessibleNode& node, int x, int y) {
  for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
    if (const AccessibleNode* found = node_at(**child, x, y)) return found;
  }
  return node.box.contains(x, y) ? &node : nullptr;
}

}  // namespace foreword::app
