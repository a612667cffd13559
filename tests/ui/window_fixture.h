#pragma once
// The whole window with a model, driven without a display.

#include <gtest/gtest.h>

#include <string>

#include "ui/headless.h"

namespace foreword::ui {

inline constexpr Mods kCtrl{.ctrl = true}, kShift{.shift = true};
inline const std::string kHardText = "Grüße 😀 👩‍👩‍👧 🇯🇵 漢字かな e\u0301 العربية";

class WindowTest : public ::testing::Test {
 protected:
  WindowTest() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.frames();
  }
  void add_messages(int n, const std::string& text = "Some words that wrap once the line is full, as words do. ") {
    for (int i = 0; i < n; ++i) {
      MessageRow row;
      row.id = ++ids_;
      row.author = i % 2 == 0 ? Author::user : Author::assistant;
      row.text = text + std::to_string(row.id);
      drive.state.messages.push_back(row);
    }
  }
  Headless drive;

 private:
  std::int64_t ids_ = 0;
};

}  // namespace foreword::ui
