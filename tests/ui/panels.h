#pragma once
// The panels that stand beside, or over, what a state shows: opened by hand, for tests that go through all of them.

#include <functional>
#include <string>
#include <vector>

#include "ui/headless.h"

namespace foreword::ui {

struct Panel {
  const char* name;
  std::function<void(Headless&)> open;
};
inline const std::vector<Panel>& panels() {
  static constexpr Mods kCtrl{.ctrl = true};
  static const std::vector<Panel> kPanels{
      {"nothing more", [](Headless&) {}},
      {"models", [](Headless& d) { d.key(letter('o'), kCtrl); }},
      {"export", [](Headless& d) { d.key(letter('e'), kCtrl); }},
      {"shortcuts", [](Headless& d) { d.key(Key::f1); }},
      {"find", [](Headless& d) { d.key(letter('f'), kCtrl), d.type("e"); }},
      {"context", [](Headless& d) { d.click("status/context"); }},
      {"bin", [](Headless& d) { d.click("chats/bin"); }},
      {"long paste", [](Headless& d) { d.clipboard = std::string(5000, 'p'), d.key(letter('v'), kCtrl); }},
  };
  return kPanels;
}

}  // namespace foreword::ui
