// The radix tree against a plain list, and what its contract says of look-back and eviction (A9).

#include "ui/autocomplete/draft_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/prose.h"
#include "ui/autocomplete/reuse.h"

namespace foreword::ui::autocomplete {
namespace {

Draft draft(DraftId id, std::string text) { return {id, std::move(text), -0.5, false}; }

TEST(DraftCache, A9FindsWhatCoversTheTextTypedSince) {
  DraftCache cache;
  const std::vector<Draft> drafts = {draft(0, "o I sort a list"), draft(1, "oes it work")};
  cache.put(0, "How d", "", drafts);
  for (const auto& [before, typed] : std::vector<std::pair<std::string, std::string>>{{"How d", ""}, {"How do", "o"}, {"How do I so", "o I so"}, {"How does", "oes"}}) {
    const DraftCache::Hit hit = cache.find(before, "");
    ASSERT_EQ(hit.drafts.size(), 2u) << before;
    EXPECT_EQ(hit.typed, typed);
  }
  for (const char* before : {"How", "How x", "How do you", "How do I sort a list", "Xow do", ""}) {
    EXPECT_TRUE(cache.find(before, "").drafts.empty()) << before;
  }
  EXPECT_TRUE(cache.find("How do", ")").drafts.empty());  // another text behind the caret
}

TEST(DraftCache, A9TheNearestPlaceWinsAndAFartherOneHelpsOut) {
  DraftCache cache;
  cache.put(0, "a", "", std::vector{draft(0, " big red house")});
  cache.put(0, "a b", "", std::vector{draft(1, "ig red car")});
  EXPECT_EQ(cache.find("a big", "").drafts[0].id, 1u);
  EXPECT_EQ(cache.find("a big red ho", "").drafts[0].id, 0u);
}

TEST(DraftCache, A9LooksBack128Characters) {
  DraftCache cache;
  std::string long_text;
  for (int i = 0; i < 200; ++i) long_text += "é";
  cache.put(0, "x", "", std::vector{draft(0, long_text)});
  EXPECT_FALSE(cache.find("x" + long_text.substr(0, 2 * 128), "").drafts.empty());
  EXPECT_TRUE(cache.find("x" + long_text.substr(0, 2 * 129), "").drafts.empty());
}

TEST(DraftCache, A56AnotherContextForgetsAndTakesNothingLate) {
  DraftCache cache;
  cache.enter(7);
  cache.put(7, "a", "", std::vector{draft(0, "bc")});
  EXPECT_EQ(cache.size(), 1u);
  cache.enter(7);
  EXPECT_EQ(cache.size(), 1u);
  cache.enter(8);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.n_nodes(), 1u);
  cache.put(7, "a", "", std::vector{draft(0, "bc")});
  EXPECT_TRUE(cache.find("a", "").drafts.empty());
}

TEST(DraftCache, A7PartsNoGraphemeCluster) {
  EXPECT_TRUE(continues_with("e\u0301cole", "e\u0301"));
  EXPECT_FALSE(continues_with("e\u0301cole", "e"));
  EXPECT_TRUE(continues_with("👩‍👧 x", "👩‍👧"));
  EXPECT_FALSE(continues_with("👩‍👧 x", "👩"));
  EXPECT_TRUE(continues_with("abc", ""));
  EXPECT_TRUE(continues_with("abc", "abc"));
  EXPECT_FALSE(continues_with("abc", "abcd"));
}

/// The law: every place in a list, tried from the nearest.
struct NaiveCache {
  struct Place {
    std::string before, after;
    std::vector<Draft> drafts;
    int used = 0;
  };
  std::vector<Place> places;
  int clock = 0;

  void put(const std::string& before, const std::string& after, const std::vector<Draft>& drafts) {
    for (Place& place : places) {
      if (place.before == before && place.after == after) {
        place.drafts = drafts, place.used = ++clock;
        return;
      }
    }
    if (places.size() == tuned_count("cache_entries")) {
      places.erase(std::min_element(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.used < b.used; }));
    }
    places.push_back({before, after, drafts, ++clock});
  }
  const Place* find(const std::string& before, const std::string& after) {
    for (std::size_t back = 0; back <= before.size(); ++back) {
      const std::string key = before.substr(0, before.size() - back), typed = before.substr(before.size() - back);
      if (count_characters(typed, 1000) > 128) return nullptr;
      for (Place& place : places) {
        if (place.before != key || place.after != after) continue;
        for (const Draft& each : place.drafts) {
          if (each.text.size() > typed.size() && continues_with(each.text, typed)) {
            place.used = ++clock;
            return &place;
          }
        }
      }
    }
    return nullptr;
  }
};

TEST(DraftCache, EqualsANaiveListUnderRandomUseAndStaysSmall) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto word = [&](std::size_t longest) {
    std::string text;
    for (std::size_t n = random() % longest; n > 0; --n) text += std::vector<std::string>{"a", "b", "é", "e", "\u0301"}[random() % 5];
    return text;
  };
  DraftCache cache;
  NaiveCache naive;
  int n_hits = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::string before = word(9), after = random() % 8 == 0 ? ")" : "";
    if (random() % 3 == 0) {
      std::vector<Draft> drafts;
      for (DraftId id = 0; id < 3; ++id) drafts.push_back(draft(static_cast<DraftId>(step) * 4 + id, word(6) + "x"));
      cache.put(0, before, after, drafts);
      naive.put(before, after, drafts);
    } else {
      const DraftCache::Hit hit = cache.find(before, after);
      const NaiveCache::Place* const place = naive.find(before, after);
      ASSERT_EQ(hit.drafts.empty(), place == nullptr) << step;
      if (place != nullptr) {
        ASSERT_EQ(hit.drafts[0].id, place->drafts[0].id) << step;
        ASSERT_EQ(hit.typed, before.substr(place->before.size()));
        ++n_hits;
      }
    }
    ASSERT_EQ(cache.size(), naive.places.size());
    ASSERT_LE(step % 100 == 0 ? cache.n_nodes() : 0, 2 * cache.size() + 1);
  }
  EXPECT_EQ(cache.size(), 256u);
  EXPECT_GT(n_hits, 1000);
}

TEST(Survivors, FollowKeepsWhatGoesOnAndTheChosenOne) {
  Survivors survivors;
  ASSERT_TRUE(survivors.load(std::vector{draft(1, "the cat"), draft(2, "they go"), draft(3, "a dog")}, "", 6));
  EXPECT_EQ(survivors.chosen(), 0u);
  EXPECT_TRUE(survivors.follow("the"));
  ASSERT_EQ(survivors.size(), 2u);
  EXPECT_EQ(survivors[0].rest(), " cat");
  EXPECT_FALSE(survivors.follow("y"));  // A8: the chosen one is gone, another one takes its place
  ASSERT_EQ(survivors.size(), 1u);
  EXPECT_EQ(survivors[survivors.chosen()].rest(), " go");
  EXPECT_FALSE(survivors.follow(" go"));  // caught up with: nothing to paint, but it may go on
  EXPECT_TRUE(survivors.empty());
  EXPECT_TRUE(survivors.alive());
  survivors.merge(std::vector{draft(2, "they go home")}, "they go", 3);
  ASSERT_EQ(survivors.size(), 1u);
  EXPECT_EQ(survivors[0].rest(), " home");
}

TEST(Survivors, OnesThatTheTypistHasCaughtUpWithStandBehindAndComeBack) {
  Survivors survivors;
  survivors.load(std::vector{draft(1, "o"), draft(2, "oes it"), Draft{3, "o", -0.5, true}}, "", 6);
  EXPECT_FALSE(survivors.follow("o"));
  ASSERT_EQ(survivors.size(), 1u);
  EXPECT_EQ(survivors[0].id, 2u);
  EXPECT_EQ(survivors.all().size(), 2u);  // the third has ended
  survivors.merge(std::vector{draft(1, "o I see"), draft(2, "oes it")}, "o", 6);
  ASSERT_EQ(survivors.size(), 2u);
  EXPECT_EQ(survivors[survivors.chosen()].id, 2u);
  EXPECT_EQ(survivors[1].rest(), " I see");
}

TEST(Survivors, A11MergeOnlyMakesLongerByWholeWords) {
  Survivors survivors;
  survivors.load(std::vector{draft(1, "the cat")}, "", 3);
  survivors.follow("the ");
  survivors.merge(std::vector{draft(1, "the cattle"), draft(2, "the cat sat")}, "the ", 3);
  ASSERT_EQ(survivors.size(), 2u);  // "cattle" is another word, and so another draft
  EXPECT_EQ(survivors[0].rest(), "cat sat");
  survivors.merge(std::vector{draft(2, "dog barks"), draft(3, "Cat walks"), draft(4, "bird sings"), draft(5, "frog")}, "", 3);
  ASSERT_EQ(survivors.size(), 3u);
  EXPECT_EQ(survivors[0].rest(), "cat sat");       // no other text for an id that is shown
  EXPECT_EQ(survivors[2].rest(), "dog barks");     // A13: "Cat" is a first word already
}

TEST(Survivors, LoadOfNothingThatFitsChangesNothing) {
  Survivors survivors;
  survivors.load(std::vector{draft(1, "the cat")}, "", 3);
  EXPECT_FALSE(survivors.load(std::vector{draft(2, "a dog")}, "x", 3));
  EXPECT_EQ(survivors.size(), 1u);
  EXPECT_EQ(survivors.fewest_words(5), 2);
}

}  // namespace
}  // namespace foreword::ui::autocomplete
