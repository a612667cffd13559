// The drafters that need no training, each by itself, on scripted texts.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "engine/speculative/context_copy.h"
#include "engine/speculative/recycling.h"
#include "engine/speculative/top_tokens.h"
#include "engine/speculative/trigram.h"
#include "tests/speculative/one_level.h"
#include "tests/speculative/scripted_model.h"

namespace foreword::engine {
namespace {

DraftTree proposed(Drafter& drafter, const Text& text, DraftRules rules = {}) {
  const Calibration calibration({1});
  rules.index = std::ssize(text);
  if (rules.max_nodes == 0) rules.max_nodes = 8;
  DraftTree tree(text.back());
  drafter.propose(rules, 0, calibration, tree);
  tree.weigh();
  return tree;
}

/// The first path: always the first child.
Text main_path(const DraftTree& tree) {
  Text path;
  for (auto below = tree.children(0); !below.empty(); below = tree.children(below.front())) {
    path.push_back(tree.token[static_cast<std::size_t>(below.front())]);
  }
  return path;
}

// ---- Copies ----------------------------------------------------------------------------------------------------------

TEST(ContextCopy, GoesOnAsTheLatestEqualPartDid) {
  ContextCopy copy;
  Text text{1, 2, 3, 4, 5, 6, 7, 8, 20, 2, 3};
  copy.follow(text, 0);
  const Text path = main_path(proposed(copy, text, {.max_depth = 4}));
  EXPECT_EQ(path, (Text{4, 5, 6, 7}));
  text.push_back(99);
  copy.follow(text, text.size() - 1);
  EXPECT_EQ(proposed(copy, text).n_drafted(), 0);
}

TEST(ContextCopy, OffersRivalsAndRunsRoundInCircles) {
  ContextCopy copy;
  const Text text{1, 2, 3, 1, 2, 4, 1, 2};
  copy.follow(text, 0);
  const DraftTree tree = proposed(copy, text);
  std::set<std::int32_t> first;
  for (const std::int32_t child : tree.children(0)) first.insert(tree.token[static_cast<std::size_t>(child)]);
  EXPECT_EQ(first, (std::set<std::int32_t>{3, 4}));
  ContextCopy circle;
  const Text round{5, 6, 5, 6, 5, 6};
  circle.follow(round, 0);
  EXPECT_EQ(main_path(proposed(circle, round, {.max_depth = 7})), (Text{5, 6, 5, 6, 5, 6, 5}));
}

TEST(ContextCopy, StartsAnewWhenTheTextIsCut) {
  ContextCopy copy;
  copy.follow(Text{1, 2, 3, 4, 1, 2}, 0);
  const Text other{8, 9, 7, 8, 9};
  copy.follow(other, 0);
  EXPECT_EQ(main_path(proposed(copy, other, {.max_depth = 1})), Text{7});
}

struct Edit {
  Text source, result;
};

/// A text of common and rare words; one in twenty is changed, put in or left out on the way to the result.
Edit edited_text(unsigned seed, int n, bool also_length) {
  std::mt19937 random(seed);
  const auto word = [&] { return static_cast<std::int32_t>(std::pow(3000.0, static_cast<double>(random() % 10000) / 10000)); };
  Edit edit;
  for (int i = 0; i < n; ++i) {
    const std::int32_t right = word();
    const unsigned kind = also_length ? random() % 3 : 0;
    const bool changed = random() % 20 == 0;
    if (!changed || kind != 1) edit.result.push_back(right);
    if (!changed || kind == 1) edit.source.push_back(right);
    if (changed && kind == 0) edit.source.push_back(word());
  }
  return edit;
}

/// Passes for an answer that is this, whatever was drafted; checks that it comes out.
int passes_for(Drafter& drafter, const Text& prompt, const Text& answer, bool as_edit, int max_nodes) {
  SamplingParams greedy;
  greedy.temperature = 0;
  Sampler sampler(greedy);
  Calibration calibration({1});
  Text text = prompt;
  drafter.follow(text, 0);
  if (as_edit) drafter.expect_copy_of(prompt);
  DraftTree tree;
  int passes = 0;
  while (text.size() < prompt.size() + answer.size()) {
    const std::size_t known = text.size();
    tree.clear(text.back());
    drafter.propose({.max_nodes = max_nodes, .max_depth = 16}, 0, calibration, tree);
    tree.weigh();
    tree.trim(max_nodes);
    Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text, .index = std::ssize(text)});
    while (!walk.done()) {
      std::vector<float> logits(4000, 0.0F);
      const std::size_t place = text.size() - prompt.size();
      logits[static_cast<std::size_t>(place < answer.size() ? answer[place] : 3999)] = 9;
      walk.take(logits);
    }
    calibration.learn(tree, walk.result());
    drafter.follow(text, known);
    ++passes;
  }
  text.resize(prompt.size() + answer.size());
  EXPECT_TRUE(std::equal(answer.begin(), answer.end(), text.begin() + std::ssize(prompt)));
  return passes;
}

TEST(ContextCopy, NeedsAThirdOfThePassesOnAnEditAtMost) {
  for (const bool also_length : {false, true}) {
    int plain = 0, by_source = 0, by_match = 0;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      const Edit edit = edited_text(seed, 600, also_length);
      ContextCopy with_source, without;
      plain += static_cast<int>(edit.result.size());
      by_source += passes_for(with_source, edit.source, edit.result, true, 16);
      by_match += passes_for(without, edit.source, edit.result, false, 16);
    }
    EXPECT_LE(3 * by_source, plain) << also_length;
    EXPECT_LE(by_source, by_match);
    RecordProperty(also_length ? "mixed" : "changed", std::to_string(plain) + " plain, " + std::to_string(by_source) + " as an edit, " + std::to_string(by_match) + " by matches");
  }
}

// ---- Recycling -------------------------------------------------------------------------------------------------------

TEST(Recycling, RemembersTheRowsOfEveryPass) {
  Recycling recycling(10);
  recycling.follow(Text{1}, 0);
  recycling.observe(1, true, std::vector<Candidate>{{.7F, 2}, {.3F, 3}});
  recycling.observe(2, false, std::vector<Candidate>{{1, 4}});
  recycling.observe(2, false, std::vector<Candidate>{{1, 5}});  // later and not walked: does not count
  recycling.observe(3, false, std::vector<Candidate>{{1, 6}});
  recycling.observe(3, true, std::vector<Candidate>{{1, 7}});
  recycling.observe(99, true, std::vector<Candidate>{{1, 7}});  // no such token
  const DraftTree tree = proposed(recycling, {1}, {.mode = VerifyMode::match, .max_nodes = 20, .min_reach = 0});
  EXPECT_EQ(tree.n_drafted(), 4);
  const auto two = tree.find(0, 2), three = tree.find(0, 3);
  ASSERT_GE(two, 0);
  ASSERT_GE(three, 0);
  EXPECT_GE(tree.find(two, 4), 0);
  EXPECT_GE(tree.find(three, 7), 0);
  recycling.follow(Text{1, 2}, 1);
  recycling.observe(2, false, std::vector<Candidate>{{1, 5}});  // a new pass
  EXPECT_EQ(main_path(proposed(recycling, {1, 2})), Text{5});
  EXPECT_LT(Recycling(1000).bytes(), 1000 * (8 * 5 + 1));
}

/// Passes for n tokens of a scripted model with this drafter, and whether the text is the plain one.
int scripted_passes(Drafter& drafter, const ScriptedModel& model, const SamplingParams& params, Text& text, int n, Calibration& calibration) {
  Sampler sampler(params);
  const Text plain = plain_text(model, params, n + 20);
  int passes = 0;
  DraftTree tree;
  LargeLogits large;
  std::vector<Candidate> best;
  while (std::ssize(text) < n) {
    const std::size_t known = text.size();
    tree.clear(text.back());
    const DraftRules rules{.temperature = params.temperature, .seed = params.seed, .index = std::ssize(text), .max_nodes = 12, .max_depth = 6};
    drafter.propose(rules, 0, calibration, tree);
    tree.weigh();
    tree.trim(12);
    const std::int32_t before = text[text.size() - 2];
    Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text, .index = std::ssize(text)});
    for (std::int32_t node = 0; node < tree.size(); ++node) {
      const bool walked = walk.wants(node);
      best_of_row(model.target(tree, node, before), kBestOfRow, large, best);
      drafter.observe(tree.token[static_cast<std::size_t>(node)], walked, best);
      if (walked) walk.take(model.target(tree, node, before));
    }
    calibration.learn(tree, walk.result());
    drafter.follow(text, known);
    ++passes;
  }
  EXPECT_TRUE(std::equal(text.begin(), text.end(), plain.begin()));
  return passes;
}

TEST(Recycling, FindsMostTokensOfAModelWithShortMemory) {
  // The last token alone decides, nearly: what was seen once after a token helps when it comes again.
  const ScriptedModel model(64, 5, 3, .6F, .3F);
  for (const float temperature : {0.0F, .8F}) {
    SamplingParams params = no_steps(3);
    params.temperature = temperature;
    Recycling recycling(64);
    Calibration calibration({.5F});
    Text text{0, 1};
    recycling.follow(text, 0);
    const int passes = scripted_passes(recycling, model, params, text, 600, calibration);
    RecordProperty("tokens_per_pass_at_" + std::to_string(static_cast<int>(temperature * 10)), std::to_string(598.0 / passes));
    EXPECT_LT(passes, 598 / 2);
  }
}

// ---- Tri-grams -------------------------------------------------------------------------------------------------------

TEST(Trigram, CountsWhatFollowedTwoTokens) {
  Trigram trigram;
  const Text text{1, 2, 3, 1, 2, 3, 1, 2, 4, 1, 2};
  trigram.follow(text, 0);
  const DraftTree tree = proposed(trigram, text, {.mode = VerifyMode::match, .max_nodes = 4, .max_depth = 1, .min_reach = 0});
  ASSERT_EQ(tree.children(0).size(), 2U);
  EXPECT_EQ(tree.token[1], 3);  // twice, 4 once
  const Text longer{1, 2, 3, 1, 2, 3, 1, 2, 4, 1, 2, 4, 1, 2, 4, 1, 2};
  trigram.follow(longer, text.size());
  EXPECT_EQ(proposed(trigram, longer, {.max_nodes = 4, .min_reach = 0}).token[1], 4);
  trigram.follow(Text{7, 8}, 0);
  EXPECT_EQ(proposed(trigram, Text{7, 8}).n_drafted(), 0);
}

TEST(Trigram, FindsMoreInTheSecondHalfOfARepetitiveText) {
  const ScriptedModel model(24, 6, 4);
  SamplingParams params = no_steps(4);
  params.temperature = .7F;
  Trigram trigram;
  Calibration calibration({.5F});
  Text text{0, 1};
  trigram.follow(text, 0);
  const int first = scripted_passes(trigram, model, params, text, 800, calibration);
  const int second = scripted_passes(trigram, model, params, text, 1600, calibration);
  EXPECT_LT(second, .9 * first);
  EXPECT_LE(trigram.bytes(), 3 << 20);
}

// ---- The best of a row -----------------------------------------------------------------------------------------------

TEST(TopTokens, AreTheLargestInOrder) {
  std::mt19937 random(2);
  LargeLogits large;
  std::vector<Guess> best;
  for (const std::size_t n : {1U, 7U, 8U, 255U, 256U, 257U, 5000U}) {
    std::vector<float> logits(n);
    for (float& logit : logits) logit = static_cast<float>(random() % 100);  // many ties
    if (n > 10) logits[n / 2] = std::nanf("");
    if (n > 10) logits[n / 3] = -INFINITY;
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < n; ++i) {
      if (logits[i] > -INFINITY) ids.push_back(static_cast<std::int32_t>(i));
    }
    std::ranges::stable_sort(ids, std::greater(), [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; });
    ids.resize(std::min<std::size_t>(ids.size(), 8));
    top_tokens(logits, 8, large, best);
    ASSERT_EQ(best.size(), ids.size()) << n;
    float total = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(best[i].token, ids[i]) << n;
      total += best[i].p;
    }
    EXPECT_NEAR(total, 1, 1e-5);
  }
  top_tokens(std::vector<float>{1, INFINITY}, 2, large, best);
  EXPECT_EQ(best[0].p, 1.0F);
}

}  // namespace
}  // namespace foreword::engine
