#include "engine/rehearsal.h"

#include <algorithm>
#include <chrono>

#include "engine/self_test.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kAtOnce = 16, kMostTokens = 192;
constexpr std::int64_t kTooEarly = 8;  // tokens without context, where nobody knows anything
constexpr float kNoisy = .8F;

/// A sequence of a model for as long as it is needed.
class Reader {
 public:
  Reader(LoadedModel& model, std::int32_t vocabulary) : model_(model), vocabulary_(static_cast<std::size_t>(vocabulary)), sequence_(model.cache().add_sequence()) {}
  ~Reader() { model_.cache().remove_sequence(sequence_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<void> read(std::span<const TokenId> tokens, const std::function<void(std::size_t, std::span<const float>)>& sink) {
    return model_.read(sequence_, tokens, [](std::int64_t) { return true; },
                       [&](std::int64_t i, std::span<const float> row) { sink(static_cast<std::size_t>(i), row.first(vocabulary_)); });
  }

 private:
  LoadedModel& model_;
  std::size_t vocabulary_;
  SequenceId sequence_;
};

}  // namespace

Result<void> rehearse(LoadedModel& model, SecondModel& second, double seconds, Speculation& speculation) {
  const CostModel& cost = speculation.cost();
  if (!cost.known() || 2 * cost.seconds(kAtOnce) > seconds) return {};
  std::vector<TokenId> text = model.tokenizer()->encode(self_test_text(), {});
  const std::int64_t room = std::min(model.model().context, second.model().model().context) / 2;
  text.resize(static_cast<std::size_t>(std::min({std::ssize(text), kMostTokens, room / kAtOnce * kAtOnce})));
  Reader large(model, model.tokenizer()->size()), small(second.model(), second.vocabulary());
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::vector<std::vector<float>> rows(kAtOnce);
  for (std::size_t at = 0; at + kAtOnce <= text.size() && Clock::now() < end; at += kAtOnce) {
    const auto tokens = std::span(text).subspan(at, kAtOnce);
    FW_TRY(large.read(tokens, [&](std::size_t i, std::span<const float> row) { rows[i].assign(row.begin(), row.end()); }));
    FW_TRY(small.read(tokens, [&](std::size_t i, std::span<const float> row) {
      const auto index = static_cast<std::int64_t>(at + i) + 1;
      if (index < kTooEarly) return;
      for (const float temperature : {0.0F, kNoisy}) speculation.rehearse("model", {.temperature = temperature}, index, tokens[i], rows[i], row);
    }));
  }
  speculation.end_rehearsal();
  return {};
}

}  // namespace foreword::engine
