#pragma once
// What a screen reader is told of the window: a plain copy of the semantic list, and the tree that AT-SPI2 makes of it. Pure. Names and numbers: at-spi2-core,
// atspi-constants.h and xml/Accessible.xml.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/range.h"

namespace foreword::app {

/// Pixels.
struct AccessibleBox {
  int left = 0, top = 0, width = 0, height = 0;
  bool contains(int x, int y) const { return x >= left && x - left < width && y >= top && y - top < height; }
  bool operator==(const AccessibleBox&) const = default;
};

enum class AccessibleRole : std::uint8_t { button, row, entry, document, list, note, message, dialog };

struct AccessibleItem {
  std::string id;  // a path, never empty: what begins with another item's id and a slash is below it
  AccessibleRole role = AccessibleRole::button;
  std::string label;
  AccessibleBox box;  // within the window
  bool enabled = true, selected = false, focusable = false, many_lines = false;
  int layer = 0;      // what has no item above it stands in its layer's dialog, if that has one
  /// Clean UTF-8 that is read as a text; null: it has none. Shared, for it may be long.
  std::shared_ptr<const std::string> text = {};
  std::size_t caret = 0;  // bytes of the text,
  Range selection = {};   // as these
  bool operator==(const AccessibleItem& other) const;
};

/// Something that has been told, for readers that hear of it by an object.
struct AccessibleNotice {
  std::uint64_t number = 0;
  std::string sentence = {};  // empty: nothing
};

/// What the reader's user wants of an item.
struct AccessibleWish {
  std::string id;
  bool press = false;  // as by a click; else the focus
};

struct AccessibleWindow {
  std::string title;
  AccessibleBox box;  // on the screen
  bool active = false;
  std::string focus;  // an item's id
  std::vector<AccessibleItem> items;
  bool operator==(const AccessibleWindow&) const = default;
};

/// Bits of GetState.
enum class AccessibleState : std::uint8_t {
  active = 1, checked = 4, editable = 7, enabled = 8, focusable = 11, focused = 12, modal = 16, multi_line = 17, selectable = 22, selected = 23, sensitive = 24, showing = 25,
  single_line = 26, visible = 30, read_only = 43,
};
constexpr std::uint64_t bit(AccessibleState state) { return std::uint64_t{1} << static_cast<unsigned>(state); }

/// A number of GetRole, and its name.
struct AccessibleKind {
  std::uint32_t number;
  const char* name;
};
inline constexpr AccessibleKind kApplicationKind{75, "application"}, kFrameKind{23, "frame"}, kNotificationKind{101, "notification"};
/// Of an item.
AccessibleKind kind_of(AccessibleRole role);

inline constexpr const char* kAccessiblePrefix = "/org/a11y/atspi/accessible";
inline constexpr const char* kAccessibleRoot = "/org/a11y/atspi/accessible/root";
inline constexpr const char* kAccessibleFrame = "/org/a11y/atspi/accessible/frame";
std::string notice_path(std::uint64_t number);
/// One path for one id, for ever; another one for another.
std::string accessible_path(std::string_view id);

struct AccessibleNode {
  std::string path = {}, id = {}, name = {};  // id: of the item; empty: none
  AccessibleKind kind = kApplicationKind;
  std::uint64_t states = 0;
  AccessibleBox box = {};  // on the screen
  bool pressable = false;
  std::shared_ptr<const std::string> text = {};
  std::size_t caret = 0;
  Range selection = {};
  const AccessibleNode* parent = nullptr;  // null: the application
  std::vector<const AccessibleNode*> children = {};

  bool is(AccessibleState state) const { return (states & bit(state)) != 0; }
  /// Among its parent's children; -1 without one.
  int index() const;
};

/// The application, its window, and the items. What it gives away lives as long as it does.
struct AccessibleTree {
  /// The application alone.
  AccessibleTree();
  /// And a window.
  explicit AccessibleTree(const AccessibleWindow& window, const AccessibleNotice& notice = {});
  AccessibleTree(const AccessibleTree&) = delete;
  AccessibleTree& operator=(const AccessibleTree&) = delete;

  /// Null: nothing is there.
  const AccessibleNode* find(std::string_view path) const;
  const AccessibleNode& root() const { return *nodes.front(); }

  std::vector<std::unique_ptr<AccessibleNode>> nodes;  // parents before their children

 private:
  AccessibleNode& add(AccessibleNode node, AccessibleNode* parent);
  std::map<std::string, AccessibleNode*, std::less<>> by_path_;
};

/// What is seen on top at a place of the screen within this node; null: nothing of it is there.
const AccessibleNode* node_at(const AccessibleNode& node, int x, int y);

}  // namespace foreword::app
