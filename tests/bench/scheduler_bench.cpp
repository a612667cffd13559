// What a reader of an answer notices of a long document that is read beside it: gaps between tokens alone and beside, and what
// is left of the document's speed, as the receiver of the events sees them. Twice: by the clock on the wall, and by the processor time of
// this program, which other programs add little to.
//
//   bench_scheduler [MODEL.gguf] [ROUNDS] [DRAFTERS]     without a model: random weights of the 1b shape, Q4_0

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/model/random_model.h"
#include "engine/session.h"

namespace foreword::engine {
namespace {

/// Seconds on both clocks.
enum { kWall, kProcessor, kClocks };
using Times = std::array<double, kClocks>;

Times now() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return {std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec)};
}

constexpr std::int64_t kDocumentTokens = 4000, kContext = 8192;
// Behind a document, memory that hardly worked meanwhile may run half as fast again for some seconds: the first tokens alone do not count.
constexpr int kTokensAlone = 1000, kTokensThatCount = 600, kTokensBefore = 20;

/// Seconds between tokens.
using Gaps = std::array<std::vector<double>, kClocks>;

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

struct Round {
  Gaps alone, beside;
  Times document_alone{}, document_beside{};  // tokens a second
};

class Bench {
 public:
  Bench(const std::filesystem::path& model, std::vector<std::string> draft) {
    ModelOptions options;
    options.context = kContext;
    options.draft = std::move(draft);
    session_.send(LoadModel{model, options});
    for (;;) {
      const Event event = *outbox_.take();
      if (const auto* failed = std::get_if<ModelFailed>(&event)) {
        std::fprintf(stderr, "%s\n", failed->error.message.c_str());
        std::exit(1);
      }
      if (const auto* ready = std::get_if<ModelReady>(&event)) {
        std::printf("%s, %s\n", ready->model.name.c_str(), ready->model.device.c_str());
        break;
      }
    }
    words_ = 100;
    words_ = words_ * kDocumentTokens / read_document();  // so many words are so many tokens
    answer(0);
  }

  Round round() {
    Round round;
    round.document_alone = rates(read_document());
    answer(kTokensAlone, &round.alone);
    for (std::vector<double>& gaps : round.alone) gaps.erase(gaps.begin(), gaps.end() - std::min<std::ptrdiff_t>(std::ssize(gaps), kTokensThatCount));
    round.document_beside = rates(read_beside(round.beside));
    return round;
  }

 private:
  Generate request(std::string text, std::int64_t max_tokens) {
    Generate request;
    request.id = ++n_requests_;
    request.prompt = std::move(text);
    request.max_tokens = max_tokens;
    request.sampling.seed = n_requests_;
    request.chat = -static_cast<TextOwner>(n_requests_);  // nobody finds it again
    return request;
  }
  Generate document() {
    std::string text;
    for (std::int64_t i = 0; i < words_; ++i) text += "word " + std::to_string(n_requests_ * 7919 + static_cast<std::uint64_t>(i)) + " ";
    return request(std::move(text), 1);
  }

  Times rates(std::int64_t tokens) const {
    Times result;
    for (std::size_t i = 0; i < kClocks; ++i) result[i] = static_cast<double>(tokens) / (read_[i] - started_[i]);
    return result;
  }

  /// Tokens of the document; when its reading began and ended is in started_ and read_.
  std::int64_t read_document() {
    session_.send(document());
    for (;;) {
      const Event event = *outbox_.take();
      if (std::holds_alternative<GenerationStarted>(event)) started_ = now();
      if (const auto* done = std::get_if<GenerationDone>(&event)) return note(*done);
      expect_no_failure(event);
    }
  }
  static void expect_no_failure(const Event& event) {
    const auto* failed = std::get_if<GenerationFailed>(&event);
    if (failed == nullptr) return;
    std::fprintf(stderr, "%s\n", failed->error.message.c_str());
    std::exit(1);
  }
  std::int64_t note(const GenerationDone& done) {
    read_ = now();
    session_.send(ForgetChat{-static_cast<TextOwner>(done.id)});
    return done.stats.prompt_tokens - done.stats.reused_tokens;
  }

  void answer(int tokens, Gaps* gaps = nullptr) {
    const Generate asked = request("Once upon a time", std::max(tokens, 1));
    session_.send(asked);
    Times last{};
    for (;;) {
      const Event event = *outbox_.take();
      if (std::holds_alternative<TextPiece>(event)) note_gap(last, gaps);
      if (std::holds_alternative<GenerationDone>(event)) return;
      expect_no_failure(event);
    }
  }
  /// Tokens of one pass come together and count as one.
  static void note_gap(Times& last, Gaps* gaps) {
    const Times at = now();
    if (at[kWall] - last[kWall] < 1e-4) return;
    for (std::size_t i = 0; i < kClocks && last[kWall] > 0 && gaps != nullptr; ++i) (*gaps)[i].push_back(at[i] - last[i]);
    last = at;
  }

  std::int64_t read_beside(Gaps& gaps) {
    const Generate document = this->document();
    Generate asked = request("Once upon a time", -1);
    session_.send(asked);
    int n_tokens = 0;
    bool reading = false;
    std::int64_t tokens = 0;
    Times last{};
    for (;;) {
      const Event event = *outbox_.take();
      if (const auto* started = std::get_if<GenerationStarted>(&event); started != nullptr && started->id == document.id) {
        reading = true;
        started_ = now();
      }
      if (const auto* piece = std::get_if<TextPiece>(&event); piece != nullptr && piece->id == asked.id) {
        if (++n_tokens == kTokensBefore) session_.send(document);
        note_gap(last, reading ? &gaps : nullptr);
      }
      expect_no_failure(event);
      const auto* done = std::get_if<GenerationDone>(&event);
      if (done == nullptr) continue;
      if (done->id == document.id) {
        tokens = note(*done);
        reading = false;
        session_.send(Stop{asked.id});
      } else if (tokens > 0) {
        return tokens;
      } else {  // it ended by itself: another one
        asked = request("Once upon a time", -1);
        session_.send(asked);
        last = {};
      }
    }
  }

  Mailbox<Event> outbox_;
  Session session_{outbox_};
  std::int64_t words_ = 0;
  std::uint64_t n_requests_ = 0;
  Times started_{}, read_{};
};

std::filesystem::path random_model_file() {
  const auto path = std::filesystem::temp_directory_path() / "foreword-bench-1b-Q4_0.gguf";
  const auto writer = random_model(*find_shape("1b"), *gpu::format_from_name("Q4_0"), 1);
  if (!writer || !writer->write(path)) std::exit(1);
  return path;
}

}  // namespace
}  // namespace foreword::engine

int main(int argc, char** argv) {
  using namespace foreword::engine;
  const bool given = argc > 1 && std::string(argv[1]) != "-";
  const std::filesystem::path model = given ? std::filesystem::path(argv[1]) : random_model_file();
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  Bench bench(model, {argc > 3 ? argv[3] : "off"});
  constexpr const char* kNames[] = {"wall", "processor"};
  std::printf("| round | clock | gap alone: median | p99 | gap beside: median | p90 | p99 | p99 / median alone | document alone | beside | share |\n"
              "|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (int i = 1; i <= rounds; ++i) {
    const Round round = bench.round();
    for (std::size_t c = 0; c < kClocks; ++c) {
      const double alone = quantile(round.alone[c], .5);
      std::printf("| %d | %s | %.1f ms | %.1f ms | %.1f ms | %.1f ms | %.1f ms | %.2f | %.0f tokens/s | %.0f tokens/s | %.0f %% |\n", i, kNames[c], alone * 1e3,
                  quantile(round.alone[c], .99) * 1e3, quantile(round.beside[c], .5) * 1e3, quantile(round.beside[c], .9) * 1e3,
                  quantile(round.beside[c], .99) * 1e3, quantile(round.beside[c], .99) / alone, round.document_alone[c], round.document_beside[c],
                  100 * round.document_beside[c] / round.document_alone[c]);
    }
    std::fflush(stdout);
  }
  if (!given) std::filesystem::remove(model);
}
