// What the desktop says of looks, and what comes of it (D78).

#include "app/bus/looks.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

Looks told(const char* key, std::optional<std::uint32_t> value, Looks looks = {}) {
  take_look(looks, key, value);
  return looks;
}

TEST(Looks, D78AreWhatThePortalSays) {
  EXPECT_EQ(told("color-scheme", 0).dark, false) << "no preference";
  EXPECT_EQ(told("color-scheme", 1).dark, true);
  EXPECT_EQ(told("color-scheme", 2).dark, false);
  EXPECT_EQ(told("color-scheme", 4'000'000'000).dark, false) << "a word of tomorrow";
  EXPECT_EQ(told("contrast", 1), (Looks{.high_contrast = true}));
  EXPECT_EQ(told("reduced-motion", 1), (Looks{.less_motion = true}));
  EXPECT_EQ(told("contrast", std::nullopt, {.dark = true, .high_contrast = true}), (Looks{.dark = true})) << "it says nothing any more";
  EXPECT_EQ(told("accent-color", 1), Looks{});
  EXPECT_EQ(told("", 1), Looks{});
}

TEST(Looks, TheUsersChoiceCountsMore) {
  const Looks system{.dark = true, .high_contrast = true};
  EXPECT_EQ(looks_of({}, system), system);
  EXPECT_EQ(looks_of({.dark = false, .less_motion = true}, system), (Looks{.dark = false, .high_contrast = true, .less_motion = true}));
  EXPECT_EQ(looks_of({.dark = true}, {}), (Looks{.dark = true}));
}

TEST(Looks, ComeBackFromTheirWords) {
  for (const Looks& looks : {Looks{}, Looks{.dark = true}, Looks{.dark = false, .high_contrast = true, .less_motion = true}, Looks{.high_contrast = false, .less_motion = false}}) {
    Looks again;
    const std::string text = looks_text(looks) + " ";
    for (std::size_t at = 0; at < text.size(); at = text.find(' ', at) + 1) take_look_word(again, std::string_view(text).substr(at, text.find(' ', at) - at));
    EXPECT_EQ(again, looks) << text;
  }
}

}  // namespace
}  // namespace foreword::app
