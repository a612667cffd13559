#include "engine/speculative/suffix_automaton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace foreword::engine {
namespace {

/// Longest end of text[0, n) that also ends at an earlier place.
int longest_repeat(const std::vector<std::int32_t>& text, std::size_t n) {
  int best = 0;
  for (std::size_t end = 1; end < n; ++end) {
    int length = 0;
    while (static_cast<std::size_t>(length) < end && text[end - 1 - static_cast<std::size_t>(length)] == text[n - 1 - static_cast<std::size_t>(length)]) ++length;
    best = std::max(best, length);
  }
  return best;
}

TEST(SuffixAutomaton, FindsTheLongestRepeatInRandomTexts) {
  std::mt19937 random(8);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const unsigned vocabulary = 1 + random() % 6;
    SuffixAutomaton automaton;
    std::vector<std::int32_t> text;
    for (int i = 0; i < 150; ++i) {
      text.push_back(static_cast<std::int32_t>(random() % vocabulary));
      automaton.append(text.back());
      const auto& match = automaton.match();
      ASSERT_EQ(match.length, longest_repeat(text, text.size()));
      if (match.length == 0) continue;
      ASSERT_LT(match.end, i);
      for (int back = 0; back < match.length; ++back) {
        ASSERT_EQ(text[static_cast<std::size_t>(match.end - back)], text[static_cast<std::size_t>(i - back)]);
      }
      for (const auto& other : automaton.continuations(3, 2)) {
        ASSERT_EQ(text[static_cast<std::size_t>(other.place)], other.token);
        for (int back = 0; back < other.length; ++back) {
          ASSERT_EQ(text[static_cast<std::size_t>(other.place - 1 - back)], text[static_cast<std::size_t>(i - back)]);
        }
      }
    }
    EXPECT_EQ(automaton.text(), text);
  }
}

TEST(SuffixAutomaton, GivesTheLatestPlaceAndItsRivals) {
  SuffixAutomaton automaton;
  for (const std::int32_t token : {1, 2, 3, 1, 2, 4, 1, 2, 4, 1, 2, 5, 9, 1, 2}) automaton.append(token);
  EXPECT_EQ(automaton.match().length, 2);
  EXPECT_EQ(automaton.match().end, 10);
  const auto followers = automaton.continuations(3, 2);
  ASSERT_EQ(followers.size(), 3U);
  EXPECT_EQ(followers[0].token, 5);
  EXPECT_EQ(followers[1].token, 4);
  EXPECT_EQ(followers[2].token, 3);
  automaton.clear();
  EXPECT_TRUE(automaton.text().empty());
  automaton.append(7);
  EXPECT_EQ(automaton.match().length, 0);
}

TEST(SuffixAutomaton, StaysSmall) {
  std::mt19937 random(3);
  SuffixAutomaton automaton;
  for (int i = 0; i < 50000; ++i) automaton.append(static_cast<std::int32_t>(random() % 3000));
  EXPECT_LT(automaton.bytes(), 50000 * 160);
}

}  // namespace
}  // namespace foreword::engine
