#pragma once
#include "engine/speculative/small_model.h"
#include "tests/speculative/scripted_model.h"

namespace foreword::engine {

/// The scripted drafter's table as a second model; counts its passes.
class ScriptedDraftModel : public DraftModel {
 public:
  explicit ScriptedDraftModel(const ScriptedModel& model) : model_(&model) {}
  void follow(std::span<const std::int32_t> text, std::size_t) override { before_ = text[text.size() - 2]; }
  bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish, const Sink& sink) override {
    if (passes_left == 0) return false;
    --passes_left;
    for (const std::int32_t node : nodes) sink(node, model_->drafter(tree, node, before_));
    return true;
  }
  std::int64_t bytes() const override { return 0; }

  int passes_left = 1 << 30;

 private:
  const ScriptedModel* model_;
  std::int32_t before_ = 0;
};

}  // namespace foreword::engine
