#pragma once
// The walk through a scored tree: at each node the token is chosen that plain decoding would choose (modes gumbel and
// match), or one with the same law (the others), and the walk goes on below it if it was drafted. Whatever the drafters
// did, the text is the model's; they only decide how many tokens one pass yields. Formulas and sources: docs/decoding.md.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/sampling/sampler.h"
#include "engine/sampling/token_rule.h"
#include "engine/speculative/draft_tree.h"

namespace foreword::engine {

/// gumbel and match choose alike, by the noise of (seed, index, token), so that the text is the same as without drafts; the
/// mode tells the drafter whether to use that noise too (Daliri et al. 2024). The others keep the law, not the text:
/// rejection with residual for samples with repeats (SpecInfer; Miao et al. 2023) and without (RSD; Jeon et al. 2024), k-SEQ
/// (SpecTr; Sun et al. 2023), and likeliest tokens with one sample at the end.
enum class VerifyMode : std::uint8_t { gumbel, match, reject_iid, reject_without_replacement, k_seq, greedy_then_sample };
inline constexpr int kVerifyModes = 6;

/// Whether children found in this way may be verified in this mode. Children drawn with the choice's noise but verified by
/// rejection would be without_replacement draws: their drafter declares them so if nothing else used that noise.
bool legal(Draw draw, VerifyMode mode);
/// Whether drafters sample in this mode, and so have to keep draws and distribution.
inline bool is_rejection(VerifyMode mode) { return mode != VerifyMode::gumbel && mode != VerifyMode::match; }
/// How a drafter with probabilities finds children in this mode.
Draw draw_for(VerifyMode mode);

/// Streams of random numbers beside stream 0, which chooses tokens: one for the tries of rejection sampling, one for what
/// drafters draw; drafters with more noise than one number a draw take kDraftStream + node.
inline constexpr std::uint32_t kTryStream = 1;
inline constexpr std::uint32_t kDraftStream = 2;

struct VerifyResult {
  std::vector<std::int32_t> path;    // nodes whose token belongs to the text, root first: their rows of the KV cache are kept
  std::vector<std::int32_t> tokens;  // chosen at these nodes, one each; all but the last are the tokens of path[1..]
  bool exhausted = false;            // at the last node of the path no token was left to choose; it has none in `tokens`
};

class Walk {
 public:
  /// The text that the tree's root ends, and what sample() wants to know beside it.
  struct Place {
    std::vector<std::int32_t>* text = nullptr;  // ends with the root's token; every chosen token is appended
    std::int64_t index = 0;                     // of the noise for the token after the root
    std::span<const std::int32_t> banned = {};
    std::function<bool(std::int32_t)> ends = {};  // tokens after which no other is chosen
    TokenRule* rule = nullptr;                    // that the text is held to; gets every chosen token
  };

  /// Everything named must outlive the walk. It is our own mistake if the tree's draws are not legal in this mode.
  Walk(const DraftTree& tree, VerifyMode mode, Sampler& sampler, Place place);

  /// Whether the walk stands at this node and waits for its logits. A row that comes earlier or later does not matter;
  /// rows in the tree's order come when they are wanted.
  bool wants(std::int32_t node) const { return node == node_; }
  /// The logits of the node that it stands at.
  void take(const LogitRow& logits);
  bool done() const { return node_ < 0; }
  const VerifyResult& result() const { return result_; }

 private:
  const DraftTree* tree_;
  VerifyMode mode_;
  Sampler* sampler_;
  Place place_;
  std::int32_t node_ = 0;
  VerifyResult result_;
};

}  // namespace foreword::engine
