#pragma once
// Several continuations of one text at once, in one of several ways (draft_methods()). They share their prefix's pages. The
// caller owns the batch, so that rows can ride beside other work, and gives each row's logits back. Engine desk only.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/autocomplete/draft.h"
#include "engine/autocomplete/growing_draft.h"
#include "engine/autocomplete/token_bytes.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/forward.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class DraftProducer;

class DraftJob {
 public:
  /// All must outlive the job.
  DraftJob(const Tokenizer& tokenizer, const TokenBytes& bytes, KvCache& cache, const DraftLimits& limits);
  ~DraftJob();
  DraftJob(const DraftJob&) = delete;
  DraftJob& operator=(const DraftJob&) = delete;

  /// Opens the branches behind the tokens that `prefix` holds; it is only read and may be gone afterwards. logits: of its
  /// last token, as many as the vocabulary names. held: bytes that every draft begins with and that are not part of its text
  /// (hold_back). No draft at all if the model would rather end the text.
  Result<void> branch(SequenceId prefix, std::span<const float> logits, std::string_view held, std::span<const TokenId> before = {},
                      std::vector<Remembered> remembered = {});

  /// Adds the rows of the next step; at most most_rows(). None: nothing runs. `out_of_memory` for a full cache.
  Result<void> add_rows(Batch& batch);
  static std::int64_t most_rows(const DraftLimits& limits);
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
  DraftGround ground_;
  std::unique_ptr<DraftProducer> producer_;
};

}  // namespace foreword::engine
