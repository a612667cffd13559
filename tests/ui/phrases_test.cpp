#include "ui/phrases.h"

#include <gtest/gtest.h>

#include <limits>

namespace foreword::ui {
namespace {

TEST(Phrases, JoinsTextAndNumbers) {
  Phrases phrases;
  EXPECT_EQ(phrases.join({"row:", 12, "/", std::string("delete")}), "row:12/delete");
  EXPECT_EQ(phrases.join({std::numeric_limits<std::int64_t>::min()}), "-9223372036854775808");
  EXPECT_EQ(phrases.join({std::numeric_limits<std::uint64_t>::max()}), "18446744073709551615");
  EXPECT_EQ(phrases.join({""}), "");
  EXPECT_EQ(phrases.format("%.1f tokens/s", 21.44), "21.4 tokens/s");
  EXPECT_EQ(phrases.format("%300.0f", 1).size(), 63u) << "cut, not written beyond its end";
}

TEST(Phrases, StayUntilTheyAreForgotten) {
  Phrases phrases;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string_view> said;
    for (int i = 0; i < 5000; ++i) said.push_back(phrases.join({"phrase ", i, " of the round ", round}));
    const std::string large(100'000, 'x');
    said.push_back(phrases.join({large}));
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(said[static_cast<std::size_t>(i)], "phrase " + std::to_string(i) + " of the round " + std::to_string(round));
    EXPECT_EQ(said.back(), large);
    phrases.clear();
  }
}

TEST(Phrases, APhraseOfPhrasesMayReplaceOneOfItsParts) {
  Phrases phrases;
  std::string_view line = "0";
  for (int i = 1; i < 2000; ++i) line = phrases.join({line, ",", i});
  EXPECT_TRUE(line.starts_with("0,1,2,3,"));
  EXPECT_TRUE(line.ends_with(",1998,1999"));
}

}  // namespace
}  // namespace foreword::ui
