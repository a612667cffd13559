// A choice from the best logits alone is the choice from all of them, to the bit, whatever steps the sampler goes through.

#include "engine/sampling/logit_row.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "engine/sampling/sampler.h"

namespace foreword::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A row of which only the best are at hand, and how often somebody asked for the rest.
struct BestOnly {
  BestOnly(const std::vector<float>& all, std::size_t n) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!std::isnan(all[i])) best.push_back({all[i], static_cast<std::int32_t>(i)});
    }
    std::ranges::sort(best, kBetter);
    best.resize(std::min(n, best.size()));
    whole = [this, &all] { return ++n_fetched, std::span(all); };
    size = all.size();
  }
  LogitRow row() const { return {best, size, whole}; }

  std::vector<Candidate> best;
  std::size_t size = 0;
  std::function<std::span<const float>()> whole;
  int n_fetched = 0;
};

class Draws {
 public:
  explicit Draws(unsigned seed) : random_(seed) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T, std::size_t n>
  T one_of(const T (&values)[n]) { return values[random_() % n]; }

  std::vector<float> logits(std::size_t n) {
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> all(n);
    const bool ties = one_in(2), rare = one_in(3);
    for (float& x : all) {
      x = ties ? std::round(normal(random_)) : normal(random_);
      if (rare && one_in(5)) x = one_of({kInfinity, -kInfinity, -kInfinity, std::nanf(""), 0.0F, -0.0F, -1e38F});
    }
    return all;
  }
  std::vector<std::int32_t> tokens(std::size_t n, int vocabulary) {
    std::vector<std::int32_t> ids(n);
    for (std::int32_t& id : ids) id = below(vocabulary + 4) - 2;  // some that do not exist
    return ids;
  }
  SamplingParams params() {
    SamplingParams p;
    p.temperature = one_of({0.0F, 0.8F, 1.5F});
    p.top_k = one_of({0, 1, 2, 5, 20, 40});
    p.top_p = one_of({1.0F, 0.95F, 0.5F});
    p.min_p = one_of({0.0F, 0.05F, 0.3F});
    p.repeat_penalty = one_of({1.0F, 1.0F, 1.3F, 3.0F, 0.7F});
    p.presence_penalty = one_of({0.0F, 0.0F, 0.5F, -0.5F});
    p.frequency_penalty = one_of({0.0F, 0.0F, 0.3F, -0.3F});
    p.penalty_window = one_of({64, 64, 0, -1});
    p.dry_multiplier = one_of({0.0F, 0.0F, 0.8F});
    p.momentum = one_in(8) ? 0.2F : 0.0F;
    p.seed = random_();
    return p;
  }

 private:
  std::mt19937 random_;
};

void expect_same(std::span<const Candidate> found, std::span<const Candidate> expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].token, expected[i].token);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(found[i].logit), std::bit_cast<std::uint32_t>(expected[i].logit));
  }
}

TEST(LogitRow, TheBestDecideAsAllDo) {
  constexpr unsigned kSeed = 20261126;
  Draws draws(kSeed);
  int n_decided = 0, n_by_wish = 0, n_wishes = 0;
  for (int i = 0; i < 20000 && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", case " << i);
    const int vocabulary = draws.one_of({1, 8, 60, 300});
    const std::vector<float> all = draws.logits(static_cast<std::size_t>(vocabulary));
    const auto named = static_cast<std::size_t>(draws.one_in(4) ? 1 + draws.below(vocabulary) : vocabulary);
    const std::vector<std::int32_t> history = draws.tokens(static_cast<std::size_t>(draws.below(30)), vocabulary);
    const std::vector<std::int32_t> banned = draws.tokens(static_cast<std::size_t>(draws.below(4)), vocabulary);
    const std::vector<std::int32_t> breakers = draws.one_in(2) ? std::vector<std::int32_t>{3} : std::vector<std::int32_t>{};
    Sampler sampler(draws.params(), breakers), law(sampler);
    const LogitWish wish = sampler.wish(banned.size());
    const bool as_wished = draws.one_in(2) && !wish.all();
    const BestOnly best(all, as_wished ? static_cast<std::size_t>(wish.n_best()) : static_cast<std::size_t>(1 + draws.below(vocabulary)));

    const auto expected = law.distribution(std::span<const float>(all).first(named), history, banned);
    const auto found = sampler.distribution(best.row().first(named), history, banned);
    expect_same(found, expected);
    EXPECT_EQ(sampler.draw(found, i), law.draw(expected, i));
    n_decided += best.n_fetched == 0 ? 1 : 0;
    // What was wished for falls short only where the row has padding or what is no number.
    const bool plain = named == all.size() && std::ranges::none_of(all, [](float x) { return std::isnan(x); });
    n_wishes += as_wished && plain ? 1 : 0;
    n_by_wish += as_wished && plain && best.n_fetched == 0 ? 1 : 0;
  }
  EXPECT_GT(n_decided, 4000) << "the best were used";
  EXPECT_EQ(n_by_wish, n_wishes) << "a wish is enough";
  EXPECT_GT(n_wishes, 2000);
}

TEST(LogitRow, AWholeRowIsAtHandWithoutItsBest) {
  const std::vector<float> all{1, 3, 2};
  EXPECT_TRUE(LogitRow(all).best().empty());
  EXPECT_EQ(LogitRow(all).first(2).all().size(), 2U);
  EXPECT_EQ(LogitRow(all).first(9).size(), 3U);
}

TEST(LogitRow, WishesAreOrdered) {
  EXPECT_FALSE(LogitWish(false).any());
  EXPECT_TRUE(LogitWish(true).any() && LogitWish(true).all());
  EXPECT_TRUE(LogitWish::best(8).any() && !LogitWish::best(8).all());
  EXPECT_EQ(LogitWish::best(8).n_best(), 8);
  EXPECT_LT(LogitWish::best(1000000).n_best(), LogitWish(true).n_best());
}

}  // namespace
}  // namespace foreword::engine
