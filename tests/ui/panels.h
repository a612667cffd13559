#pragma once
// The panels that open over, or beside, what a state shows: for pictures and for tests of all of them.

#include <functional>
#include <vector>

#include "ui/headless.h"

namespace foreword::ui {

/// Panels that stand beside, or over, what a state shows.
struct Panel {
  const char* name;
  std::function<void(Headless&)> open;
};
inline const std::vector<Panel>& panels() {
  static const std::vector<Panel> kPanels{
      {"nothing more", [](Headless&) {}},
      {"models", [](Headless& d) { d.key(letter('o'), Mods{.ctrl = true}); }},
      {"export", [](Headless& d) { d.key(letter('e'), Mods{.ctrl = true}); }},
      {"settings", [](Headless& d) { d.key(letter(','), Mods{.ctrl = true}); }},
      {"shortcuts", [](Headless& d) { d.key(Key::f1); }},
      {"find", [](Headless& d) { d.key(letter('f'), Mods{.ctrl = true}), d.type("e"); }},
      {"context", [](Headless& d) { d.click("status/context"); }},
      {"bin", [](Headless& d) { d.click("chats/bin"); }},
      {"long paste", [](Headless& d) { d.clipboard = std::string(5000, 'p'), d.key(letter('v'), Mods{.ctrl = true}); }},
  };
  return kPanels;
}

}  // namespace foreword::ui
