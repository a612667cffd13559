// What drafting costs beside a pass: following a text, proposing, reading rows. Times of the processor, one thread.

#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <random>

#include "engine/speculative/context_copy.h"
#include "engine/speculative/recycling.h"
#include "engine/speculative/top_tokens.h"
#include "engine/speculative/trigram.h"

namespace foreword::engine {
namespace {

constexpr std::int32_t kVocabulary = 128000;

/// Words as frequent as in prose, with whole passages that come again.
std::vector<std::int32_t> prose(std::size_t n) {
  std::mt19937 random(1);
  std::vector<std::int32_t> text;
  while (text.size() < n) {
    if (text.size() > 1000 && random() % 100 == 0) {
      const std::size_t from = random() % (text.size() - 50);
      for (std::size_t i = 0; i < 40; ++i) text.push_back(text[from + i]);
    }
    text.push_back(static_cast<std::int32_t>(std::pow(30000.0, static_cast<double>(random() % 100000) / 100000)));
  }
  text.resize(n);
  return text;
}

template <class Make>
void follow(benchmark::State& state, Make make) {
  const auto text = prose(static_cast<std::size_t>(state.range(0)));
  std::int64_t bytes = 0;
  for (auto _ : state) {
    auto drafter = make();
    drafter->follow(text, 0);
    bytes = drafter->bytes();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["MB"] = static_cast<double>(bytes) / 1e6;
}
void copy_follows(benchmark::State& state) { follow(state, [] { return std::make_unique<ContextCopy>(); }); }
void trigram_follows(benchmark::State& state) { follow(state, [] { return std::make_unique<Trigram>(); }); }
BENCHMARK(copy_follows)->Arg(2000)->Arg(32000)->Unit(benchmark::kMillisecond);
BENCHMARK(trigram_follows)->Arg(32000)->Unit(benchmark::kMillisecond);

void propose(benchmark::State& state, Drafter& drafter) {
  const auto text = prose(8000);
  drafter.follow(text, 0);
  std::vector<Candidate> best;
  std::mt19937 random(2);
  for (std::int32_t token = 0; token < 30000; ++token) {
    best.clear();
    for (int i = 0; i < kBestOfRow; ++i) best.push_back({-std::log(static_cast<float>(i + 1)), static_cast<std::int32_t>(random() % 30000)});
    drafter.observe(token, true, best);
  }
  const Calibration calibration({.5F});
  DraftTree tree;
  for (auto _ : state) {
    tree.clear(text.back());
    drafter.propose({.temperature = .8F, .index = 8000, .max_nodes = static_cast<int>(state.range(0))}, 0, calibration, tree);
    tree.weigh();
    tree.trim(static_cast<std::int32_t>(state.range(0)));
  }
  state.counters["nodes"] = tree.n_drafted();
}
void copy_proposes(benchmark::State& state) {
  ContextCopy copy;
  propose(state, copy);
}
void recycling_proposes(benchmark::State& state) {
  Recycling recycling(kVocabulary);
  propose(state, recycling);
  state.counters["MB"] = static_cast<double>(recycling.bytes()) / 1e6;
}
BENCHMARK(copy_proposes)->Arg(16)->Unit(benchmark::kMicrosecond);
BENCHMARK(recycling_proposes)->Arg(4)->Arg(16)->Arg(64)->Unit(benchmark::kMicrosecond);

/// Rows of logits, so many that nothing learns them by heart.
std::vector<std::vector<float>> rows_of_logits(std::int64_t n) {
  std::mt19937 random(3);
  std::normal_distribution<float> logit(0, 3);
  std::vector<std::vector<float>> rows(64, std::vector<float>(static_cast<std::size_t>(n)));
  for (auto& row : rows) {
    for (float& x : row) x = logit(random);
  }
  return rows;
}

void best_of_a_row(benchmark::State& state) {
  const auto rows = rows_of_logits(state.range(0));
  LargeLogits large;
  std::vector<Guess> best;
  std::size_t i = 0;
  for (auto _ : state) top_tokens(rows[i++ % rows.size()], kBestOfRow, large, best);
}
BENCHMARK(best_of_a_row)->Arg(8192)->Arg(32000)->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);

void walk_a_step(benchmark::State& state, const SamplingParams& params) {
  const auto rows = rows_of_logits(state.range(0));
  Sampler sampler(params);
  const DraftTree tree(0);
  std::vector<std::int32_t> text;
  std::size_t i = 0;
  for (auto _ : state) {
    text.assign(1, 0);
    Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text, .index = static_cast<std::int64_t>(i)});
    walk.take(rows[i++ % rows.size()]);
  }
}
BENCHMARK_CAPTURE(walk_a_step, usual, {})->Arg(8192)->Arg(32000)->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(walk_a_step, no_top_k, {.top_k = 0})->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(walk_a_step, top_p_only, {.top_k = 0, .min_p = 0})->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(walk_a_step, min_p_only, {.top_k = 0, .top_p = 1})->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(walk_a_step, uncut, {.top_k = 0, .top_p = 1, .min_p = 0})->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);

/// A choice with a penalty on all of a text so long.
void penalise_a_text(benchmark::State& state) {
  const auto rows = rows_of_logits(kVocabulary);
  const auto text = prose(static_cast<std::size_t>(state.range(0)));
  Sampler sampler({.presence_penalty = .5F, .penalty_window = -1});
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sampler.distribution(rows[i++ % rows.size()], text, {}));
}
BENCHMARK(penalise_a_text)->Arg(64)->Arg(8000)->Arg(kVocabulary)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace foreword::engine

BENCHMARK_MAIN();
