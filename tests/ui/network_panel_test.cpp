// The list of what was asked of the internet: how it is reached, read by keys, and cleared (D27, D54).

#include <gtest/gtest.h>

#include "tests/ui/states.h"
#include "ui/headless.h"

namespace foreword::ui {
namespace {

class D54NetworkPanelTest : public ::testing::Test {
 protected:
  D54NetworkPanelTest() {
    drive.state = base();
    drive.frames(2);
  }
  void open() {
    drive.key(letter('i'), {.ctrl = true, .shift = true});
    drive.frames(2);
  }
  void add_rows(std::uint64_t n) {
    drive.state.network.known = true;
    for (std::uint64_t i = n; i > 0; --i) drive.state.network.rows.push_back({i, "hub.example", "Searching for models", "12 kB", "Today, 18:03", "answered"});
  }
  std::string label(const char* id) { return drive.find(id) == nullptr ? std::string() : std::string(drive.find(id)->label); }
  Headless drive;
};

TEST_F(D54NetworkPanelTest, ItIsReadWhenItIsOpenedAndSaysThatThereIsNothing) {
  EXPECT_EQ(drive.last<ShowNetwork>(), nullptr);
  open();
  EXPECT_NE(drive.last<ShowNetwork>(), nullptr);
  EXPECT_EQ(label("network/list"), "Reading what was asked\u2026");
  drive.state.network.known = true;
  drive.frames(2);
  EXPECT_EQ(label("network/list"), "Nothing was asked so far.");
  EXPECT_FALSE(drive.find("network/clear")->enabled);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("network/list"), nullptr);
  EXPECT_EQ(drive.root().interaction().focus_id(), "composer/text");
}

TEST_F(D54NetworkPanelTest, TheSettingsLeadToIt) {
  drive.state.settings = {{.key = "network.asked", .section = "S", .label = "A", .help = "Help.", .options = {{.value = "show", .label = "Show", .runs = "network"}}}};
  drive.key(letter(','), {.ctrl = true});
  drive.frames(2);
  ASSERT_TRUE(drive.click("settings/network.asked:show"));
  drive.frames(2);
  EXPECT_EQ(drive.find("settings/list"), nullptr);
  ASSERT_NE(drive.find("network/list"), nullptr);
  EXPECT_EQ(drive.last<ChangeSetting>(), nullptr);
  EXPECT_EQ(drive.root().interaction().focus_id(), "network/list");
}

TEST_F(D54NetworkPanelTest, RowsAreReadAloudAndTheKeyboardGoesThroughThem) {
  add_rows(1000);
  open();
  EXPECT_EQ(label("network/row:1000"), "Searching for models: hub.example, answered, 12 kB, Today, 18:03");
  EXPECT_EQ(drive.find("network/row:1"), nullptr) << "what is not seen is not drawn";
  const std::size_t items = drive.root().interaction().items().size();
  EXPECT_LT(items, 100U);
  for (int i = 0; i < 200; ++i) drive.key(Key::page_down);
  drive.frames(3);
  EXPECT_NE(drive.find("network/row:1"), nullptr);
  EXPECT_EQ(drive.find("network/row:1000"), nullptr);
  drive.wheel(drive.find("network/list")->rect.center(), 1);
  drive.frames(2);
  EXPECT_NE(drive.find("network/row:5"), nullptr);
}

TEST_F(D54NetworkPanelTest, OneButtonForgetsAllOfIt) {
  add_rows(3);
  open();
  drive.key(Key::tab);
  drive.frames(2);
  EXPECT_EQ(drive.root().interaction().focus_id(), "network/clear");
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_NE(drive.last<ClearNetwork>(), nullptr);
  drive.state.network.rows.clear();
  drive.frames(2);
  EXPECT_EQ(drive.root().interaction().focus_id(), "network/list");
  drive.state.network.problem = "Damaged.";
  drive.frames(2);
  EXPECT_TRUE(drive.find("network/clear")->enabled) << "a damaged list can be begun anew";
}

}  // namespace
}  // namespace foreword::ui
