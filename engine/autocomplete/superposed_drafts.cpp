#include "engine/autocomplete/superposed_drafts.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "engine/autocomplete/words.h"
#include "engine/base/check.h"
#include "engine/sampling/log_sum.h"

namespace foreword::engine {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
constexpr double kWorstScore = 1.0;  // nats a token behind the best draft: worse ones are dropped

}  // namespace

SuperposedDrafts::SuperposedDrafts(DraftGround& ground, KvCache& cache)
    : DraftProducer(ground, cache), lines_(ground.limits.count, superposed_params(ground.limits.count, false), [this](auto ids, TokenId next) { return judge(ids, next); }) {}

SuperposedDrafts::~SuperposedDrafts() {
  for (const SequenceId sequence : {prefix_, mixed_}) {
    if (sequence >= 0) cache_.remove_sequence(sequence);
  }
}

/// A line ends as any draft does, but for its scores, which are not the model's yet.
Superposition::Verdict SuperposedDrafts::judge(std::span<const TokenId> ids, TokenId next) const {
  DraftGround ground = ground_;
  ground.limits.least_mean_log_prob = -std::numeric_limits<double>::infinity();
  ground.limits.max_tokens = std::numeric_limits<std::int64_t>::max();
  const std::string_view piece = ground.bytes->of(next);
  GrowingDraft draft;
  for (const TokenId id : ids) draft.grow(ground, id, 0);
  const std::string_view held = ground.held;
  if (draft.bytes.size() < held.size()) {
    const std::string_view rest = held.substr(draft.bytes.size());
    if (piece.empty() || !(piece.starts_with(rest) || rest.starts_with(piece))) return Superposition::Verdict::impossible;
  }
  if (piece.empty()) return Superposition::Verdict::ends;
  draft.grow(ground, next, 0);
  return draft.running() ? Superposition::Verdict::goes_on : Superposition::Verdict::ends;
}

Result<void> SuperposedDrafts::branch(SequenceId prefix, std::span<const float> logits) {
  check(phase_ == Phase::fresh, "a job branches once");
  prefix_ = cache_.fork(prefix);
  mixed_ = cache_.fork(prefix);
  first_logits_.assign(logits.begin(), logits.end());
  phase_ = Phase::mixing;
  mix(logits);
  return {};
}

void SuperposedDrafts::mix(std::span<const float> logits) {
  // Within what was typed each line has its own choice, which the row as it is may find unlikely altogether.
  lines_.step(allowed(ground_, ground_.held, logits, masked_), [&](std::span<const TokenId> ids) -> std::optional<std::span<const float>> {
    std::string bytes;
    for (const TokenId id : ids) bytes += ground_.bytes->of(id);
    if (bytes.size() >= ground_.held.size()) return std::nullopt;
    return allowed(ground_, bytes, logits, line_);
  });
  ++n_tokens_;
  if (lines_.alive().empty() || n_tokens_ >= std::min(ground_.limits.max_tokens, kMostSuperposedTokens)) begin_scoring();
}

Result<void> SuperposedDrafts::add_rows(Batch& batch) {
  if (phase_ == Phase::mixing) {
    FW_TRY(cache_.reserve(mixed_, 1));
    const std::vector<TokenWeight> mixture = lines_.mixture();
    batch_row_ = batch.add(mixture.front().token, mixed_, -1, true);
    if (mixture.size() == 1) return {};
    Batch::Mix& mix = batch.mixes.emplace_back();
    mix.row = static_cast<std::int32_t>(batch_row_);
    for (const TokenWeight& each : mixture) {
      mix.tokens.push_back(each.token);
      mix.weights.push_back(static_cast<float>(each.weight));
    }
  } else if (phase_ == Phase::scoring) {
    std::vector<std::uint8_t> has_child(nodes_.size());
    for (const Node& node : nodes_) {
      if (node.parent >= 0) has_child[static_cast<std::size_t>(node.parent)] = 1;
    }
    FW_TRY(cache_.reserve(prefix_, std::ranges::count(has_child, 1)));
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      if (has_child[i] == 0) continue;
      const std::int32_t parent = node.parent < 0 ? -1 : static_cast<std::int32_t>(nodes_[static_cast<std::size_t>(node.parent)].batch_row);
      node.batch_row = batch.add(node.token, prefix_, parent, true);
    }
  }
  return {};
}

void SuperposedDrafts::take(std::int64_t batch_row, std::span<const float> logits) {
  if (phase_ == Phase::mixing && batch_row == batch_row_) {
    mix(logits);
  } else if (phase_ == Phase::scoring) {
    const auto node = std::ranges::find(nodes_, batch_row, &Node::batch_row);
    if (node != nodes_.end()) score_children(static_cast<std::int32_t>(node - nodes_.begin()), logits);
  }
}

Result<void> SuperposedDrafts::end_step() {
  if (batch_row_ >= 0) {
    batch_row_ = -1;
    return cache_.commit(mixed_, 1);
  }
  if (phase_ == Phase::scoring) finish();
  return {};
}

/// The lines as one tree, so that what they have in common is read once.
void SuperposedDrafts::begin_scoring() {
  ranked_ = lines_.ranked();
  for (const Superposition::Line& line : ranked_) {
    auto& path = paths_.emplace_back();
    std::int32_t parent = -1;
    for (const TokenId token : line.ids) {
      auto node = std::ranges::find_if(nodes_, [&](const Node& each) { return each.parent == parent && each.token == token; });
      if (node == nodes_.end()) {
        const std::string before = parent < 0 ? std::string() : nodes_[static_cast<std::size_t>(parent)].bytes;
        nodes_.push_back({parent, token, before + std::string(ground_.bytes->of(token)), 0, -1});
        node = std::prev(nodes_.end());
      }
      parent = static_cast<std::int32_t>(node - nodes_.begin());
      path.push_back(parent);
    }
  }
  score_children(-1, first_logits_);
  phase_ = Phase::scoring;
  if (std::ranges::none_of(nodes_, [](const Node& node) { return node.parent >= 0; })) finish();
}

void SuperposedDrafts::score_children(std::int32_t parent, std::span<const float> logits) {
  const std::string_view bytes = parent < 0 ? std::string_view() : nodes_[static_cast<std::size_t>(parent)].bytes;
  const std::span<const float> chances = allowed(ground_, bytes, logits, masked_);
  const LogSum sum = log_sum_of(chances);
  for (Node& node : nodes_) {
    if (node.parent == parent) node.log_prob = std::isfinite(sum.log_sum) ? chances[static_cast<std::size_t>(node.token)] - sum.log_sum : kImpossible;
  }
}

/// Exact scores decide what the drafts are: where they end, their order, and which are too bad.
void SuperposedDrafts::finish() {
  phase_ = Phase::done;
  std::vector<GrowingDraft> grown;
  for (const auto& path : paths_) {
    GrowingDraft& draft = grown.emplace_back();
    for (const std::int32_t index : path) {
      const Node& node = nodes_[static_cast<std::size_t>(index)];
      if (ground_.bytes->of(node.token).empty()) {
        draft.end_of_text(ground_);
      } else if (!draft.draft.ids.empty() && draft.is_unsure(ground_, node.log_prob)) {
        draft.end_unsure(ground_);
      } else {
        draft.grow(ground_, node.token, node.log_prob);
      }
      if (!draft.running()) break;
    }
    if (draft.running() || draft.draft.end == DraftEnd::length) draft.end_unsure(ground_);  // it cannot be extended
  }
  std::erase_if(grown, [](const GrowingDraft& each) { return each.draft.text.empty(); });
  std::ranges::stable_sort(grown, [](const GrowingDraft& a, const GrowingDraft& b) { return a.draft.score > b.draft.score; });
  std::set<std::string> words;
  for (GrowingDraft& each : grown) {
    if (each.draft.score < grown.front().draft.score - kWorstScore || !words.insert(first_word_folded(each.draft.text)).second) continue;
    each.draft.id = static_cast<std::int32_t>(drafts_.size());
    drafts_.push_back(std::move(each.draft));
  }
}

void SuperposedDrafts::keep_only(std::span<const std::int32_t> ids) {
  if (running()) return;  // nothing was told yet that could be chosen from
  std::erase_if(drafts_, [&](const Draft& draft) { return std::ranges::find(ids, draft.id) == ids.end(); });
}

}  // namespace foreword::engine
