#pragma once
// How good suggestions are on held-out text: places where it is cut, what a typist would have saved from there on, and what
// drafts of each way are worth to the model itself. No window's policy takes part: every draft that the engine gives is shown.
// One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/eval_records.h"
#include "engine/autocomplete/draft_job.h"
#include "engine/loaded_model.h"

namespace foreword::app {

/// A held-out text, cut: what is known, what stands before the caret, and how it really went on.
struct DraftCase {
  std::vector<engine::ChatMessage> messages;  // of a kind with turns: before the user's open turn
  std::string before, rest;                   // cut between characters, anywhere
};
/// At most n cases of a kind, each from another record, spread over them; the places are drawn with the seed. Records without
/// 40 characters before and behind a place are passed over; of a chat a turn of the user is cut, of the others at most 1,000
/// bytes before the caret are known.
std::vector<DraftCase> draft_cases(const std::vector<EvalRecord>& records, std::string_view kind, std::int64_t n, std::uint64_t seed);

/// One way to make drafts that is to be judged.
struct DraftWay {
  std::string name;
  engine::DraftLimits limits;
  double deadline = 0;  // of a job behind its prompt, in passes of one row; 0: none
  const engine::Ngrams* own = nullptr;  // what the typist wrote before; null: nothing
};

struct DraftScore {
  // A typist who goes on as the text does, and takes every right word that a draft shows, for one key.
  std::int64_t characters = 0, keys = 0;
  std::int64_t jobs = 0, silent = 0;     // silent: nothing was shown
  // Where the text was cut:
  std::int64_t cases = 0, hits = 0;      // any draft's next word is right
  std::int64_t drafts = 0, tokens = 0, broken = 0;  // broken: has a token of an exact chance under 0.001
  double nats = 0, best_nats = 0, worst_nats = 0;   // sums of means a token: over drafts; over cases, of their best and worst
  std::int64_t pairs = 0, compared = 0, same = 0;   // tokens of two drafts of a case that stand at the same place; that are equal
  double cost = 0;                       // of all jobs at the cuts, in passes of one row

  void add(const DraftScore& other);
  double saved() const { return characters > 0 ? 1 - static_cast<double>(keys) / static_cast<double>(characters) : 0; }
};

class DraftEval {
 public:
  /// Measures what passes cost. The model has a vocabulary.
  static Result<DraftEval> prepare(engine::LoadedModel& model);

  /// Types at most `length` characters of the rest. Nothing: the case or its drafts do not fit into the context.
  Result<std::optional<DraftScore>> judge(const DraftCase& held_out, const DraftWay& way, std::int64_t length);
  /// T(n) / T(1); index n. 1 at 0.
  const std::vector<double>& costs() const { return costs_; }

 private:
  explicit DraftEval(engine::LoadedModel& model) : model_(&model), bytes_(std::make_unique<engine::TokenBytes>(*model.tokenizer())) {}
  /// A prompt that is read, and what its end holds back.
  class Place {
   public:
    explicit Place(engine::KvCache& cache) : cache_(&cache) {}
    Place(Place&& other) noexcept
        : held(std::move(other.held)), tokens(std::move(other.tokens)), logits(std::move(other.logits)), sequence(std::exchange(other.sequence, -1)), cache_(other.cache_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (sequence >= 0) cache_->remove_sequence(sequence);
    }
    std::string held;
    std::vector<engine::TokenId> tokens;
    std::vector<float> logits;
    engine::SequenceId sequence = -1;

   private:
    engine::KvCache* cache_;
  };
  /// Runs a job until its end, its deadline or a no of `go_on`.
  Result<std::vector<engine::Draft>> drafts(const Place& place, const DraftWay& way, double& cost,
                                            const std::function<bool(const std::vector<engine::Draft>&)>& go_on);
  Result<Place> read(const DraftCase& held_out, const std::string& before);
  Result<std::vector<double>> exact_chances(const Place& place, std::span<const engine::TokenId> ids);
  Result<void> look_at(const DraftCase& held_out, const DraftWay& way, DraftScore& score);
  Result<void> type(const DraftCase& held_out, const DraftWay& way, std::int64_t length, DraftScore& score);

  engine::LoadedModel* model_;
  std::unique_ptr<engine::TokenBytes> bytes_;
  std::vector<double> costs_;
};

/// Bytes of the next word of `rest` with what stands before it, if `text` shows just that word; else 0. The end of `rest` is not
/// known to end a word.
std::size_t right_word(std::string_view rest, std::string_view text);

}  // namespace foreword::app
