#include "app/window_shape.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

TEST(WindowShape, ComesBack) {
  for (const bool maximized : {false, true}) {
    ui::WindowOptions window;
    window.width = 1920, window.height = 1000, window.maximized = maximized;
    const ui::WindowOptions again = shape_from(shape_text(window));
    EXPECT_EQ(again.width, 1920);
    EXPECT_EQ(again.height, 1000);
    EXPECT_EQ(again.maximized, maximized);
  }
}

TEST(WindowShape, WhatIsNoneIsAsIfNothingHadBeenKept) {
  const ui::WindowOptions usual;
  for (const char* text : {"", "wide", "800", "-5 700", "1 1", "99999999999 700", "800 17000", "800 x"}) {
    EXPECT_EQ(shape_from(text).width, usual.width) << text;
    EXPECT_EQ(shape_from(text).height, usual.height) << text;
    EXPECT_FALSE(shape_from(text).maximized) << text;
  }
}

}  // namespace
}  // namespace foreword::app
