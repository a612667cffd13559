#include "app/window_shape.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

TEST(WindowShape, ComesBack) {
  for (const bool maximized : {false, true}) {
    WindowShape shape;
    shape.window.width = 1920, shape.window.height = 1000, shape.window.maximized = maximized;
    shape.system = {.dark = true, .less_motion = false};
    const WindowShape again = shape_from(shape_text(shape));
    EXPECT_EQ(again.window.width, 1920);
    EXPECT_EQ(again.window.height, 1000);
    EXPECT_EQ(again.window.maximized, maximized);
    EXPECT_EQ(again.system, shape.system);
  }
}

TEST(WindowShape, WhatIsNoneIsAsIfNothingHadBeenKept) {
  const ui::WindowOptions usual;
  for (const char* text : {"", "wide", "800", "-5 700", "1 1", "99999999999 700", "800 17000", "800 x"}) {
    EXPECT_EQ(shape_from(text).window.width, usual.width) << text;
    EXPECT_EQ(shape_from(text).window.height, usual.height) << text;
    EXPECT_FALSE(shape_from(text).window.maximized) << text;
    EXPECT_EQ(shape_from(text).system, Looks{}) << text;
  }
}

TEST(WindowShape, WordsOfTomorrowAreNoLooks) {
  EXPECT_EQ(shape_from("800 600\n").system, Looks{}) << "as it was kept before there were any";
  EXPECT_EQ(shape_from("800 600 purple dark high-contrast\n").system, (Looks{.dark = true, .high_contrast = true}));
}

}  // namespace
}  // namespace foreword::app
