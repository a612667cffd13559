// Several requests in one batch: who gets which rows, and that nobody's text depends on the others.

#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "engine/answer_writer.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

std::filesystem::path model_path() { return test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf"; }

std::unique_ptr<LoadedModel> load(gpu::KvEncoding kv, std::int64_t context = 1024) {
  ModelOptions options;
  options.context = context;
  options.n_threads = 2;
  options.kv = kv;
  return std::move(LoadedModel::open(model_path(), options)).value();
}

std::string words(int from, int n) {
  std::string text;
  for (int i = from; i < from + n; ++i) text += "word " + std::to_string(i) + ", ";
  return text;
}

// ---- What a pass costs -----------------------------------------------------------------------------------------------

/// A device whose passes take this long: in seconds of one row.
double device(std::int64_t rows, double looked_back) { return .012 * (1 + .15 * static_cast<double>(rows - 1)) + 2e-6 * looked_back; }

TEST(PassCost, LearnsFromThePassesAloneWhatRowsAndDepthCost) {
  std::mt19937 random(7);
  PassCost cost;
  for (int i = 0; i < 400; ++i) {
    const std::int64_t rows = 1 + i % 12;
    const double back = static_cast<double>(rows) * 10 * i;  // a text that grows
    const double noise = i % 20 == 0 ? 3 : .97 + .0006 * static_cast<double>(random() % 100);
    cost.observe(rows, back, device(rows, back) * noise);
  }
  for (const std::int64_t rows : {1, 4, 8, 12}) {
    for (const double depth : {0., 1000., 3500.}) {
      const double back = static_cast<double>(rows) * depth;
      // The beginning of the text is long ago.
      EXPECT_NEAR(cost.seconds(rows, back) / device(rows, back), 1, depth == 0 ? .25 : .12) << rows << " rows behind " << depth;
    }
  }
}

TEST(PassCost, FitsAsManyRowsAsThereIsTimeForAndFewerWhereTheyAreDeep) {
  PassCost cost;
  for (const int n : {1, 2, 4, 8, 16, 32}) cost.rows().measure(n, device(n, 0));
  for (int i = 0; i < 300; ++i) cost.observe(4, 4. * 3000, device(4, 4. * 3000));
  const double limit = 1.7 * device(1, 0);
  const std::int64_t shallow = rows_that_fit(cost, 1, 0, 0, 128, limit), deep = rows_that_fit(cost, 1, 0, 3000, 128, limit);
  EXPECT_LE(cost.seconds(1 + shallow, static_cast<double>(shallow * shallow) / 2), limit);
  EXPECT_GT(cost.seconds(2 + shallow, static_cast<double>(shallow * shallow) / 2), limit * .99);
  EXPECT_GT(shallow, deep);
  EXPECT_EQ(rows_that_fit(cost, 1, 0, 0, 2, limit), 2) << "no more than there are";
  EXPECT_EQ(rows_that_fit(cost, 1, 0, 1'000'000, 128, limit), 1) << "one goes on always";
  EXPECT_EQ(rows_that_fit(PassCost(), 1, 0, 0, 128, limit), 1) << "nothing is known yet";
}

TEST(GapLimit, FollowsWhenWritingItselfComesToTakeMuchLonger) {
  constexpr double kAlone = .02;
  GapLimit limit, interrupted;
  for (GapLimit* each : {&limit, &interrupted}) each->observe_alone(kAlone, 0);
  for (int i = 0; i < 300; ++i) {
    limit.observe_own(1.5 * kAlone, 0);
    interrupted.observe_own(i % 30 == 0 ? 3 * kAlone : kAlone, 0);
  }
  EXPECT_GT(limit.alone(), 1.4 * kAlone);
  EXPECT_DOUBLE_EQ(interrupted.alone(), kAlone);
}

TEST(GapLimit, LetsOnePassInAHundredTakeTooLong) {
  constexpr double kAlone = .03;
  std::mt19937 random(11);
  const auto share_of_late = [&](double mean, double spread) {
    GapLimit limit;
    EXPECT_FALSE(limit.known());
    EXPECT_DOUBLE_EQ(limit.seconds(kAlone), GapLimit::kStretch * kAlone) << "as expected, until it was seen";
    limit.observe_alone(kAlone, 0);
    std::lognormal_distribution<double> error(std::log(mean), spread);
    int late = 0, n = 0;
    for (int i = 0; i < 4000; ++i) {
      const double seconds = limit.seconds(0) * error(random);
      limit.observe_beside(seconds, 0);
      if (i < 200) continue;
      late += seconds > GapLimit::kTolerated * kAlone ? 1 : 0;
      ++n;
    }
    return static_cast<double>(late) / n;
  };
  EXPECT_EQ(share_of_late(1, .02), 0) << "what is expected happens";
  EXPECT_LT(share_of_late(1.2, .1), .015) << "a fifth is forgotten";
  EXPECT_LT(share_of_late(1, .2), .015) << "a machine that is interrupted";
}

// A step that takes longer because the text has become longer is no step that takes too long, nor one of a machine that has become slower.
TEST(GapLimit, GrowsWithTheTextThatIsWritten) {
  constexpr double kAlone = .03;
  GapLimit limit;
  limit.observe_alone(kAlone, .028);
  EXPECT_DOUBLE_EQ(limit.seconds(.028), GapLimit::kStretch * kAlone);
  for (int i = 0; i <= 500; ++i) {
    const double longer = 1 + i / 1000.;
    EXPECT_NEAR(limit.seconds(.028 * longer), GapLimit::kStretch * kAlone * longer, 1e-9);
    limit.observe_own(kAlone * longer, .028 * longer);
    limit.observe_beside(1.9 * kAlone * longer, .028 * longer);
  }
  EXPECT_DOUBLE_EQ(limit.alone(), kAlone) << "of the step that was alone";
  for (int i = 0; i < 30; ++i) limit.observe_alone(1.5 * kAlone, 1.5 * .028);
  EXPECT_NEAR(limit.alone(), 1.5 * kAlone, 1e-9);
  EXPECT_NEAR(limit.seconds(.028), GapLimit::kStretch * kAlone, 1e-9) << "and another text, that has just begun";
}

TEST(GapLimit, IsNeverLessThanNobodyNotices) {
  GapLimit limit;
  limit.observe_alone(.001, 0);
  EXPECT_DOUBLE_EQ(limit.seconds(0), kUnnoticedSeconds);
  for (int i = 0; i < 100; ++i) limit.observe_beside(1, 0);
  EXPECT_GT(limit.seconds(0), .6 * kUnnoticedSeconds) << "the prompt goes on all the same";
  for (int i = 0; i < 1000; ++i) limit.observe_beside(.001, 0);
  EXPECT_DOUBLE_EQ(limit.seconds(0), kUnnoticedSeconds) << "and what is over is forgotten";
}

TEST(LayerCost, KnowsOtherNumbersOfRowsByThoseThatWereMeasured) {
  LayerCost cost;
  EXPECT_FALSE(cost.known());
  EXPECT_EQ(cost.seconds(8, 1000), 0);
  for (int i = 0; i < 10; ++i) cost.observe(8, 0, .002);
  EXPECT_TRUE(cost.measured(8));
  EXPECT_FALSE(cost.measured(7));
  EXPECT_FALSE(cost.measured(9)) << "no number that is tried";
  EXPECT_DOUBLE_EQ(cost.seconds(5, 0), .002) << "rather too much";
  EXPECT_DOUBLE_EQ(cost.seconds(16, 0), .004) << "in proportion";
  for (int i = 0; i < 10; ++i) cost.observe(16, 0, .003);
  EXPECT_NEAR(cost.seconds(12, 0), .0025, 1e-5) << "between them";
  for (int i = 0; i < 200; ++i) cost.observe(16, 0, .005);
  EXPECT_NEAR(cost.seconds(16, 0), .005, 1e-4);
  EXPECT_GT(cost.seconds(8, 0), .002) << "a machine that has become slower is so for all";
  for (int i = 0; i < 5; ++i) cost.observe(4, 0, .02);
  EXPECT_LE(cost.seconds(4, 0), cost.seconds(8, 0)) << "fewer rows take no more";
}

TEST(LayerCost, TellsWhatAttentionTakesFromTheRest) {
  const auto layer = [](std::int64_t rows, std::int64_t depth) { return 1e-4 * static_cast<double>(rows) + static_cast<double>(depth) * (3e-8 * static_cast<double>(rows) + 1.5e-7); };
  std::mt19937 random(3);
  std::lognormal_distribution<double> error(0, .03);
  LayerCost cost;
  std::int64_t depth = 0;
  for (int chunk = 0; depth < 4000; ++chunk) {
    const std::int64_t rows = std::array{4, 8, 12}[static_cast<std::size_t>(chunk) % 3];
    for (int i = 0; i < 16; ++i) cost.observe(rows, depth, layer(rows, depth) * error(random));
    depth += rows;
  }
  for (const std::int64_t rows : {4, 6, 8, 10, 12, 24}) EXPECT_NEAR(cost.seconds(rows, depth) / layer(rows, depth), 1, .12) << rows;
  for (const std::int64_t rows : {4, 8, 12}) EXPECT_NEAR(cost.seconds(rows, 0) / layer(rows, 0), 1, .4) << rows << " rows of the next document";
}

TEST(LayerCost, FirstBelievesTheMiddleOnesAndThenNotOneThatWasInterrupted) {
  LayerCost cost;
  for (const double seconds : {.01, .002, .0021, .02, .002}) cost.observe(8, 0, seconds);
  EXPECT_DOUBLE_EQ(cost.seconds(8, 0), .0021);
  cost.observe(8, 0, .1);
  EXPECT_LT(cost.seconds(8, 0), .0023);
}

RideCost ride_cost(double along, double alone, std::span<const std::int64_t> rows) {
  RideCost cost;
  for (const std::int64_t n : rows) {
    cost.along.observe(n, 0, along * static_cast<double>(n));
    cost.alone.observe(n, 0, std::max(.001, alone * static_cast<double>(n)));  // the weights take a millisecond
  }
  return cost;
}

TEST(RideCost, ChoosesFewRowsWhereEachCostsAndManyWhereTheWeightsDo) {
  const RideCost::Time time{.016, .030, .003, 16, .8};
  const auto all = std::span(LayerCost::kRows);
  std::int64_t last = 200;
  for (const double per_row : {1e-6, 1e-5, 5e-5, 2e-4}) {
    RideCost cost;
    for (const std::int64_t n : all) {
      cost.along.observe(n, 0, per_row * static_cast<double>(n));
      cost.alone.observe(n, 0, std::max(.001, per_row * static_cast<double>(n)));
    }
    const std::int64_t rows = cost.best_rows(time, 127);
    EXPECT_LE(rows, last) << per_row;
    EXPECT_GT(cost.rate(rows, time), 0);
    for (const std::int64_t n : all) EXPECT_GE(cost.rate(rows, time), cost.rate(n, time)) << per_row << ", " << n;
    last = rows;
  }
  EXPECT_LT(last, 64);
  EXPECT_EQ(ride_cost(1e-6, 1e-6, all).best_rows(time, 127), 120);
  EXPECT_LE(ride_cost(1e-6, 1e-6, all).best_rows(time, 20), 20) << "no more than there is room for";
}

TEST(RideCost, TriesWhatItDoesNotKnowIfALayerOfItFits) {
  const RideCost::Time time{.016, .030, .003, 16, .8};
  const auto all = std::span(LayerCost::kRows);
  EXPECT_EQ(RideCost().best_rows(time, 127), 4);
  EXPECT_EQ(ride_cost(.001, .001, all.first(3)).best_rows(time, 127), 8) << "two to four are known";
  const std::int64_t known = ride_cost(.001, .001, all.first(7)).best_rows(time, 127);
  EXPECT_LE(known, 8) << "sixteen rows would not fit";
  EXPECT_EQ(RideCost().best_rows({.016, .010, .003, 16, .8}, 127), 4) << "even where there is no time at all, a layer goes on";
  EXPECT_EQ(RideCost().best_rows(time, 2), 2);
}

TEST(RideCost, NowAndThenLooksAtAnotherThatPromisesNearlyAsMuchAndNeverAtOneThatDoesNot) {
  const RideCost::Time time{.016, .030, .003, 16, .8};
  RideCost cost = ride_cost(2e-4, 2e-4, LayerCost::kRows);
  const std::int64_t best = cost.best_rows(time, 127);
  std::map<std::int64_t, int> chosen;
  for (int i = 0; i < 1200; ++i) ++chosen[cost.choose_rows(time, 127)];
  EXPECT_GT(chosen[best], 1000);
  EXPECT_GT(chosen.size(), 1U);
  for (const auto& [rows, n] : chosen) EXPECT_GE(cost.rate(rows, time), .8 * cost.rate(best, time)) << rows;
}

// ---- Who gets rows ---------------------------------------------------------------------------------------------------

class SchedulerTest : public testing::Test {
 protected:
  /// Asks for rows of its own sequence and notes what it was given.
  class Asker final : public Work {
   public:
    Asker(KvCache& cache, Need wanted) : cache_(&cache), wanted_(wanted), sequence_(cache.add_sequence()) {}
    Need need() const override { return wanted_; }
    void add_rows(Batch& batch, const Room& given) override {
      room = given;
      ++n_asked;
      n = wanted_.roots > 0 ? wanted_.roots : std::min(given.rows, wanted_.unread);
      for (std::int64_t i = 0; i < n; ++i) batch.add(5, sequence_, static_cast<std::int32_t>(i) - 1 < 0 ? -1 : static_cast<std::int32_t>(batch.size() - 1), i + 1 == n);
    }
    void take(std::int64_t, const LogitRow&) override { ++n_taken; }
    void end_step(const Pass& done) override {
      pass = done;
      EXPECT_TRUE(cache_->commit(sequence_, n));
      if (wanted_.roots > 0) return;
      n_read += n;
      wanted_.unread -= n;
    }
    Room room;
    Pass pass;
    std::int64_t n = 0, n_read = 0;
    int n_taken = 0, n_asked = 0;

   private:
    KvCache* cache_;
    Need wanted_;
    SequenceId sequence_;
  };

  SchedulerTest() {
    for (const int n : {1, 2, 4, 8, 16, 32}) scheduler_.cost().rows().measure(n, .1 * (1 + .15 * (n - 1)));
  }
  void step(std::initializer_list<Work*> works) { ASSERT_TRUE(scheduler_.step(std::vector<Work*>(works), {})); }

  std::unique_ptr<LoadedModel> model_ = load({});
  double time_ = 0, look_ = .001;  // seconds; what passes before each look at the clock
  Scheduler scheduler_{model_->forward(), [this] { return time_ += look_; }};
};

TEST_F(SchedulerTest, APromptIsReadBesideAnAnswerForAsLongAsNobodyNotices) {
  Asker answer(model_->cache(), {.roots = 1, .depth = 100}), document(model_->cache(), {.unread = 500});
  look_ = .1;  // seconds that pass before each look at the clock
  step({&answer});
  const double alone = time_;
  EXPECT_GT(answer.pass.seconds, 0);
  for (int i = 0; i < 40; ++i) {
    const double begin = time_;
    step({&answer, &document});
    // A layer always goes on, and the clock is looked at some times more.
    EXPECT_LT(time_ - begin, GapLimit::kStretch * alone + 6 * look_) << i;
    EXPECT_EQ(answer.pass.seconds, 0) << "says nothing of drafts";
  }
  EXPECT_EQ(answer.n_taken, 41);
  EXPECT_GT(document.n_read, 0);
  EXPECT_LT(document.n_read, 500);
}

TEST_F(SchedulerTest, WhatWasBegunBesideAnAnswerIsReadToItsEndBehindIt) {
  Asker answer(model_->cache(), {.roots = 1}), document(model_->cache(), {.unread = 500});
  look_ = 1;
  step({&answer});
  while (document.n_asked == 0) step({&answer, &document});
  ASSERT_EQ(document.n_read, 0) << "the rows have gone through some of the layers";
  step({&document});
  EXPECT_EQ(document.n_asked, 1);
  EXPECT_EQ(document.n_read, document.n);
  step({&document});
  EXPECT_EQ(document.n, model_->forward().max_rows()) << "and on in large pieces";
}

TEST_F(SchedulerTest, WhatWasBegunForATextThatIsGoneIsForgotten) {
  Asker answer(model_->cache(), {.roots = 1}), document(model_->cache(), {.unread = 500}), other(model_->cache(), {.unread = 30});
  look_ = 1;
  step({&answer});
  while (document.n_asked == 0) step({&answer, &document});
  for (int i = 0; i < 200 && other.n_read < 30; ++i) step({&answer, &other});
  EXPECT_EQ(other.n_read, 30);
  EXPECT_EQ(document.n_read, 0);
}

TEST_F(SchedulerTest, AloneAPromptIsReadInLargePieces) {
  Asker document(model_->cache(), {.unread = 500});
  step({&document});
  EXPECT_EQ(document.n, model_->forward().max_rows());
}

TEST_F(SchedulerTest, AShortPromptGoesBeforeALongOne) {
  Asker document(model_->cache(), {.unread = 500}), question(model_->cache(), {.unread = 20});
  step({&document, &question});
  EXPECT_EQ(question.n, 20);
  EXPECT_EQ(document.n, model_->forward().max_rows() - 20) << "in the same pass";
}

TEST_F(SchedulerTest, WhatRunsInTheBackgroundWaits) {
  Asker title(model_->cache(), {.urgency = Urgency::background, .roots = 1}), answer(model_->cache(), {.roots = 1});
  step({&title, &answer});
  EXPECT_EQ(title.n, 0);
  EXPECT_EQ(answer.n, 1);
  step({&title});
  EXPECT_EQ(title.n, 1);
}

TEST_F(SchedulerTest, SuggestionRowsCanShareAPassWithAnAnswerAndItsDraftsAreToldOfThem) {
  Asker suggestion(model_->cache(), {.urgency = Urgency::typing, .roots = 5}), answer(model_->cache(), {.roots = 1}), other(model_->cache(), {.roots = 1});
  step({&suggestion, &answer, &other});
  EXPECT_EQ(answer.room.beside.rows, 6);
  EXPECT_EQ(answer.room.beside.value, 6);
  EXPECT_EQ(answer.room.rows, model_->forward().max_rows() - 6) << "nobody waits to be read";
  EXPECT_EQ(suggestion.n_taken, 1);
  EXPECT_GT(answer.pass.seconds, 0);
}

TEST_F(SchedulerTest, APassThatIsGivenUpChangesNothing) {
  Asker answer(model_->cache(), {.roots = 1});
  Work* works[] = {&answer};
  int n_asked = 0;
  const auto result = scheduler_.step(works, [&] { return ++n_asked < 2; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);
  EXPECT_EQ(n_asked, 2) << "between two layers";
  EXPECT_EQ(answer.n_taken, 0);
  step({&answer});
  EXPECT_EQ(answer.n_taken, 1);
}

// ---- Texts -----------------------------------------------------------------------------------------------------------

/// Runs requests together, on a clock that tells anything, gives passes up at random, and sends texts away for want of room at random.
class Together {
 public:
  Together(LoadedModel& model, unsigned seed) : model_(model), clock_(seed), scheduler_(model.forward(), [this] { return time_ += std::exponential_distribution<double>(1000)(clock_); }) {}

  std::map<std::uint64_t, std::vector<TokenId>> run(std::vector<Generate> requests, unsigned seed, bool disturbed) {
    std::mt19937 random(seed);
    std::map<std::uint64_t, std::vector<TokenId>> ids;
    std::list<AnswerWriter> writers;
    for (const Generate& request : requests) {
      writers.emplace_back(model_, request, std::chrono::steady_clock::now(), [&](Event event) {
        if (const auto* piece = std::get_if<TextPiece>(&event)) ids[piece->id].insert(ids[piece->id].end(), piece->ids.begin(), piece->ids.end());
        EXPECT_FALSE(std::holds_alternative<GenerationFailed>(event));
      });
      EXPECT_TRUE(writers.back().encode({}));
    }
    while (!writers.empty()) {
      std::vector<Work*> works;
      for (AnswerWriter& writer : writers) {
        if (!writer.is_open() && (!disturbed || random() % 3 == 0)) writer.open(nullptr);
        else if (disturbed && random() % 40 == 0) writer.close();
        if (writer.is_open()) works.push_back(&writer);
      }
      const int patience = disturbed && random() % 4 == 0 ? 1 : 1000;
      int n_asked = 0;
      scheduler_.cost() = {};  // unknown: every pass may be given up
      const auto result = scheduler_.step(works, [&] { return ++n_asked < patience; });
      EXPECT_TRUE(result || result.error().code == ErrorCode::cancelled);
      writers.remove_if([](const AnswerWriter& writer) { return writer.done(); });
    }
    return ids;
  }

  /// The keys and values of a request's text.
  std::vector<std::byte> pages(const Generate& request) {
    std::vector<std::byte> all;
    KvCache& cache = model_.cache();
    for (const PrefixTree::Text& text : model_.texts().texts()) {
      if (text.owner != request.chat) continue;
      const std::int64_t length = cache.length(text.sequence);
      for (std::int64_t at = 0; at < length; at += gpu::kPageSlots) {
        const std::int32_t block = cache.blocks(text.sequence)[static_cast<std::size_t>(at / gpu::kPageSlots)];
        const std::int64_t n = std::min(length - at, gpu::kPageSlots);
        std::vector<std::byte> page(static_cast<std::size_t>(cache.page_bytes(cache.encoding_of(block), n)));
        EXPECT_TRUE(cache.read_page(block, n, page));
        all.insert(all.end(), page.begin(), page.end());
      }
    }
    return all;
  }

 private:
  LoadedModel& model_;
  std::mt19937 clock_;
  double time_ = 0;
  Scheduler scheduler_;
};

std::vector<Generate> some_requests(std::mt19937& random) {
  std::vector<Generate> requests;
  for (std::uint64_t id = 1; id <= 4; ++id) {
    Generate request;
    request.id = id;
    request.prompt = words(static_cast<int>(random() % 1000), 2 + static_cast<int>(random() % 40));
    request.max_tokens = 10 + static_cast<std::int64_t>(random() % 90);
    request.sampling.seed = random();
    request.sampling.temperature = id % 2 == 0 ? 0 : 1;
    request.chat = static_cast<TextOwner>(id);
    requests.push_back(request);
  }
  return requests;
}

class Texts : public testing::TestWithParam<gpu::KvEncoding> {};

TEST_P(Texts, AreWhatTheyWouldBeAlone) {
  const auto alone = load(GetParam()), shared = load(GetParam(), 4096);
  const auto forget = [](LoadedModel& model) {
    for (TextOwner owner = 1; owner <= 4; ++owner) model.texts().forget(owner);
  };
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto requests = some_requests(random);
    std::map<std::uint64_t, std::vector<TokenId>> one_by_one;
    std::map<std::uint64_t, std::vector<std::byte>> pages;
    for (const Generate& request : requests) {
      forget(*alone);
      Together one(*alone, seed);
      one_by_one.merge(one.run({request}, seed, false));
      pages[request.id] = one.pages(request);
    }
    // Which of its pages have closed depends on how far a text once went, so no text finds another one's.
    forget(*shared);
    const bool disturbed = seed % 2 == 0 && !gpu::info(GetParam().k).scaled;
    Together together(*shared, seed);
    EXPECT_EQ(together.run(requests, seed, disturbed), one_by_one);
    for (const Generate& request : requests) EXPECT_TRUE(together.pages(request) == pages[request.id]) << request.id;
  }
}
// Requests come, stop between any two layers, make room for others and give their places to new ones.
TEST_P(Texts, AreAsAloneWhoeverComesAndGoes) {
  const auto alone = load(GetParam()), shared = load(GetParam(), 4096);
  const std::int64_t free = shared->cache().n_free_blocks();
  const bool exact = !gpu::info(GetParam().k).scaled;
  std::size_t n_stopped = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed), clock(seed);
    std::vector<Generate> requests = some_requests(random);
    for (Generate& more : some_requests(random)) {
      more.id += 4;
      more.chat += 4;
      requests.push_back(std::move(more));
    }
    double time = 0;
    Scheduler scheduler(shared->forward(), [&] { return time += std::exponential_distribution<double>(1000)(clock); });
    std::map<std::uint64_t, std::vector<TokenId>> ids;
    std::set<std::uint64_t> stopped;
    std::list<AnswerWriter> writers;
    std::size_t next = 0;
    while (next < requests.size() || !writers.empty()) {
      if (next < requests.size() && writers.size() < 4 && random() % 8 == 0) {
        writers.emplace_back(*shared, requests[next++], std::chrono::steady_clock::now(), [&](Event event) {
          if (const auto* piece = std::get_if<TextPiece>(&event)) ids[piece->id].insert(ids[piece->id].end(), piece->ids.begin(), piece->ids.end());
          EXPECT_FALSE(std::holds_alternative<GenerationFailed>(event));
        });
        ASSERT_TRUE(writers.back().encode({}));
      }
      std::vector<Work*> works;
      for (AnswerWriter& writer : writers) {
        if (!writer.is_open()) writer.open(nullptr);
        else if (exact && random() % 40 == 0) writer.close();
        if (writer.is_open()) works.push_back(&writer);
        if (random() % 150 != 0) continue;
        stopped.insert(writer.request().id);
        if (writer.is_open()) works.pop_back();
        writer.stop();
      }
      int left = static_cast<int>(random() % 30);
      if (random() % 2 == 0) scheduler.cost() = {};
      const auto result = scheduler.step(works, [&] { return left-- > 0; });
      ASSERT_TRUE(result || result.error().code == ErrorCode::cancelled);
      writers.remove_if([](const AnswerWriter& writer) { return writer.done(); });
    }
    n_stopped += stopped.size();
    for (const Generate& request : requests) {
      alone->texts().forget(request.chat);
      std::vector<TokenId> expected = Together(*alone, seed).run({request}, seed, false)[request.id];
      if (stopped.contains(request.id)) expected.resize(std::min(expected.size(), ids[request.id].size()));
      EXPECT_EQ(ids[request.id], expected) << request.id << (stopped.contains(request.id) ? ", as far as it came" : "");
      shared->texts().forget(request.chat);
    }
    EXPECT_EQ(shared->cache().n_free_blocks(), free) << "nobody holds a page any more";
  }
  EXPECT_GT(n_stopped, 4U);
}
INSTANTIATE_TEST_SUITE_P(Kv, Texts, testing::Values(gpu::KvEncoding{}, gpu::KvEncoding{gpu::KvFormat::q8, gpu::KvFormat::q4h}));

/// Does not hear of every third step, as where the device fails when some of a pass's logits have been handed out.
class Unlucky final : public Work {
 public:
  explicit Unlucky(Work& work) : work_(work) {}
  Need need() const override { return work_.need(); }
  void add_rows(Batch& batch, const Room& room) override { work_.add_rows(batch, room); }
  void take(std::int64_t row, const LogitRow& logits) override { work_.take(row, logits); }
  void end_step(const Pass& pass) override {
    failed = ++n_steps % 3 == 0;
    if (!failed) work_.end_step(pass);
  }
  int n_steps = 0;
  bool failed = false;

 private:
  Work& work_;
};

TEST(AnAnswer, LosesNothingWhereAPassFailsAfterTokensWereChosen) {
  const auto model = load({});
  Generate request;
  request.id = 1;
  request.prompt = words(0, 30);
  request.sampling.temperature = 1.2F;
  request.max_tokens = 30;
  const std::vector<TokenId> expected = Together(*model, 1).run({request}, 1, false)[1];
  ASSERT_EQ(expected.size(), 30U);
  for (const bool moves : {false, true}) {
    SCOPED_TRACE(moves ? "the text is given back and taken up again" : "the pass is repeated");
    std::vector<TokenId> ids;
    AnswerWriter writer(*model, request, std::chrono::steady_clock::now(), [&](Event event) {
      if (const auto* piece = std::get_if<TextPiece>(&event)) ids.insert(ids.end(), piece->ids.begin(), piece->ids.end());
    });
    ASSERT_TRUE(writer.encode({}));
    writer.open(nullptr);
    Scheduler scheduler(model->forward());
    Unlucky unlucky(writer);
    Work* works[] = {&unlucky};
    while (!writer.done()) {
      ASSERT_TRUE(scheduler.step(works, {}));
      if (!moves || !unlucky.failed) continue;
      writer.close();
      writer.open(nullptr);
    }
    EXPECT_EQ(ids, expected);
    EXPECT_GT(unlucky.n_steps, 40);
  }
}

}  // namespace
}  // namespace foreword::engine
