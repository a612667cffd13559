#pragma once
// What every way of making drafts can do: DraftJob (draft_job.h) says what it means, and picks one of them. Engine desk only.

#include <span>
#include <vector>

#include "engine/autocomplete/growing_draft.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/forward.h"

namespace foreword::engine {

class DraftProducer {
 public:
  virtual ~DraftProducer() = default;
  DraftProducer(const DraftProducer&) = delete;
  DraftProducer& operator=(const DraftProducer&) = delete;

  virtual Result<void> branch(SequenceId prefix, std::span<const float> logits) = 0;
  virtual Result<void> add_rows(Batch& batch) = 0;
  virtual void take(std::int64_t batch_row, std::span<const float> logits) = 0;
  virtual Result<void> end_step() = 0;
  virtual bool running() const = 0;
  virtual std::vector<Draft> drafts() const = 0;
  virtual void extend(std::int64_t max_tokens) = 0;
  virtual void keep_only(std::span<const std::int32_t> ids) = 0;

 protected:
  /// Both must outlive it.
  DraftProducer(DraftGround& ground, KvCache& cache) : ground_(ground), cache_(cache) {}
  DraftGround& ground_;
  KvCache& cache_;
};

}  // namespace foreword::engine
