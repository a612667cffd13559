// Several requests in one batch: who gets which rows, and that nobody's text depends on the others.

#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

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

TEST(GapLimit, LetsOnePassInAHundredTakeTooLong) {
  constexpr double kAlone = .03;
  std::mt19937 random(11);
  const auto share_of_late = [&](double mean, double spread) {
    GapLimit limit;
    EXPECT_FALSE(limit.known());
    EXPECT_DOUBLE_EQ(limit.seconds(kAlone), GapLimit::kStretch * kAlone) << "as expected, until it was seen";
    limit.observe_alone(kAlone);
    std::lognormal_distribution<double> error(std::log(mean), spread);
    int late = 0, n = 0;
    for (int i = 0; i < 4000; ++i) {
      const double seconds = limit.seconds(0) * error(random);
      limit.observe_beside(seconds);
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

TEST(GapLimit, IsNeverLessThanNobodyNotices) {
  GapLimit limit;
  limit.observe_alone(.001);
  EXPECT_DOUBLE_EQ(limit.seconds(0), kUnnoticedSeconds);
  for (int i = 0; i < 100; ++i) limit.observe_beside(1);
  const double least = limit.seconds(0);
  EXPECT_GT(least, .6 * kUnnoticedSeconds) << "the prompt goes on all the same";
  for (int i = 0; i < 1000; ++i) limit.observe_beside(.001);
  EXPECT_DOUBLE_EQ(limit.seconds(0), kUnnoticedSeconds) << "and what is over is forgotten";
}

/// A model of the 1b shape on two cores, as docs/decoding.md and docs/kv.md measured it: milliseconds by rows, and per row and token looked back at.
double two_cores(std::int64_t rows, double looked_back) {
  constexpr std::pair<double, double> kRows[] = {{1, 14.2}, {2, 14.6}, {4, 15.3}, {8, 17.1}, {16, 32}, {128, 251}};
  double rows_ms = 0;
  for (std::size_t i = 1; i < std::size(kRows) && rows_ms == 0; ++i) {
    const auto [n, ms] = kRows[i - 1];
    const auto [next, next_ms] = kRows[i];
    if (static_cast<double>(rows) <= next) rows_ms = ms + (static_cast<double>(rows) - n) * (next_ms - ms) / (next - n);
  }
  return 1e-3 * (rows_ms + .45e-3 * looked_back);
}

// What the scheduler decides by, on told times: both aims of docs/decoding.md hold whether the machine is steady, or late now and then.
TEST(GapLimit, ALongDocumentIsReadBesideAnAnswerThatNobodySeesStop) {
  for (const double spread : {.02, .08}) {
    std::mt19937 random(5);
    std::lognormal_distribution<double> error(0, spread);
    PassCost cost;
    for (const int n : {1, 2, 3, 4, 6, 8, 12, 16}) cost.rows().measure(n, two_cores(n, 0));
    GapLimit limit;
    const auto pass = [&](std::int64_t rows, double back) {
      const double seconds = two_cores(rows, back) * error(random);
      cost.observe(rows, back, seconds);
      return seconds;
    };
    std::vector<double> alone, beside;
    for (int i = 0; i < 200; ++i) {
      alone.push_back(pass(1, 20 + i));
      limit.observe_alone(alone.back());
    }
    double reading = 0;
    std::int64_t depth = 0, written = 220;
    for (; depth < 4000; ++written) {
      const auto back = static_cast<double>(written);
      const std::int64_t n = rows_that_fit(cost, 1, back, depth, 4000 - depth, limit.seconds(0));
      beside.push_back(pass(1 + n, back + static_cast<double>(n) * (static_cast<double>(depth) + static_cast<double>(n) / 2)));
      limit.observe_beside(beside.back());
      reading += beside.back();
      depth += n;
    }
    double solo = 0;
    for (int at = 0; at < 4000; at += 128) solo += two_cores(128, 128. * (at + 64));
    std::ranges::sort(alone);
    std::ranges::sort(beside);
    const double p99 = beside[static_cast<std::size_t>(.99 * static_cast<double>(beside.size()))] / alone[alone.size() / 2];
    EXPECT_LT(p99, 2.0) << "spread " << spread;
    EXPECT_GT(solo / reading, .4) << "spread " << spread;
    RecordProperty("p99_" + std::to_string(spread), std::to_string(p99));
    RecordProperty("share_" + std::to_string(spread), std::to_string(solo / reading));
  }
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
      n = wanted_.roots > 0 ? wanted_.roots : std::min(given.rows, wanted_.unread);
      for (std::int64_t i = 0; i < n; ++i) batch.add(5, sequence_, static_cast<std::int32_t>(i) - 1 < 0 ? -1 : static_cast<std::int32_t>(batch.size() - 1), i + 1 == n);
    }
    void take(std::int64_t, const LogitRow&) override { ++n_taken; }
    void end_step(const Pass& done) override {
      pass = done;
      EXPECT_TRUE(cache_->commit(sequence_, n));
    }
    Room room;
    Pass pass;
    std::int64_t n = 0;
    int n_taken = 0;

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
  Scheduler scheduler_{model_->forward()};
};

TEST_F(SchedulerTest, APromptIsReadBesideAnAnswerInChunksThatNobodyNotices) {
  Asker answer(model_->cache(), {.roots = 1, .depth = 100}), document(model_->cache(), {.unread = 500});
  step({&answer, &document});
  EXPECT_EQ(answer.n, 1);
  EXPECT_EQ(document.n, 3) << "1 + .15 (rows - 1) may be 1.5";
  EXPECT_EQ(answer.n_taken, 1);
  EXPECT_EQ(answer.pass.rows, 1 + document.n);
  EXPECT_EQ(answer.pass.seconds, 0) << "says nothing of drafts";
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

/// Runs requests together, gives passes up at random, and sends texts away for want of room at random.
class Together {
 public:
  explicit Together(LoadedModel& model) : model_(model), scheduler_(model.forward()) {}

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

 private:
  LoadedModel& model_;
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
    for (const Generate& request : requests) {
      forget(*alone);
      one_by_one.merge(Together(*alone).run({request}, seed, false));
    }
    // Which of its pages have closed depends on how far a text once went, so no text finds another one's.
    forget(*shared);
    EXPECT_EQ(Together(*shared).run(requests, seed, seed % 2 == 0 && !gpu::info(GetParam().k).scaled), one_by_one);
  }
}
INSTANTIATE_TEST_SUITE_P(Kv, Texts, testing::Values(gpu::KvEncoding{}, gpu::KvEncoding{gpu::KvFormat::q8, gpu::KvFormat::q4h}));

}  // namespace
}  // namespace foreword::engine
