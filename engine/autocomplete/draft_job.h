#pragma once
// Several continuations of one text at once: rows that share their prefix's pages, begin with different first words and go
// on greedily, all in one batch. The caller owns the batch, so that rows can ride beside other work, and gives each row's
// logits back. What a row becomes does not depend on the others. Engine desk only.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/autocomplete/token_bytes.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/forward.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

/// Why a draft goes no further.
enum class DraftEnd : std::uint8_t { running, sentence, line, end_of_text, length, unsure };
std::string_view name_of(DraftEnd end);  // "running", "sentence", ...

struct DraftLimits {
  std::int32_t count = 3;        // drafts wanted
  std::int64_t max_tokens = 12;  // of each; extend() raises it
  double least_mean_log_prob = -std::numeric_limits<double>::infinity();  // nats a token; below: cut at the last word above it
  double least_share = 0.1;      // a token less likely than this share of the mean of those before it ends its draft; 0 = off
};

struct Draft {
  std::int32_t id = 0;         // its rank at the first token: 0 is the greedy one
  std::string text;            // whole words only while it runs; what follows the text before the caret
  std::vector<TokenId> ids;    // all tokens, those of a piece of a word that was held back included
  std::vector<float> log_probs;  // of each of them
  double score = 0;            // mean of log_probs, nats a token
  DraftEnd end = DraftEnd::running;
};

class DraftJob {
 public:
  /// All must outlive the job. n_vocab: entries of a row of logits that name tokens.
  DraftJob(const Tokenizer& tokenizer, const TokenBytes& bytes, KvCache& cache, const DraftLimits& limits);
  ~DraftJob();
  DraftJob(const DraftJob&) = delete;
  DraftJob& operator=(const DraftJob&) = delete;

  /// Opens the branches behind the tokens that `prefix` holds; it is only read and may be gone afterwards. logits: of its
  /// last token. held: bytes that every draft begins with and that are not part of its text (hold_back). No draft at all if
  /// the model would rather end the text.
  Result<void> branch(SequenceId prefix, std::span<const float> logits, std::string_view held);

  /// Adds the rows of the next step; at most 2 * count - 1. None: nothing runs. `out_of_memory` for a full cache.
  Result<void> add_rows(Batch& batch);
  /// The logits of a row of that batch, for each row of this job, in any order.
  void take(std::int64_t batch_row, std::span<const float> logits);
  /// After the batch has run and every row has its logits: commits them, drops what lost.
  Result<void> end_step();

  bool running() const;
  /// The best `count` of those whose first words differ, best first; the greedy one leads. Those whose first word is not
  /// known yet stand behind.
  std::vector<Draft> drafts() const;

  /// Lets drafts that ended for their length go on.
  void extend(std::int64_t max_tokens);
  /// Gives up all drafts but these.
  void keep_only(std::span<const std::int32_t> ids);

 private:
  struct Row {
    Draft draft;
    SequenceId sequence = -1;
    std::int64_t batch_row = -1;
    std::string bytes;             // of all tokens, the held ones in front
    double sum = 0, sum_p = 0;     // of log_probs, and of the probabilities
    double first_word = 0;         // log-prob of the first word's tokens, once it is known
    bool first_word_known = false;
    std::size_t confident = 0;     // bytes up to the last word whose running mean was high enough
  };
  void grow(Row& row, TokenId token, float log_prob);
  void choose(Row& row, std::span<const float> logits);
  void finish(Row& row, DraftEnd end, std::size_t bytes);
  void drop_losers();
  void release(Row& row);
  std::string text_of(const Row& row, std::size_t end) const;

  const Tokenizer* tokenizer_;
  const TokenBytes* bytes_;
  KvCache* cache_;
  DraftLimits limits_;
  std::string held_;
  std::vector<Row> rows_;
  std::vector<float> masked_;  // logits without what may not be chosen
};

}  // namespace foreword::engine
