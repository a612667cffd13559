// The settings page as it is used: by mouse and by keys; and the Enter key that can be swapped (D68).

#include <gtest/gtest.h>

#include <set>

#include "tests/ui/states.h"
#include "ui/headless.h"

namespace foreword::ui {
namespace {

class SettingsPanelTest : public ::testing::Test {
 protected:
  SettingsPanelTest() {
    drive.state = base();
    drive.frames(2);
  }
  void open() {
    drive.key(letter(','), {.ctrl = true});
    drive.frames(2);
    ASSERT_NE(drive.find("settings/list"), nullptr);
  }
  Headless drive;
};

TEST_F(SettingsPanelTest, AValueIsChosenByAClick) {
  open();
  EXPECT_TRUE(drive.find("settings/theme:light")->selected);
  EXPECT_TRUE(drive.click("settings/theme:dark"));
  drive.frames(2);
  ASSERT_NE(drive.last<ChangeSetting>(), nullptr);
  EXPECT_EQ(drive.last<ChangeSetting>()->key, "theme");
  EXPECT_EQ(drive.last<ChangeSetting>()->value, "dark");
}

TEST_F(SettingsPanelTest, WhatIsChosenOrCannotBeChosenSendsNothing) {
  open();
  for (const char* id : {"settings/theme:light", "settings/enter:new_line", "settings/kv:memory"}) {
    drive.click(id);
    drive.frames(2);
    EXPECT_EQ(drive.last<ChangeSetting>(), nullptr) << id;
  }
}

TEST_F(SettingsPanelTest, D93TheKeyboardGoesDownToTheLastValueAndBackUp) {
  for (const Vec size : {Vec{1120, 760}, Vec{700, 520}}) {
    Headless small(size);
    small.state = base();
    small.frames(2);
    std::set<std::string> wanted;
    std::string first, last;
    for (const SettingRow& row : small.state.settings) {
      for (const SettingOption& option : row.options) {
        if (!option.enabled || !row.reason.empty()) continue;
        last = "settings/" + row.key + ":" + option.value;
        if (first.empty()) first = last;
        wanted.insert(last);
      }
    }
    small.key(letter(','), {.ctrl = true});
    small.frames(2);
    const auto walk = [&](bool back, const std::string& end) {
      std::set<std::string> reached;
      for (std::size_t i = 0; i < 2 * wanted.size() && !reached.contains(end); ++i) {
        small.key(Key::tab, {.shift = back});
        small.frames(3);
        reached.insert(small.root().interaction().focus_id());
      }
      for (const std::string& id : wanted) EXPECT_TRUE(reached.contains(id)) << id << (back ? " backward" : " forward") << " in " << size.y;
    };
    walk(false, last);
    small.key(Key::tab);  // beyond it, from where it comes back
    small.frames(3);
    walk(true, first);
  }
}

TEST_F(SettingsPanelTest, SomeValuesAreCopied) {
  drive.state.settings = {{.key = "a", .section = "S", .label = "A", .help = "Help.", .options = {{.value = "x", .label = "Copy it", .copies = "what is copied"}}}};
  open();
  EXPECT_TRUE(drive.click("settings/a:x"));
  drive.frames(2);
  EXPECT_EQ(drive.clipboard, "what is copied");
  EXPECT_EQ(drive.last<ChangeSetting>(), nullptr);
}

TEST_F(SettingsPanelTest, OpensByItsButtonAndClosesByEscape) {
  EXPECT_TRUE(drive.click("header/settings"));
  drive.frames(2);
  EXPECT_NE(drive.find("settings/list"), nullptr);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("settings/list"), nullptr);
  EXPECT_EQ(drive.root().interaction().focus_id(), "composer/text");
}

TEST_F(SettingsPanelTest, ALongPageIsScrolled) {
  for (int i = 0; i < 30; ++i) {
    drive.state.settings.push_back({.key = "row" + std::to_string(i), .section = "More", .label = "Row", .help = "Help.", .options = {{"a", "A"}, {"b", "B"}}, .chosen = "a"});
  }
  open();
  EXPECT_EQ(drive.find("settings/row29:b"), nullptr);
  drive.wheel(drive.find("settings/list")->rect.center(), -100);
  drive.frames(3);
  EXPECT_NE(drive.find("settings/row29:b"), nullptr);
}

TEST_F(SettingsPanelTest, D68EnterCanBeginALineInstead) {
  drive.type("one");
  drive.key(Key::enter, {.shift = true});
  drive.type("two");
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "one\ntwo");
  drive.state.enter_sends = false;
  drive.key(Key::enter);
  drive.type("three");
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "one\ntwo\nthree");
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  drive.key(Key::enter, {.shift = true});
  drive.frames(2);
  ASSERT_NE(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.last<SendMessage>()->text, "one\ntwo\nthree");
}

TEST(NarrowSettings, ValuesStandBelowEachOtherWhereTheyWouldLeaveNoRoomForWords) {
  Headless drive({360, 640});
  drive.state = base();
  drive.frames(2);
  drive.key(letter(','), {.ctrl = true});
  drive.frames(2);
  const Rect list = drive.find("settings/list")->rect;
  float bottom = 0;
  for (const char* id : {"settings/scale:0.75", "settings/scale:1.00", "settings/scale:1.50", "settings/scale:2.00"}) {
    ASSERT_NE(drive.find(id), nullptr) << id;
    const Rect rect = drive.find(id)->rect;
    EXPECT_GE(rect.top, bottom) << id;
    EXPECT_GE(rect.right, list.right - 20) << id << ": the whole width";
    EXPECT_GT(rect.left, 0) << id;
    bottom = rect.bottom;
  }
  EXPECT_LT(bottom - drive.find("settings/scale:0.75")->rect.top, 5 * 40);
}

class CtrlEnter : public SettingsPanelTest, public ::testing::WithParamInterface<bool> {};

TEST_P(CtrlEnter, D68SendsWhicheverWayTheEnterKeyIsSet) {
  drive.state.enter_sends = GetParam();
  drive.type("hi");
  drive.key(Key::enter, {.ctrl = true});
  drive.frames(2);
  EXPECT_NE(drive.last<SendMessage>(), nullptr);
}
INSTANTIATE_TEST_SUITE_P(Both, CtrlEnter, ::testing::Bool());

}  // namespace
}  // namespace foreword::ui
