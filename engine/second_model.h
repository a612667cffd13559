#pragma once
// A small model of the same vocabulary, open beside the one that answers, as a drafter wants it. It reads along in a KV cache of
// its own, but not before it is asked: who is not worth asking costs nothing. Engine desk only.

#include <memory>
#include <optional>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/speculative/small_model.h"

namespace foreword::engine {

/// Some nodes of a tree and what leads to them, as rows: those of earlier levels are computed again, which keeps the cache free of
/// branches.
struct LevelRows {
  Batch batch;
  std::vector<std::int32_t> node_of;  // by row
  /// Nothing if there are more than so many. wish: of the nodes' logits.
  static std::optional<LevelRows> of(const DraftTree& tree, std::span<const std::int32_t> nodes, SequenceId sequence, std::int64_t most, LogitWish wish);
};

class SecondModel : public DraftModel {
 public:
  /// `invalid_argument` if the two vocabularies are not the same, since then its tokens mean nothing to the target.
  static Result<std::unique_ptr<SecondModel>> open(const std::filesystem::path& path, const ModelOptions& options, const LoadedModel& target);

  LoadedModel& model() { return *model_; }

  void follow(std::span<const std::int32_t> text, std::size_t kept) override;
  std::int64_t backlog() const override;
  void catch_up() override { read_on(kMostAtOnce); }
  bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) override;
  std::int64_t bytes() const override;

 private:
  explicit SecondModel(std::unique_ptr<LoadedModel> model);
  /// Tokens that are read at once: nobody is obeyed meanwhile.
  static constexpr std::int64_t kMostAtOnce = 64;
  /// Reads at most so many tokens of what it has not read of the text, all but the last one. False: it cannot go on.
  bool read_on(std::int64_t most);

  std::unique_ptr<LoadedModel> model_;
  SequenceId sequence_;
  std::vector<std::int32_t> text_;
  std::int64_t read_ = 0;  // of its first tokens, which the cache holds
  bool broken_ = false;    // after an error, until another text comes
};

}  // namespace foreword::engine
