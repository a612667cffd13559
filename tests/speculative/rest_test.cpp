// Where nothing is drafted for long, drafters are looked at rarely; where something is, in each step again.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "engine/speculative/speculation.h"

namespace foreword::engine {
namespace {

using Text = std::vector<std::int32_t>;

std::int32_t token_at(std::size_t place) { return static_cast<std::int32_t>(place % 30); }

/// What the test sees of the drafter.
struct Seen {
  int asked = 0;
  bool knows_what_comes = false;
  bool missed = false;  // it was asked behind a text that it had not followed
};

class Watched : public Drafter {
 public:
  explicit Watched(Seen& seen) : seen_(seen) {}
  void follow(std::span<const std::int32_t> text, std::size_t kept) override {
    seen_.missed = seen_.missed || kept > text_.size();
    text_.resize(std::min(kept, text_.size()));
    text_.insert(text_.end(), text.begin() + static_cast<std::ptrdiff_t>(text_.size()), text.end());
  }
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override {
    ++seen_.asked;
    seen_.missed = seen_.missed || tree.token.front() != text_.back() || token_at(text_.size() - 1) != text_.back();
    const std::int32_t token = token_at(text_.size());
    if (!seen_.knows_what_comes) return;
    if (!is_rejection(rules.mode)) tree.add(0, token, .9F, Draw::deterministic, {0, token, self, 0});
    else grow(tree, [&](const DraftTree&, std::int32_t node, std::vector<Guess>& guesses) {
      if (node == 0) guesses.push_back({token, 1});
    }, rules, self, calibration);
  }
  std::int64_t bytes() const override { return 0; }

 private:
  Seen& seen_;
  Text text_;
};

constexpr DrafterRow kWatched{"watched", "", "", 1.0F, true, false, nullptr};

class Rest : public testing::Test {
 protected:
  Rest() { open(VerifyMode::gumbel); }
  /// pass: seconds of one row.
  void open(VerifyMode mode, double pass = .0005) {
    pass_ = pass;
    std::vector<Speculation::Member> members;
    members.push_back({&kWatched, std::make_unique<Watched>(seen_)});
    speculation_ = std::make_unique<Speculation>(SpeculationLimits{.mode = mode}, std::move(members), [] { return 0.0; });
    for (const int n : CostModel::row_counts(64)) speculation_->cost().measure(n, pass * (1 + .05 * (n - 1)));
    begin();
  }
  void begin() {
    text_ = {token_at(0), token_at(1)};
    speculation_->begin(text_, 0);
  }
  /// One step of a text whose tokens are as token_at says; nodes that were drafted.
  int step() {
    const DraftTree tree = speculation_->draft(text_, params_, std::ssize(text_), 64);
    Sampler sampler(params_);
    Walk walk(tree, speculation_->mode(), sampler, {.text = &text_, .index = std::ssize(text_)});
    for (std::int32_t node = 0; node < tree.size(); ++node) {
      std::vector<float> row(32, 0.0F);
      row[static_cast<std::size_t>(token_at(text_.size()))] = 90;
      if (walk.wants(node)) walk.take(row);
    }
    speculation_->learn(text_, walk.result(), tree.size(), pass_);
    return tree.n_drafted();
  }
  int steps(int n) {
    int drafted = 0;
    for (int i = 0; i < n; ++i) drafted += step();
    return drafted;
  }

  Seen seen_;
  SamplingParams params_{.temperature = 0};
  std::unique_ptr<Speculation> speculation_;
  Text text_;
  double pass_ = 0;
};

TEST_F(Rest, WhoFindsNothingIsAskedRarelyAndWhatItFindsIsSeenSoon) {
  EXPECT_EQ(steps(8), 0);
  EXPECT_EQ(seen_.asked, 8);
  EXPECT_EQ(steps(4), 0);
  EXPECT_EQ(seen_.asked, 8 + 4 / 2);
  EXPECT_EQ(steps(160), 0);
  EXPECT_LT(seen_.asked, 8 + 4 / 2 + 160 / 4) << "more and more rarely";
  const int asked = seen_.asked;
  EXPECT_EQ(steps(80), 0);
  EXPECT_EQ(seen_.asked, asked + 80 / 8) << "but not too rarely";
  seen_.knows_what_comes = true;
  EXPECT_GT(steps(8), 0);
  const int before = seen_.asked;
  EXPECT_GT(steps(20), 10);
  EXPECT_EQ(seen_.asked, before + 20);
  EXPECT_FALSE(seen_.missed);
  EXPECT_EQ(speculation_->stats().passes, 8 + 4 + 160 + 80 + 8 + 20);
}

TEST_F(Rest, NobodyIsMissedWherePassesTakeLong) {
  open(VerifyMode::gumbel, .01);
  EXPECT_EQ(steps(200), 0);
  EXPECT_EQ(seen_.asked, 200);
}

// There the size of a tree is decided by the one before it.
TEST_F(Rest, EndsAlsoWhereTreesAreSampled) {
  open(VerifyMode::reject_iid);
  params_.temperature = .8F;
  steps(200);
  seen_.knows_what_comes = true;
  EXPECT_GT(steps(17), 0);
  EXPECT_GT(steps(20), 10);
  EXPECT_FALSE(seen_.missed);
}

TEST_F(Rest, GoesOnInTheNextTextButNotWhereACopyIsExpected) {
  steps(200);
  begin();
  const int before = seen_.asked;
  steps(16);
  EXPECT_EQ(seen_.asked, before + 2);
  begin();
  speculation_->expect_copy_of(Text{3, 4, 5});
  steps(16);
  EXPECT_EQ(seen_.asked, before + 2 + 16);
  EXPECT_FALSE(seen_.missed);
}

}  // namespace
}  // namespace foreword::engine
