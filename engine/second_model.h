#pragma once
// A small model of the same vocabulary, open beside the one that answers, as a drafter wants it. It reads along in a KV cache of
// its own, but not before it is asked: who is not worth asking costs nothing. The path that all nodes of a level share stays in the cache:
// a chain costs a row a level, and where it comes true it has been read. Engine desk only.

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/speculative/small_model.h"

namespace foreword::engine {

/// Some nodes of a tree and what leads to them, as rows.
struct LevelRows {
  /// What the cache lacks of the text before the root, and the nodes from the root on that it holds: a path.
  struct Known {
    std::span<const std::int32_t> unread = {}, held = {};
  };
  Batch batch;
  std::vector<std::int32_t> node_of;  // by row; -1: of the text
  /// Nothing if there are more than so many. wish: of the nodes' logits.
  static std::optional<LevelRows> of(const DraftTree& tree, std::span<const std::int32_t> nodes, SequenceId sequence, std::int64_t most, LogitWish wish,
                                     const Known& known);
};

class SecondModel : public DraftModel {
 public:
  /// `invalid_argument` if the two vocabularies are not the same, since then its tokens mean nothing to the target. One may have up to
  /// kMostPadding tokens more at its end: models of one family are filled up to other sizes (Qwen 2.5: 151,936 and 152,064).
  /// `cancelled`: go_on said no.
  static Result<std::unique_ptr<SecondModel>> open(const std::filesystem::path& path, const ModelOptions& options, const LoadedModel& target,
                                                   const gpu::Progress& go_on = {});

  static constexpr std::int32_t kMostPadding = 128;

  LoadedModel& model() { return *model_; }
  /// Tokens that both know: it guesses no others, and behind another one nothing.
  std::int32_t vocabulary() const { return vocabulary_; }

  void follow(std::span<const std::int32_t> text, std::size_t kept) override;
  std::int64_t backlog() const override { return n_unread() > kAlong ? n_unread() : 0; }
  void catch_up() override { read_on(); }
  bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) override;
  std::int64_t bytes() const override;

 private:
  SecondModel(std::unique_ptr<LoadedModel> model, std::int32_t vocabulary);
  /// Tokens that are read at once: nobody is obeyed meanwhile. And those that are read along with the first level of a tree, for which
  /// a pass of their own would be too dear.
  static constexpr std::int64_t kMostAtOnce = 32, kAlong = 8;
  std::int64_t n_unread() const;
  /// Reads some tokens of what it has not read of the text, all but the last one.
  void read_on();
  /// The cache's first tokens alone are kept, or fewer where it cannot.
  void keep(std::int64_t n);
  /// The cache holds these behind what it held.
  void add(std::span<const std::int32_t> tokens);

  bool knows(std::span<const std::int32_t> tokens) const;

  std::unique_ptr<LoadedModel> model_;
  std::int32_t vocabulary_;
  SequenceId sequence_;
  std::vector<std::int32_t> text_;
  std::vector<std::int32_t> held_;  // by the cache: of the text, and behind it guesses, which may come true
  std::int64_t agreed_ = 0;         // of held_ with the text
  bool broken_ = false;             // after an error or a token that it does not know, until another text comes
};

}  // namespace foreword::engine
