// The whole of speculative decoding on scripted models with scripted clocks: texts equal the plain ones, and the controller is
// nearly as fast as the best fixed setting, which nobody knows beforehand.

#include "engine/speculative/speculation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/speculative/small_model.h"
#include "engine/speculative/top_tokens.h"
#include "tests/speculative/one_level.h"
#include "tests/speculative/scripted_draft_model.h"
#include "tests/speculative/scripted_model.h"
#include "tests/speculative/statistics.h"

namespace foreword::engine {
namespace {

/// A drafter that is told about the model: its logits with noise; wrong on purpose from some place on.
class Told : public Drafter {
 public:
  Told(const ScriptedModel& model, std::size_t wrong_from, double seconds, double* now)
      : model_(&model), wrong_from_(wrong_from), seconds_(seconds), now_(now) {}

  void follow(std::span<const std::int32_t> text, std::size_t) override { text_.assign(text.begin(), text.end()); }
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override {
    *now_ += seconds_;
    const GuessSource source = [&](const DraftTree& grown, std::int32_t node, std::vector<Guess>& guesses) {
      const auto logits = model_->drafter(grown, node, text_[text_.size() - 2]);
      const bool wrong = text_.size() >= wrong_from_;
      for (std::size_t i = 0; i < logits.size(); ++i) {
        guesses.push_back({static_cast<std::int32_t>(i), std::exp(wrong ? -3 * logits[i] : logits[i])});
      }
      temper(guesses, rules.temperature);
    };
    grow(tree, source, rules, self, calibration);
  }
  std::int64_t bytes() const override { return 0; }

 private:
  const ScriptedModel* model_;
  std::size_t wrong_from_;
  double seconds_;
  double* now_;
  Text text_;
};

constexpr DrafterRow kTold{"told", "", "", 1.0F, true, false, nullptr};

/// A draft model whose passes take so long.
class DearModel : public ScriptedDraftModel {
 public:
  DearModel(const ScriptedModel& model, double seconds, double* now) : ScriptedDraftModel(model), seconds_(seconds), now_(now) {}
  bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) override {
    *now_ += seconds_;
    return ScriptedDraftModel::score(tree, nodes, wish, sink);
  }

 private:
  double seconds_;
  double* now_;
};

/// A recorded text in a world: its model, its sampling, what passes and drafts cost.
struct World {
  const char* name;
  double (*pass)(int rows);   // in units of a one-row pass
  float drafter_noise;        // of the told drafter; negative: there is none
  double draft_seconds;
  std::size_t wrong_from;
  float temperature;
  float memory;               // of the model (scripted_model.h)
  bool untrained;             // with copy, recycle, ngram
  bool second = false;        // the drafter is a second model that knows as much, a level in as many seconds
};

double processor(int n) { return .45 + .55 * n; }
double good_processor(int n) { return n <= 4 ? 1 + .12 * (n - 1) : 1.36 + .4 * (n - 4); }
double graphics(int n) { return n <= 16 ? 1 + .004 * n : 1.064 + .03 * (n - 16); }
double tiles(int n) { return 1 + .35 * ((n - 1) / 8); }

constexpr std::size_t kNever = 1 << 30, kLength = 1200;
constexpr World kWorlds[] = {
    {"steep processor, good drafter", processor, .4F, .02, kNever, .8F, 1, false},
    {"good processor, good drafter", good_processor, .4F, .02, kNever, .8F, 1, false},
    {"good processor, poor drafter", good_processor, 2.5F, .02, kNever, .8F, 1, false},
    {"graphics, good drafter", graphics, .4F, .05, kNever, .8F, 1, false},
    {"graphics, dear drafter", graphics, 1, .4, kNever, 1, 1, false},
    {"tiles, good drafter, cool", tiles, .6F, .05, kNever, .3F, 1, false},
    {"tiles, good drafter, greedy", tiles, .6F, .05, kNever, 0, 1, false},  // the text runs in a short circle
    {"good processor, drafter that turns bad", good_processor, .4F, .02, kLength / 2, .8F, 1, false},
    {"good processor, untrained drafters", good_processor, -1, 0, kNever, .5F, .4F, true},
    {"graphics, all drafters", graphics, 1, .05, kNever, .8F, .6F, true},
    {"steep processor, nothing helps", processor, -1, 0, kNever, 1.3F, 1, true},
};

class Replay {
 public:
  explicit Replay(const World& world)
      : world_(world), model_(32, 77, 2.5F, std::abs(world.drafter_noise), world.memory), second_(model_, world.draft_seconds, &now_), params_(no_steps(5)) {
    params_.temperature = world.temperature;
    plain_ = plain_text(model_, params_, kLength + 70);
  }

  /// Seconds a token with `nodes` nodes of at most `depth` in every pass.
  double fixed(int nodes, int depth) {
    return run([&](Speculation&, Members& members, Calibration& calibration, const Text& text, DraftTree& tree) {
      const DraftRules rules{.temperature = params_.temperature, .seed = params_.seed, .index = std::ssize(text), .max_nodes = nodes, .max_depth = depth};
      tree.clear(text.back());
      for (std::size_t i = 0; nodes > 0 && i < members.size(); ++i) {
        if (!members[i].row->needs_rule) members[i].drafter->propose(rules, static_cast<std::uint8_t>(i), calibration, tree);
      }
      tree.weigh();
      tree.trim(nodes);
    });
  }
  double controlled(SpeculationLimits limits = {}) { return run({}, limits); }
  /// Of the last run that was controlled.
  const SpeculationStats& stats() const { return stats_; }

 private:
  using Members = std::vector<Speculation::Member>;
  using Fixed = std::function<void(Speculation&, Members&, Calibration&, const Text&, DraftTree&)>;

  Members members() {
    Members all;
    if (world_.untrained) {
      constexpr std::string_view kAuto[] = {"auto"};
      all = std::move(*Speculation::members(kAuto, {.vocabulary = 32}));
    }
    if (world_.second) {
      all.push_back({&kTold, std::make_unique<SmallModel>(second_)});
    } else if (world_.drafter_noise >= 0) {
      all.push_back({&kTold, std::make_unique<Told>(model_, world_.wrong_from, world_.draft_seconds, &now_)});
    }
    return all;
  }

  double run(const Fixed& fixed, SpeculationLimits limits = {}) {
    now_ = 0;
    Speculation speculation(limits, fixed ? Members{} : members(), [&] { return now_; });
    Members own = fixed ? members() : Members{};
    std::vector<float> trust;
    for (const auto& member : own) trust.push_back(member.row->trust);
    Calibration calibration(trust);
    for (const int n : CostModel::row_counts(64)) speculation.cost().measure(n, world_.pass(n));
    Sampler sampler(params_);
    Text text{0, 1};
    speculation.begin(text, 0);
    for (const auto& member : own) member.drafter->follow(text, 0);
    DraftTree tree;
    LargeLogits large;
    std::vector<Candidate> best;
    double jitter = 0;
    while (text.size() < kLength) {
      if (fixed) {
        fixed(speculation, own, calibration, text, tree);
      } else {
        tree = speculation.draft(text, params_, std::ssize(text), 64);
      }
      const std::size_t known = text.size();
      const std::int32_t before = text[known - 2];
      Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text, .index = std::ssize(text)});
      for (std::int32_t node = 0; node < tree.size(); ++node) {
        const bool walked = walk.wants(node);
        const auto row = model_.target(tree, node, before);
        if (fixed) {
          best.clear();
          for (const auto& member : own) {
            if (member.row->wants_rows && best.empty()) best_of_row(row, kBestOfRow, large, best);
            if (member.row->wants_rows) member.drafter->observe(tree.token[static_cast<std::size_t>(node)], walked, best);
          }
        }
        if (walked) walk.take(row);
        if (walked && !fixed) speculation.observe(node, sampler.best());
        if (!walked && !fixed) speculation.observe_aside(node, row);
      }
      const double seconds = world_.pass(tree.size());
      now_ += seconds;
      jitter = std::fmod(jitter + .618, 1);  // what the controller is told is not exact
      if (fixed) {
        calibration.learn(tree, walk.result());
        for (const auto& member : own) member.drafter->follow(text, known);
      } else {
        speculation.learn(text, walk.result(), tree.size(), seconds * (.9 + .2 * jitter));
      }
    }
    EXPECT_TRUE(std::equal(text.begin(), text.end(), plain_.begin())) << world_.name;
    stats_ = speculation.stats();
    return now_ / static_cast<double>(text.size() - 2);
  }

  const World& world_;
  ScriptedModel model_;
  DearModel second_;
  SamplingParams params_;
  Text plain_;
  SpeculationStats stats_;
  double now_ = 0;
};

TEST(Speculation, IsNearlyAsFastAsTheBestFixedSettingInHindsight) {
  for (const World& world : kWorlds) {
    Replay replay(world);
    double best = 1e9, plain = 0;
    std::string which;
    for (const int nodes : {0, 1, 2, 3, 4, 6, 7, 12, 15, 24, 32}) {
      for (const int depth : {1, 3, 16}) {
        if (nodes < depth && depth != 16 && nodes != 0) continue;
        if (nodes == 0 && depth != 16) continue;
        const double seconds = replay.fixed(nodes, depth);
        if (nodes == 0) plain = seconds;
        if (seconds < best) {
          best = seconds;
          which = std::to_string(nodes) + " nodes of depth " + std::to_string(depth);
        }
      }
    }
    const double controlled = replay.controlled();
    RecordProperty(world.name, "share of the best " + std::to_string(best / controlled) + " (" + which + "), gain " + std::to_string(plain / controlled));
    EXPECT_GE(best / controlled, .97) << world.name << ": best is " << which;
    EXPECT_GE(plain / controlled, .98) << world.name;
  }
}

TEST(Speculation, ADrafterThatIsAlwaysWrongCostsNextToNothing) {
  for (double (*pass)(int) : {processor, good_processor, graphics, tiles}) {
    for (const double draft_seconds : {.001, .05, .3}) {
      const World world{"wrong", pass, 0, draft_seconds, 0, .8F, 1, false};
      Replay replay(world);
      EXPECT_LE(replay.controlled(), 1.02) << draft_seconds;
    }
  }
}

// Whatever the machine: whether guesses pay is a matter of the clock, that they are made is not.
TEST(Speculation, ToldToItGuessesAsMuchWhereNothingPays) {
  for (double (*pass)(int) : {processor, good_processor, graphics}) {
    for (const double draft_seconds : {.01, .4, 3.0}) {
      const World world{"told", pass, .4F, draft_seconds, kNever, .8F, 1, false, true};
      for (const int least : {3, 6}) {
        Replay replay(world);
        replay.controlled({.least_nodes = least});
        EXPECT_GT(replay.stats().drafted, .99 * least * static_cast<double>(replay.stats().passes)) << draft_seconds << ": but where hardly anything would be reached";
        EXPECT_LT(1.4 * static_cast<double>(replay.stats().passes), static_cast<double>(replay.stats().tokens)) << draft_seconds;
      }
    }
  }
}

}  // namespace
}  // namespace foreword::engine
