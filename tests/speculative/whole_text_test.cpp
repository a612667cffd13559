// Texts of a scripted model, with every kind of drafter, against plain decoding.

#include "engine/speculative/speculation.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/speculative/one_level.h"
#include "tests/speculative/scripted_draft_model.h"
#include "tests/speculative/statistics.h"

namespace foreword::engine {
namespace {

constexpr int kLength = 122, kDepth = 4, kTexts = 60;

SamplingParams top_p(std::uint64_t seed) {
  SamplingParams params = no_steps(seed);
  params.top_p = .95F;
  return params;
}

/// Children of a node of the scripted drafter's law after the sampler's steps, k each to depth 4; a node in twenty is left
/// without.
class ShapedDraft {
 public:
  ShapedDraft(const ScriptedModel& model, const SamplingParams& params, Draw kind, int k)
      : model_(&model), sampler_(params), kind_(kind), k_(k), stop_(static_cast<unsigned>(params.seed)) {}

  void operator()(const Text& text, DraftTree& tree) {
    for (std::int32_t node = 0; node < tree.size(); ++node) {
      const auto depth = tree.depth[static_cast<std::size_t>(node)];
      if (depth == kDepth || stop_() % 20 == 0) continue;
      const Chances q = law(model_->drafter(tree, node, text[text.size() - 2]));
      const auto index = static_cast<std::uint32_t>(text.size()) + static_cast<std::uint32_t>(depth);
      // Children that are drawn at random need noise of their own at every node.
      const std::uint64_t seed = kind_ == Draw::gumbel ? sampler_.params().seed : stop_();
      const auto order = find_children(kind_, q, k_, seed, index);
      for (const std::int32_t token : order) tree.add(node, token, .5F, kind_, {});
      if (kind_ != Draw::gumbel && kind_ != Draw::deterministic) tree.draws[static_cast<std::size_t>(node)] = {order, sparse(q)};
    }
    tree.weigh();
    tree.trim(tree.n_drafted());
  }

 private:
  Chances law(std::span<const float> logits) {
    const auto left = sampler_.distribution(logits, {}, {});
    std::vector<double> p;
    sampler_.probabilities(left, p);
    Chances q(logits.size(), 0.0);
    for (std::size_t i = 0; i < left.size(); ++i) q[static_cast<std::size_t>(left[i].token)] = p[i];
    return q;
  }

  const ScriptedModel* model_;
  Sampler sampler_;
  Draw kind_;
  int k_;
  std::mt19937 stop_;
};

/// Knows the text to come. `wrong` drafts what it is not.
Draft oracle(const Text& future, bool wrong, int n_tokens, double stop, unsigned seed) {
  return [=, random = std::mt19937(seed)](const Text& text, DraftTree& tree) mutable {
    std::int32_t node = 0;
    for (std::size_t i = text.size(); i < text.size() + kDepth && i < future.size(); ++i) {
      if (random() % 1000 < stop * 1000) break;
      const std::int32_t token = wrong ? (future[i] + 1) % n_tokens : future[i];
      node = tree.add(node, token, .9F, Draw::deterministic, {});
    }
    tree.weigh();
    tree.trim(tree.n_drafted());
  };
}

Draft random_draft(int n_tokens, unsigned seed) {
  return [=, random = std::mt19937(seed)](const Text&, DraftTree& tree) mutable {
    for (unsigned i = random() % 80; i > 0; --i) {
      tree.add(static_cast<std::int32_t>(random() % static_cast<unsigned>(tree.size())),
               static_cast<std::int32_t>(random() % static_cast<unsigned>(n_tokens)), static_cast<float>(random() % 100) / 100,
               Draw::deterministic, {.drafter = static_cast<std::uint8_t>(random() % 3)});
    }
    tree.weigh();
    tree.trim(static_cast<std::int32_t>(random() % 80));
  };
}

struct Tally {
  double tokens = 0, passes = 0;
  void add(const TextRun& run) {
    tokens += static_cast<double>(run.text.size() - 2);
    passes += run.passes;
  }
  double rate() const { return tokens / passes; }
};

TEST(WholeText, EqualsPlainDecodingWhateverTheDrafterAndIsFoundAtTheKnownRates) {
  const ScriptedModel model(16, 2);
  std::map<std::string, Tally> tallies;
  for (unsigned seed = 1; seed <= kTexts; ++seed) {
    const SamplingParams params = top_p(seed);
    const Text plain = plain_text(model, params, kLength + kDepth + 1);
    const auto try_out = [&](const std::string& name, const Draft& draft, VerifyMode mode = VerifyMode::gumbel) {
      const TextRun run = speculative_text(model, params, mode, kLength, draft);
      EXPECT_TRUE(std::equal(run.text.begin(), run.text.end(), plain.begin())) << name << ", seed " << seed;
      tallies[name].add(run);
    };
    for (const int k : {1, 2, 4}) {
      try_out("gumbel " + std::to_string(k), ShapedDraft(model, params, Draw::gumbel, k));
      try_out("top " + std::to_string(k), ShapedDraft(model, params, Draw::deterministic, k), VerifyMode::match);
      const TextRun run = speculative_text(model, params, VerifyMode::reject_without_replacement, kLength,
                                       ShapedDraft(model, params, Draw::without_replacement, k));
      tallies["rejection " + std::to_string(k)].add(run);
    }
    try_out("random", random_draft(16, seed));
    try_out("wrong", oracle(plain, true, 16, .05, seed));
    try_out("oracle", oracle(plain, false, 16, .05, seed));
    try_out("whole oracle", oracle(plain, false, 16, 0, seed));
  }
  for (const auto& [name, tally] : tallies) RecordProperty(name, std::to_string(tally.rate()));
  const auto expect = [&](const char* name, double rate, double tolerance) { EXPECT_NEAR(tallies[name].rate(), rate, tolerance) << name; };
  expect("gumbel 1", 2.94, .15);
  expect("gumbel 2", 3.89, .15);
  expect("gumbel 4", 4.19, .15);
  expect("rejection 1", 3.12, .15);
  expect("rejection 2", 3.71, .15);
  expect("rejection 4", 4.18, .15);
  expect("top 1", 1.67, .15);
  expect("top 2", 2.31, .15);
  expect("top 4", 3.32, .15);
  expect("oracle", 4.51, .05);
  expect("whole oracle", 5.00, .05);
  EXPECT_EQ(tallies["wrong"].rate(), 1.0);
}

constexpr int kV = 6, kTokens = 3;

/// Of all texts of three tokens over six.
std::vector<double> law_of_texts(const ScriptedModel& model) {
  std::vector<double> law(kV * kV * kV);
  Sampler sampler(no_steps(0));
  const auto chances = [&](std::int32_t before, std::int32_t last) {
    std::vector<double> p, by_id(kV);
    const auto left = sampler.distribution(model.target(before, last), {}, {});
    sampler.probabilities(left, p);
    for (std::size_t i = 0; i < left.size(); ++i) by_id[static_cast<std::size_t>(left[i].token)] = p[i];
    return by_id;
  };
  for (int a = 0; a < kV; ++a) {
    for (int b = 0; b < kV; ++b) {
      for (int c = 0; c < kV; ++c) {
        law[static_cast<std::size_t>((a * kV + b) * kV + c)] = chances(0, 1)[static_cast<std::size_t>(a)] *
                                                               chances(1, a)[static_cast<std::size_t>(b)] * chances(a, b)[static_cast<std::size_t>(c)];
      }
    }
  }
  return law;
}

std::size_t place_of(const Text& text) { return static_cast<std::size_t>((text[2] * kV + text[3]) * kV + text[4]); }

// Law of whole short texts under rejection: all texts of three tokens over six.
TEST(WholeText, RejectionKeepsTheLawOfTexts) {
  const ScriptedModel model(kV, 9, 1.3F, 1);
  const std::vector<double> law = law_of_texts(model);
  struct Way {
    VerifyMode mode;
    Draw kind;
  };
  for (const Way way : {Way{VerifyMode::reject_iid, Draw::iid}, Way{VerifyMode::reject_without_replacement, Draw::without_replacement},
                        Way{VerifyMode::k_seq, Draw::iid}, Way{VerifyMode::greedy_then_sample, Draw::top_then_sample}}) {
    std::vector<int> counts(law.size());
    const int n = std::min(n_draws(15000), 200000);
    for (int i = 0; i < n; ++i) {
      const SamplingParams params = no_steps(static_cast<std::uint64_t>(i) + 1);
      const TextRun run = speculative_text(model, params, way.mode, 2 + kTokens, ShapedDraft(model, params, way.kind, 2));
      ++counts[place_of(run.text)];
    }
    EXPECT_GT(chi_square_p(law, counts), 1e-4) << static_cast<int>(way.mode);
  }
}

// The same through all that decides whom to ask and how many rows to compute.
TEST(WholeText, SpeculationKeepsTheLawOfTexts) {
  const ScriptedModel model(kV, 9, 1.3F, 1);
  const std::vector<double> law = law_of_texts(model);
  for (const VerifyMode mode : {VerifyMode::reject_iid, VerifyMode::reject_without_replacement, VerifyMode::k_seq, VerifyMode::greedy_then_sample}) {
    ScriptedDraftModel second(model);
    constexpr std::string_view kNames[] = {"model"};
    Speculation speculation({.mode = mode}, std::move(Speculation::members(kNames, {kV, &second, nullptr})).value(), [] { return 0.0; });
    for (const auto& [rows, seconds] : {std::pair{1, 1.0}, {2, 1.2}, {3, 1.4}, {4, 1.5}, {6, 2.0}, {8, 2.5}}) speculation.cost().measure(rows, seconds);
    std::vector<int> counts(law.size());
    const int n = std::min(n_draws(15000), 200000);
    for (int i = 0; i < n; ++i) {
      const SamplingParams params = no_steps(static_cast<std::uint64_t>(i) + 1);
      Sampler sampler(params);
      Text text{0, 1};
      speculation.begin(text, 0);
      while (std::ssize(text) < 2 + kTokens) {
        const std::int32_t before = text[text.size() - 2];
        const DraftTree& tree = speculation.draft(text, params, std::ssize(text), 16);
        Walk walk(tree, mode, sampler, {.text = &text, .index = std::ssize(text)});
        for (std::int32_t node = 0; node < tree.size(); ++node) {
          if (walk.wants(node)) walk.take(model.target(tree, node, before));
        }
        speculation.learn(text, walk.result(), tree.size(), 0);
      }
      ++counts[place_of(text)];
    }
    EXPECT_GT(speculation.stats().tokens_per_pass(), 1.2) << "drafts were taken";
    EXPECT_GT(chi_square_p(law, counts), 1e-4) << static_cast<int>(mode);
  }
}

}  // namespace
}  // namespace foreword::engine
