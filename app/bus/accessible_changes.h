#pragma once
// From one tree of the window to the next: what a screen reader is told of it. Pure. Events: at-spi2-core, xml/Event.xml.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "app/bus/accessible.h"

namespace foreword::app {

/// Another object.
struct AccessiblePath {
  std::string path;
  bool operator==(const AccessiblePath&) const = default;
};

struct AccessibleEvent {
  std::string path;    // whose it is
  const char* kind;    // "Object" or "Window"
  const char* member;  // "StateChanged"
  std::string detail = {};
  int first = 0, second = 0;
  std::variant<std::int32_t, std::string, AccessiblePath> value = 0;
};

/// In the order in which they have to be sent. What grows in a text that cannot be edited is not told: a message that is being written is not read aloud.
std::vector<AccessibleEvent> changes_between(const AccessibleTree& before, const AccessibleTree& after);

}  // namespace foreword::app
