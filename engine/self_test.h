#pragma once
// What the KV cache's encodings cost on the model in hand: a text of our own is read with exact pages and then again with
// old pages in each encoding, and the predictions of its second half are compared. In small steps, so that whoever drives
// it can stop between any two; a finished encoding is never measured again. One thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/kv/kv_choice.h"
#include "engine/loaded_model.h"

namespace foreword::engine {

/// The text that is read.
std::string_view self_test_text();

/// Half of what the model's own weight format costs (nats a token): no encoding should add more than that.
double most_kv_cost(const GgufFile& file);

class SelfTest {
 public:
  /// Tokens that are read at most, and rows of a step.
  static constexpr std::int64_t kTokens = 2048, kRows = 16;

  /// Measures q8, k8v4, q4 and q2 but for those in `known`. The model, which must have a tokenizer, outlives the test and is
  /// not changed: the test has a cache and working memory of its own.
  SelfTest(LoadedModel& model, std::span<const KvCost> known);
  ~SelfTest();

  bool done() const { return passes_.empty(); }
  /// One forward pass. Gives an encoding's cost when it is complete. An error ends the test.
  Result<std::optional<KvCost>> step();

 private:
  struct Reference;
  struct Pass;
  Result<void> begin();
  Result<void> read_rows();
  void compare(std::int64_t position, std::span<const float> logits);

  LoadedModel& model_;
  std::vector<std::int32_t> tokens_;
  std::int64_t first_scored_ = 0;
  std::vector<gpu::KvEncoding> passes_;  // still to be done, the last one first; F16 is the reference
  std::unique_ptr<Pass> pass_;
  std::vector<Reference> references_;    // by scored position
};

}  // namespace foreword::engine
