#include "engine/stop_filter.h"

#include <gtest/gtest.h>

#include <random>

namespace foreword::engine {
namespace {

TEST(StopFilter, CutsAtTheStopTextAndDropsTheRest) {
  StopFilter filter({"END"});
  EXPECT_EQ(filter.push("one "), "one ");
  EXPECT_EQ(filter.push("E"), "");
  EXPECT_EQ(filter.push("ND two"), "");
  EXPECT_TRUE(filter.hit());
  EXPECT_EQ(filter.push("three"), "");
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopFilter, GivesBackWhatDidNotBecomeAStop) {
  StopFilter filter({"User:", "\n\n"});
  EXPECT_EQ(filter.push("a Use"), "a ");
  EXPECT_EQ(filter.push("ful\n"), "Useful");
  EXPECT_EQ(filter.finish(), "\n");
  EXPECT_FALSE(filter.hit());
}

TEST(StopFilter, TheEarliestStopWins) {
  StopFilter filter({"world", "o"});
  EXPECT_EQ(filter.push("hello world"), "hell");
  EXPECT_TRUE(filter.hit());
}

TEST(StopFilter, EmptyStopsAreIgnored) {
  StopFilter filter({"", ""});
  EXPECT_EQ(filter.push("text"), "text");
}

/// Whatever the cut into pieces: the same as looking for the first stop text in the whole.
TEST(StopFilter, EqualsASearchInTheWholeText) {
  const unsigned seed = 20261124;
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 24; ++i) text += static_cast<char>('a' + random() % 3);
    std::vector<std::string> stops;
    for (int i = 0; i < 2; ++i) {
      std::string stop;
      for (unsigned n = 1 + random() % 4; n > 0; --n) stop += static_cast<char>('a' + random() % 3);
      stops.push_back(stop);
    }
    std::size_t cut = std::string::npos;
    for (const std::string& stop : stops) cut = std::min(cut, text.find(stop));

    // The filter may end at a later stop only if the earlier one was not complete yet in that piece; one byte a push
    // makes "first complete" the rule, so compare with that.
    StopFilter filter(stops);
    std::string shown;
    std::size_t first_complete = std::string::npos, begin = std::string::npos;
    for (const std::string& stop : stops) {
      const std::size_t at = text.find(stop);
      if (at != std::string::npos && (at + stop.size() < first_complete ||
                                      (at + stop.size() == first_complete && at < begin))) {
        first_complete = at + stop.size();
        begin = at;
      }
    }
    for (const char c : text) shown += filter.push(std::string(1, c));
    shown += filter.finish();
    EXPECT_EQ(shown, text.substr(0, begin)) << "seed " << seed << ", text " << text << ", stops " << stops[0] << " " << stops[1];
    EXPECT_EQ(filter.hit(), cut != std::string::npos);
  }
}

}  // namespace
}  // namespace foreword::engine
