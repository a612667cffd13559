// An answer needs few of the logits, and devices that are far from the processor's memory send only those: the text is the one that
// whole rows give, with all steps of the sampler.

#include <gtest/gtest.h>

#include "engine/answer_writer.h"
#include "engine/scheduler.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

struct Chain {
  const char* name;
  SamplingParams params;
  bool few;  // a handful of logits a row is enough
};
const Chain kChains[] = {
    {"greedy", {.temperature = 0}, true},
    {"usual", {.seed = 1}, true},
    {"penalties", {.temperature = 0.7F, .top_k = 20, .repeat_penalty = 1.3F, .presence_penalty = 0.4F, .frequency_penalty = 0.2F, .seed = 2}, true},
    {"greedy, penalties", {.temperature = 0, .repeat_penalty = 2.0F, .penalty_window = -1}, true},
    {"dry", {.top_k = 10, .dry_multiplier = 0.8F, .seed = 3}, true},
    {"all tokens", {.temperature = 1.2F, .top_k = 0, .top_p = 0.9F, .seed = 4}, false},
    {"made likelier", {.repeat_penalty = 0.8F, .seed = 5}, false},
    {"momentum", {.momentum = 0.2F}, false},
    {"bias", {.temperature = 0, .bias = {{300, 4.0F}, {301, 4.5F}, {302, -100.0F}}}, false},
};
constexpr std::int64_t kTokens = 40;

/// Gives what it is asked to write whole rows, whatever was wished for.
class WithWholeRows final : public Work {
 public:
  explicit WithWholeRows(Work& work) : work_(work) {}
  Need need() const override { return work_.need(); }
  void add_rows(Batch& batch, const Room& room) override { work_.add_rows(batch, room); }
  void take(std::int64_t row, const LogitRow& logits) override { work_.take(row, logits.all()); }
  void end_step(const Pass& pass) override { work_.end_step(pass); }

 private:
  Work& work_;
};

std::vector<TokenId> write(LoadedModel& model, const SamplingParams& sampling, bool whole_rows) {
  Generate request;
  request.prompt = std::string("It was a sunny day. It was a");
  request.max_tokens = kTokens;
  request.sampling = sampling;
  std::vector<TokenId> written;
  AnswerWriter writer(model, request, std::chrono::steady_clock::now(), [&](Event event) {
    if (const auto* piece = std::get_if<TextPiece>(&event)) written.insert(written.end(), piece->ids.begin(), piece->ids.end());
  });
  EXPECT_TRUE(writer.encode({}));
  writer.open(nullptr);
  Scheduler scheduler(model.forward());
  WithWholeRows with_whole_rows(writer);
  Work* works[] = {whole_rows ? static_cast<Work*>(&with_whole_rows) : &writer};
  while (!writer.done()) EXPECT_TRUE(scheduler.step(works, {}));
  return written;
}

TEST(BestLogits, TextsAreThoseOfWholeRows) {
  ModelOptions options;
  options.device = test::device();
  options.context = 256;
  options.n_threads = 2;
  const auto model = std::move(LoadedModel::open(test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf", options)).value();
  std::printf("  bytes read back a token; a row has %lld\n", static_cast<long long>(4 * model->model().vocab_size));
  for (const Chain& chain : kChains) {
    SCOPED_TRACE(chain.name);
    const std::vector<TokenId> expected = write(*model, chain.params, true);
    model->backend().take_counts();
    EXPECT_EQ(write(*model, chain.params, false), expected);
    ASSERT_GT(std::ssize(expected), 5);
    const std::int64_t read_back = model->backend().take_counts().bytes_read_back / std::ssize(expected);
    std::printf("  %-20s %lld\n", chain.name, static_cast<long long>(read_back));
    if (chain.few) { EXPECT_LT(read_back, model->model().vocab_size) << "a quarter of the row"; }
  }
}

}  // namespace
}  // namespace foreword::engine
