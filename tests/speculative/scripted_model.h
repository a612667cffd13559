#pragma once
// A model without weights: the logits of the next token are a table over the last two tokens, and so are a drafter's, which
// are the model's with noise. Whole texts run through the real tree, walk and sampler.

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "engine/speculative/verify.h"

namespace foreword::engine {

class ScriptedModel {
 public:
  /// memory: how much the token before the last matters, from 0 to 1.
  ScriptedModel(int n_tokens, unsigned seed, float spread = 2, float drafter_noise = .6F, float memory = 1) : n_(n_tokens) {
    std::mt19937 random(seed);
    std::normal_distribution<float> logit(0, spread), noise(0, drafter_noise);
    std::vector<float> short_memory(static_cast<std::size_t>(n_ * n_), 0.0F);
    for (float& x : short_memory) x = memory < 1 ? std::sqrt(1 - memory * memory) * logit(random) : 0;
    for (int i = 0; i < n_ * n_ * n_; ++i) {
      target_.push_back(memory * logit(random) + short_memory[static_cast<std::size_t>(i % (n_ * n_))]);
      drafter_.push_back(target_.back() + noise(random));
    }
  }

  int n_tokens() const { return n_; }
  std::span<const float> target(std::int32_t before, std::int32_t last) const { return row(target_, before, last); }
  std::span<const float> drafter(std::int32_t before, std::int32_t last) const { return row(drafter_, before, last); }
  std::span<const float> target(const std::vector<std::int32_t>& text) const { return target(text[text.size() - 2], text.back()); }
  /// Of the token after this node; `before` is the text's token before the root.
  std::span<const float> target(const DraftTree& tree, std::int32_t node, std::int32_t before) const {
    return target(token_before(tree, node, before), tree.token[static_cast<std::size_t>(node)]);
  }
  std::span<const float> drafter(const DraftTree& tree, std::int32_t node, std::int32_t before) const {
    return drafter(token_before(tree, node, before), tree.token[static_cast<std::size_t>(node)]);
  }

 private:
  static std::int32_t token_before(const DraftTree& tree, std::int32_t node, std::int32_t before) {
    const std::int32_t parent = tree.parent[static_cast<std::size_t>(node)];
    return parent < 0 ? before : tree.token[static_cast<std::size_t>(parent)];
  }
  std::span<const float> row(const std::vector<float>& table, std::int32_t before, std::int32_t last) const {
    return std::span(table).subspan(static_cast<std::size_t>((before * n_ + last) * n_), static_cast<std::size_t>(n_));
  }

  int n_;
  std::vector<float> target_, drafter_;
};

using Text = std::vector<std::int32_t>;

inline Text plain_text(const ScriptedModel& model, const SamplingParams& params, int n) {
  Sampler sampler(params);
  Text text{0, 1};
  while (std::ssize(text) < n) text.push_back(sampler.sample(model.target(text), text, std::ssize(text), {}));
  return text;
}

/// Fills a tree whose root is the text's last token.
using Draft = std::function<void(const Text& text, DraftTree& tree)>;

struct TextRun {
  Text text;
  int passes = 0;
  double tokens_per_pass() const { return static_cast<double>(text.size() - 2) / passes; }
};

/// One pass: drafts, scores every row in the tree's order, and walks. `text` grows.
inline VerifyResult pass(const ScriptedModel& model, Sampler& sampler, VerifyMode mode, const Draft& draft, DraftTree& tree, Text& text) {
  tree.clear(text.back());
  draft(text, tree);
  const std::int32_t before = text[text.size() - 2];
  Walk walk(tree, mode, sampler, {.text = &text, .index = std::ssize(text)});
  for (std::int32_t node = 0; node < tree.size(); ++node) {
    if (walk.wants(node)) walk.take(model.target(tree, node, before));
  }
  return walk.result();
}

inline TextRun speculative_text(const ScriptedModel& model, const SamplingParams& params, VerifyMode mode, int n, const Draft& draft) {
  Sampler sampler(params);
  TextRun run{{0, 1}, 0};
  DraftTree tree;
  while (std::ssize(run.text) < n) {
    pass(model, sampler, mode, draft, tree, run.text);
    ++run.passes;
  }
  return run;
}

}  // namespace foreword::engine
