#include "app/bus/accessible_changes.h"

#include <algorithm>

#include "app/bus/reading.h"

namespace foreword::app {
namespace {

using enum AccessibleState;

/// What is told of where it changes. The focus comes last, when all that it may be on is known.
constexpr struct {
  AccessibleState state;
  const char* name;
} kToldStates[] = {{enabled, "enabled"}, {sensitive, "sensitive"}, {focusable, "focusable"}, {checked, "checked"}, {selected, "selected"}, {active, "active"}};

using Events = std::vector<AccessibleEvent>;

/// The same object below the same one; null: it is not there.
const AccessibleNode* same(const AccessibleNode& node, const AccessibleTree& in) {
  const AccessibleNode* found = in.find(node.path);
  const bool moved = found != nullptr && node.parent != nullptr && (found->parent == nullptr || found->parent->path != node.parent->path);
  return moved ? nullptr : found;
}

/// The uppermost of `tree` that `other` has not.
void tell_children(const AccessibleTree& tree, const AccessibleTree& other, const char* what, Events& events) {
  for (const auto& node : tree.nodes) {
    if (same(*node, other) != nullptr || node->parent == nullptr || same(*node->parent, other) == nullptr) continue;
    events.push_back({.path = node->parent->path, .kind = "Object", .member = "ChildrenChanged", .detail = what, .first = node->index(), .value = AccessiblePath{node->path}});
  }
}

void tell_edited(const AccessibleNode& before, const AccessibleNode& after, Events& events) {
  const std::string &was = *before.text, &is = *after.text;
  const TextEdit edit = edit_between(was, is);
  const int at = n_characters(is, edit.at);
  const std::string removed = was.substr(edit.at, edit.removed), inserted = is.substr(edit.at, edit.inserted);
  const auto tell = [&](const char* what, const std::string& text) {
    if (!text.empty()) events.push_back({.path = after.path, .kind = "Object", .member = "TextChanged", .detail = what, .first = at, .second = n_characters(text, text.size()), .value = text});
  };
  tell("delete", removed);
  tell("insert", inserted);
  const int caret = n_characters(is, after.caret);
  if (!removed.empty() || !inserted.empty() || before.caret != after.caret) events.push_back({.path = after.path, .kind = "Object", .member = "TextCaretMoved", .first = caret});
  if (before.selection != after.selection) events.push_back({.path = after.path, .kind = "Object", .member = "TextSelectionChanged"});
}

void tell_node(const AccessibleNode& before, const AccessibleNode& after, Events& events) {
  if (before.name != after.name) events.push_back({.path = after.path, .kind = "Object", .member = "PropertyChange", .detail = "accessible-name", .value = after.name});
  for (const auto& told : kToldStates) {
    if (before.is(told.state) != after.is(told.state)) events.push_back({.path = after.path, .kind = "Object", .member = "StateChanged", .detail = told.name, .first = after.is(told.state)});
  }
  if (before.text && after.text && after.is(editable)) tell_edited(before, after, events);
}

const AccessibleNode* focus_of(const AccessibleTree& tree) {
  const auto found = std::ranges::find_if(tree.nodes, [](const auto& node) { return node->is(focused); });
  return found == tree.nodes.end() ? nullptr : found->get();
}

/// Whether it is what the user writes in.
void tell_window(const AccessibleTree& before, const AccessibleTree& after, Events& events) {
  const AccessibleNode *was = before.find(kAccessibleFrame), *is = after.find(kAccessibleFrame);
  const bool was_active = was != nullptr && was->is(active), is_active = is != nullptr && is->is(active);
  if (is != nullptr && was_active != is_active) events.push_back({.path = is->path, .kind = "Window", .member = is_active ? "Activate" : "Deactivate", .value = is->name});
}

void tell_focus(const AccessibleTree& before, const AccessibleTree& after, Events& events) {
  const AccessibleNode *was = focus_of(before), *is = focus_of(after);
  const auto tell = [&](const AccessibleNode* node, bool has) {
    if (node != nullptr) events.push_back({.path = node->path, .kind = "Object", .member = "StateChanged", .detail = "focused", .first = has});
  };
  if ((was == nullptr ? std::string() : was->path) == (is == nullptr ? std::string() : is->path)) return;
  tell(was, false);
  tell(is, true);
}

}  // namespace

std::vector<AccessibleEvent> changes_between(const AccessibleTree& before, const AccessibleTree& after) {
  Events events;
  tell_children(before, after, "remove", events);
  tell_children(after, before, "add", events);
  tell_window(before, after, events);
  for (const auto& node : after.nodes) {
    if (const AccessibleNode* old = same(*node, before)) tell_node(*old, *node, events);
  }
  tell_focus(before, after, events);
  return events;
}

}  // namespace foreword::app
