// The window's items as AT-SPI2 has them, and what is told between two of its states (D95).

#include "app/bus/accessible.h"

#include <gtest/gtest.h>

#include <set>

#include "app/bus/accessible_changes.h"

namespace foreword::app {
namespace {

using enum AccessibleState;

AccessibleItem item(std::string id, AccessibleRole role = AccessibleRole::button, int layer = 0) {
  AccessibleItem made{.id = std::move(id), .role = role, .label = "A name", .box = {10, 20, 30, 40}, .focusable = true, .layer = layer};
  if (role == AccessibleRole::entry) made.text = std::make_shared<const std::string>();
  return made;
}

AccessibleWindow window(std::vector<AccessibleItem> items, std::string focus = {}) {
  return {.title = "Foreword", .box = {100, 200, 800, 600}, .active = true, .focus = std::move(focus), .items = std::move(items)};
}

const AccessibleNode& node(const AccessibleTree& tree, std::string_view id) { return *tree.find(accessible_path(id)); }

/// "Object:StateChanged:focused 1 composer/text"
std::vector<std::string> told(const AccessibleTree& before, const AccessibleTree& after) {
  std::vector<std::string> lines;
  for (const AccessibleEvent& event : changes_between(before, after)) {
    const auto* text = std::get_if<std::string>(&event.value);
    lines.push_back(std::string(event.member) + ":" + event.detail + " " + std::to_string(event.first) + (text == nullptr ? "" : " " + *text));
  }
  return lines;
}

TEST(D95Accessible, APathIsOfOneIdAlone) {
  std::set<std::string> paths;
  for (const char* id : {"a/b", "a_b", "a_2fb", "a//b", "a:b", "\xC3\xA4", "", "root"}) EXPECT_TRUE(paths.insert(accessible_path(id)).second) << id;
  EXPECT_EQ(accessible_path("chats/row:3"), "/org/a11y/atspi/accessible/item_chats_2frow_3a3");
  EXPECT_FALSE(paths.contains(kAccessibleRoot));
}

TEST(D95Accessible, ItemsStandBelowWhatTheirIdsSayAndInTheirDialogs) {
  const AccessibleTree tree(window({item("messages", AccessibleRole::document), item("messages/7", AccessibleRole::message), item("messages/7/code/copy"), item("composer/text", AccessibleRole::entry),
                                    item("settings/outside", AccessibleRole::button, 1), item("settings/box", AccessibleRole::dialog, 1), item("settings/close", AccessibleRole::button, 1)}));
  EXPECT_EQ(node(tree, "messages/7/code/copy").parent, &node(tree, "messages/7"));
  EXPECT_EQ(node(tree, "messages/7").parent, &node(tree, "messages"));
  EXPECT_EQ(node(tree, "messages").parent, tree.find(kAccessibleFrame));
  EXPECT_EQ(node(tree, "settings/close").parent, &node(tree, "settings/box"));
  EXPECT_EQ(node(tree, "settings/box").parent, tree.find(kAccessibleFrame));
  EXPECT_EQ(tree.find(kAccessibleFrame)->parent, &tree.root());
  EXPECT_EQ(tree.root().index(), -1);
  EXPECT_EQ(node(tree, "composer/text").index(), 1);
  EXPECT_EQ(tree.find("/org/a11y/atspi/accessible/item_nowhere"), nullptr);
}

TEST(D95Accessible, RolesAndStatesSayWhatAnItemIs) {
  AccessibleItem row = item("row", AccessibleRole::row), field = item("field", AccessibleRole::entry), button = item("button");
  row.selected = button.selected = field.many_lines = true;
  button.enabled = false;
  const AccessibleTree tree(window({row, field, button}, "field"));
  EXPECT_EQ(node(tree, "row").kind.number, 32u);
  EXPECT_TRUE(node(tree, "row").is(selectable) && node(tree, "row").is(selected) && node(tree, "row").is(enabled) && !node(tree, "row").is(focused));
  EXPECT_EQ(node(tree, "field").kind.number, 79u);
  EXPECT_TRUE(node(tree, "field").is(editable) && node(tree, "field").is(multi_line) && !node(tree, "field").is(single_line) && node(tree, "field").is(focused));
  EXPECT_TRUE(node(tree, "button").is(checked) && !node(tree, "button").is(enabled) && !node(tree, "button").pressable);
  EXPECT_TRUE(node(tree, "row").pressable && !node(tree, "field").pressable);
  EXPECT_EQ(node(tree, "row").box, (AccessibleBox{110, 220, 30, 40}));
  AccessibleWindow behind = window({field}, "field");
  behind.active = false;
  EXPECT_FALSE(node(AccessibleTree(behind), "field").is(focused));
}

TEST(D95Accessible, WhatStandsOnTopIsFoundByItsPlace) {
  const AccessibleTree tree(window({item("a"), item("b")}));
  EXPECT_EQ(node_at(tree.root(), 115, 225)->id, "b");
  EXPECT_EQ(node_at(tree.root(), 101, 201), tree.find(kAccessibleFrame));
  EXPECT_EQ(node_at(tree.root(), -5, 1 << 30), nullptr);
}

TEST(D95Accessible, TheFocusIsToldLast) {
  const AccessibleTree before(window({item("a"), item("b")}, "a")), after(window({item("a"), item("c")}, "c"));
  EXPECT_EQ(told(before, after), (std::vector<std::string>{"ChildrenChanged:remove 1", "ChildrenChanged:add 1", "StateChanged:focused 0", "StateChanged:focused 1"}));
  EXPECT_TRUE(told(after, after).empty());
  EXPECT_EQ(told(AccessibleTree(), before), (std::vector<std::string>{"ChildrenChanged:add 0", "Activate: 0 Foreword", "StateChanged:focused 1"}));
}

TEST(D95Accessible, WhatIsTypedIsToldAndWhatAModelWritesIsNot) {
  AccessibleItem field = item("field", AccessibleRole::entry), message = item("message", AccessibleRole::message);
  const auto state = [&](const char* typed, std::size_t caret, const char* written) {
    field.text = std::make_shared<const std::string>(typed), field.caret = caret;
    message.text = std::make_shared<const std::string>(written);
    return std::make_unique<AccessibleTree>(window({field, message}, "field"));
  };
  const auto first = state("h\xC3\xA4", 3, "One"), second = state("h\xC3\xA4y", 4, "One two"), third = state("h\xC3\xB6y", 3, "One two three");
  EXPECT_EQ(told(*first, *second), (std::vector<std::string>{"TextChanged:insert 2 y", "TextCaretMoved: 3"}));
  EXPECT_EQ(told(*second, *third), (std::vector<std::string>{"TextChanged:delete 1 \xC3\xA4", "TextChanged:insert 1 \xC3\xB6", "TextCaretMoved: 2"}));
}

}  // namespace
}  // namespace foreword::app
