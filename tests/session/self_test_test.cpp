#include "engine/self_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "engine/base/mailbox.h"
#include "engine/gguf/fingerprint.h"
#include "engine/self_draft.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

std::filesystem::path model_path() { return test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf"; }

/// A book in memory that counts what is asked of it.
struct MemoryBook final : KvBook {
  std::vector<KvCost> find(std::string_view fingerprint) override { return pages[std::string(fingerprint)]; }
  void keep(std::string_view fingerprint, const KvCost& cost) override {
    pages[std::string(fingerprint)].push_back(cost);
    if (kept) std::exchange(kept, {})();
  }
  std::vector<std::int32_t> find_skipped(std::string_view fingerprint) override { return skipped[std::string(fingerprint)]; }
  void keep_skipped(std::string_view fingerprint, const std::vector<std::int32_t>& layers) override {
    skipped[std::string(fingerprint)] = layers;
    ++n_chosen;
  }
  std::map<std::string, std::vector<KvCost>> pages;
  std::map<std::string, std::vector<std::int32_t>> skipped;
  int n_chosen = 0;
  std::function<void()> kept = {};  // called once, by whoever measured
};

ModelOptions options(std::shared_ptr<KvBook> book = nullptr, KvWish wish = KvMode::automatic) {
  ModelOptions options;
  options.context = 320;
  options.n_threads = 2;
  options.kv = wish;
  options.kv_book = std::move(book);
  return options;
}

std::vector<KvCost> run(SelfTest& test) {
  std::vector<KvCost> costs;
  while (!test.done()) {
    const auto cost = test.step();
    EXPECT_TRUE(cost) << cost.error().message;
    if (cost && *cost) costs.push_back(**cost);
  }
  return costs;
}

TEST(SelfTest, CoarserCostsMore) {
  const auto model = std::move(LoadedModel::open(model_path(), options())).value();
  SelfTest test(*model, {});
  const std::vector<KvCost> costs = run(test);
  ASSERT_EQ(costs.size(), 4U);
  EXPECT_EQ(name_of(costs[0].encoding), "q8");
  EXPECT_EQ(name_of(costs[3].encoding), "q2");
  for (std::size_t i = 1; i < costs.size(); ++i) EXPECT_GT(costs[i].mean_kl, costs[i - 1].mean_kl) << i;
  EXPECT_GT(costs[0].mean_kl, 0);
  EXPECT_LT(costs[0].mean_kl, 0.01);
  EXPECT_GT(costs[0].top1_agree, costs[3].top1_agree);
  EXPECT_EQ(model->cache().n_free_blocks(), 5) << "the model's own cache is not touched";
}

TEST(SelfTest, WhatIsKnownIsNotMeasuredAgain) {
  const auto model = std::move(LoadedModel::open(model_path(), options())).value();
  SelfTest whole(*model, {});
  std::vector<KvCost> costs = run(whole);
  const KvCost last = costs.back();
  costs.pop_back();
  SelfTest rest(*model, costs);
  const std::vector<KvCost> more = run(rest);
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].mean_kl, last.mean_kl) << "and a test in two parts finds the same";
  costs.push_back(last);
  EXPECT_TRUE(SelfTest(*model, costs).done());
}

TEST(SelfTest, TheTextIsLongEnoughForAModelOfWords) {
  EXPECT_GT(self_test_text().size(), 4.5 * SelfTest::kTokens);
}

TEST(SelfTest, TheLimitFollowsTheWeightFormat) {
  const auto eight = GgufFile::open(model_path());
  ASSERT_TRUE(eight);
  EXPECT_EQ(most_kv_cost(*eight), 0.001);
  FW_NEED_FIXTURES();
  const auto four = GgufFile::open(test::fixtures_dir() / "models" / "tiny256-Q4_0.gguf");
  ASSERT_TRUE(four);
  EXPECT_EQ(most_kv_cost(*four), 0.036);
}

TEST(Fingerprint, TellsModelsApart) {
  const auto bytes = test::read_bytes(model_path());
  const std::string own = fingerprint(*GgufFile::open(model_path()));
  EXPECT_EQ(own.size(), 32U);
  EXPECT_EQ(fingerprint(*GgufFile::parse(bytes, "another name")), own) << "the name is not part of it";
  for (const std::size_t place : {bytes.size() - 1, bytes.size() / 2}) {
    auto changed = bytes;
    changed[place] ^= std::byte{1};
    const auto file = GgufFile::parse(changed, "changed");
    if (file) { EXPECT_NE(fingerprint(*file), own) << place; }
  }
}

class IdleSessionTest : public testing::Test {
 protected:
  template <class T>
  T wait_for() {
    for (;;) {
      Event event = *outbox_.take();
      if (T* found = std::get_if<T>(&event)) return std::move(*found);
    }
  }
  Mailbox<Event> outbox_;
  Session session_{outbox_};
};

TEST_F(IdleSessionTest, AnIdleDeskMeasuresAndTheNextLoadingUsesIt) {
  const auto book = std::make_shared<MemoryBook>();
  session_.send(LoadModel{model_path(), options(book)});
  EXPECT_EQ(wait_for<ModelReady>().model.kv, "exact");
  for (std::size_t i = 1; i <= 4; ++i) {
    const auto modes = wait_for<KvMeasured>().modes;
    // exact, and after q8, k8v4, q4, q2 the modes that rest on them: fast, balanced, long, memory.
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(modes, true, &KvModeOffer::measured)), i + 1);
  }
  ASSERT_EQ(book->pages.size(), 1U);
  // A model that bears everything, as far as the book knows.
  for (KvCost& cost : book->pages.begin()->second) cost.mean_kl = 0;
  session_.send(LoadModel{model_path(), options(book)});
  const ModelSummary summary = wait_for<ModelReady>().model;
  EXPECT_EQ(summary.kv, "balanced");
  EXPECT_EQ(summary.kv_modes.size(), 5U);
  session_.send(LoadModel{model_path(), options(book, KvMode::memory)});
  EXPECT_EQ(wait_for<ModelReady>().model.kv, "memory");
  for (KvCost& cost : book->pages.begin()->second) cost.mean_kl = 9;
  session_.send(LoadModel{model_path(), options(book, KvMode::memory)});
  EXPECT_EQ(wait_for<ModelReady>().model.kv, "exact");
}

TEST_F(IdleSessionTest, AQuestionComesFirstAndTheTestGoesOnAfterIt) {
  const auto book = std::make_shared<MemoryBook>();
  Generate request;
  request.id = 7;
  request.prompt = "Once upon a time";
  request.max_tokens = 3;
  book->kept = [&] { session_.send(request); };  // it is at work
  session_.send(LoadModel{model_path(), options(book)});
  wait_for<ModelReady>();
  // The encoding that is finished just now is still told: the answer waits for one step, not for the test.
  int finished = 0;
  for (bool done = false; !done;) {
    const Event event = *outbox_.take();
    if (std::holds_alternative<KvMeasured>(event)) ++finished;
    done = std::holds_alternative<GenerationDone>(event);
  }
  EXPECT_EQ(finished, 1);
  for (; finished < 4; ++finished) wait_for<KvMeasured>();
  EXPECT_EQ(book->pages.begin()->second.size(), 4U);
}

TEST(SelfDraft, LayersAreChosenOnceAModel) {
  const auto book = std::make_shared<MemoryBook>();
  const auto opened = [&] {
    auto model = std::move(LoadedModel::open(model_path(), options(book))).value();
    int left = 100;
    return std::move(SelfDraft::open(*model, [&] { return left-- > 0; })).value()->skipped();
  };
  const auto chosen = opened();
  EXPECT_EQ(book->n_chosen, 1);
  ASSERT_EQ(book->skipped.size(), 1U);
  EXPECT_EQ(std::ranges::count(chosen, 1), std::ssize(book->skipped.begin()->second));
  EXPECT_GT(std::ranges::count(chosen, 1), 0) << "all layers are no draft";
  EXPECT_EQ(opened(), chosen);
  EXPECT_EQ(book->n_chosen, 1) << "not chosen again";

  // A book that cannot be of this model is not obeyed.
  std::vector<std::int32_t> all(chosen.size());
  std::iota(all.begin(), all.end(), 0);
  for (const std::vector<std::int32_t>& odd : {std::vector<std::int32_t>{-1}, {static_cast<std::int32_t>(chosen.size())}, all}) {
    book->skipped.begin()->second = odd;
    EXPECT_GT(std::ranges::count(opened(), 0), 0);
  }
  EXPECT_EQ(book->n_chosen, 4);
}

TEST(SelfDraft, NoPassBeginsBehindTheEndOfItsTime) {
  for (const int chains : {0, 1, 2, 5, 70}) {
    const auto model = std::move(LoadedModel::open(model_path(), options())).value();
    int left = chains, layers = 0, layers_in_time = 0;
    const auto in_time = [&] {
      if (left > 0) layers_in_time = layers;
      return left-- > 0;
    };
    const auto draft = SelfDraft::open(*model, in_time, [&] { return ++layers > 0; });
    ASSERT_TRUE(draft) << draft.error().message;
    const auto n_layers = model->model().config.n_layers;
    EXPECT_LE(layers, layers_in_time + 2 * n_layers) << "the chain under way ends, no other begins";
    EXPECT_EQ(layers > 0, chains > 0);
    EXPECT_GT(std::ranges::count((*draft)->skipped(), 1), 0) << "there is a choice in any case";
  }
}

TEST(SelfDraft, TheChoiceCanBeGivenUp) {
  const auto book = std::make_shared<MemoryBook>();
  const auto model = std::move(LoadedModel::open(model_path(), options(book))).value();
  int asked = 0;
  const auto draft = SelfDraft::open(*model, [] { return true; }, [&] { return ++asked < 40; });
  ASSERT_FALSE(draft);
  EXPECT_EQ(draft.error().code, ErrorCode::cancelled);
  EXPECT_EQ(asked, 40);
  EXPECT_EQ(book->n_chosen, 0) << "nothing is told of half a choice";
}

}  // namespace
}  // namespace foreword::engine
