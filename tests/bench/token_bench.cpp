// Where the time of a token goes where passes are short: passes of one to eight rows, what is done with a row of logits, and what a
// session adds to that. All in turns, so that what else the machine does falls on all alike; medians, and the fastest.
//
//   bench_token MODEL.gguf [ROUNDS]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/sampling/sampler.h"
#include "engine/session.h"
#include "engine/speculative/top_tokens.h"

namespace foreword::engine {
namespace {

constexpr int kDepth = 100;
const std::vector<int> kRows{1, 2, 3, 4, 5, 6, 7, 8};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Times {
  std::string name;
  std::vector<double> seconds = {};
  double median() {
    const auto middle = seconds.begin() + std::ssize(seconds) / 2;
    std::ranges::nth_element(seconds, middle);
    return *middle;
  }
  double fastest() const { return std::ranges::min(seconds); }
};

void print(std::vector<Times>& rows) {
  const double median = rows.front().median(), fastest = rows.front().fastest();
  for (Times& row : rows) {
    std::printf("| %s | %.1f | %.1f | %.2f | %.2f |\n", row.name.c_str(), 1e6 * row.median(), 1e6 * row.fastest(), row.median() / median, row.fastest() / fastest);
  }
}

template <class Work>
void time(Times& times, int repeats, const Work& work) {
  const double begin = now();
  for (int i = 0; i < repeats; ++i) work();
  times.seconds.push_back((now() - begin) / repeats);
}

/// Passes and choices.
std::vector<Times> measure_engine(LoadedModel& model, int rounds) {
  const SequenceId sequence = model.cache().add_sequence();
  const auto token = [&](int i) { return static_cast<TokenId>(i % model.tokenizer()->size()); };
  std::vector<TokenId> text;
  for (int i = 0; i < kDepth; ++i) text.push_back(token(300 + 7 * i));
  std::vector<float> logits;
  if (!model.read(sequence, text, [](std::int64_t i) { return i + 1 == kDepth; },
                  [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); })) std::exit(1);
  std::vector<Times> all;
  std::vector<Batch> batches;
  for (const int n : kRows) {
    all.push_back({"pass of " + std::to_string(n) + " rows"});
    Batch& batch = batches.emplace_back();
    for (int i = 0; i < n; ++i) batch.add(token(400 + i), sequence, i == 0 ? -1 : (i - 1) / 2, true);
  }
  const std::size_t choices = all.size();
  for (const char* name : {"choice, temperature 0", "choice, temperature 0.8", "the eight likeliest of a row"}) all.push_back({name});
  Sampler greedy({.temperature = 0}), noisy({});
  LargeLogits large;
  std::vector<Guess> best;
  std::int64_t index = 0;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < batches.size(); ++i) {
      time(all[i], 8, [&] {
        if (!model.forward().run(batches[i], [](std::int64_t, std::span<const float>) {})) std::exit(1);
      });
    }
    time(all[choices], 8, [&] { greedy.sample(logits, text, ++index, {}); });
    time(all[choices + 1], 8, [&] { noisy.sample(logits, text, ++index, {}); });
    time(all[choices + 2], 8, [&] { top_tokens(logits, 8, large, best); });
  }
  return all;
}

class Desk {
 public:
  Desk(const std::filesystem::path& model, std::vector<std::string> draft) {
    ModelOptions options;
    options.draft = std::move(draft);
    session_.send(LoadModel{model, options});
    for (;;) {
      const Event event = *outbox_.take();
      if (std::holds_alternative<ModelReady>(event)) return;
      if (std::holds_alternative<ModelFailed>(event)) std::exit(1);
    }
  }
  /// Seconds of decoding a pass.
  double write(float temperature, std::uint64_t seed) {
    Generate request;
    request.id = seed;
    request.prompt = "She had never seen the sea before, and";
    request.max_tokens = 2 * kDepth;
    request.sampling.temperature = temperature;
    request.sampling.seed = seed;
    session_.send(std::move(request));
    for (;;) {
      const Event event = *outbox_.take();
      if (const auto* done = std::get_if<GenerationDone>(&event)) return done->stats.decode_seconds / static_cast<double>(std::max<std::int64_t>(1, done->stats.passes));
      if (std::holds_alternative<GenerationFailed>(event)) std::exit(1);
    }
  }

 private:
  Mailbox<Event> outbox_;
  Session session_{outbox_};
};

}  // namespace
}  // namespace foreword::engine

int main(int argc, char** argv) {
  using namespace foreword::engine;
  if (argc < 2) {
    std::fprintf(stderr, "bench_token MODEL.gguf [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 50;
  auto model = LoadedModel::open(argv[1], {});
  if (!model) return 1;
  std::printf("| | us, median | fastest | of a row's pass, median | fastest |\n|---|---|---|---|---|\n");
  std::vector<Times> engine = measure_engine(**model, rounds);
  const double one = engine.front().median(), one_fastest = engine.front().fastest();
  print(engine);
  std::vector<Times> session{{"a pass in a session, temperature 0"}, {"temperature 0.8"}};
  Desk desk(argv[1], {"off"});
  for (int round = 0; round < rounds; ++round) {
    session[0].seconds.push_back(desk.write(0, static_cast<std::uint64_t>(round) + 1));
    session[1].seconds.push_back(desk.write(0.8F, static_cast<std::uint64_t>(round) + 1));
  }
  for (Times& row : session) std::printf("| %s | %.1f | %.1f | %.2f | %.2f |\n", row.name.c_str(), 1e6 * row.median(), 1e6 * row.fastest(), row.median() / one, row.fastest() / one_fastest);
}
