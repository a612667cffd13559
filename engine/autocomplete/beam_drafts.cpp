#include "engine/autocomplete/beam_drafts.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "engine/autocomplete/words.h"
#include "engine/sampling/log_sum.h"

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

/// Where words of a text that consists of whole ones end.
std::vector<std::size_t> word_ends(std::string_view text) {
  std::vector<std::size_t> ends{0};
  for (std::size_t end = word_end(text, 0); end != std::string_view::npos; end = word_end(text, end)) ends.push_back(end);
  if (ends.back() != text.size()) ends.push_back(text.size());
  return ends;
}

/// The words that all of these texts, which consist of whole words, begin with.
std::string common_words(std::span<const std::string* const> texts) {
  std::string_view common = *texts.front();
  for (const std::string* text : texts) {
    const auto same = static_cast<std::size_t>(std::ranges::mismatch(common, *text).in1 - common.begin());
    std::vector<std::size_t> ends;
    std::ranges::set_intersection(word_ends(common), word_ends(*text), std::back_inserter(ends));
    common = common.substr(0, *std::prev(std::ranges::upper_bound(ends, same)));
  }
  return std::string(common);
}

}  // namespace

Result<void> BeamDrafts::branch(SequenceId prefix, std::span<const float> logits) {
  FW_TRY(BatchedDrafts::branch(prefix, logits));
  begin_search();
  return {};
}

void BeamDrafts::begin_search() {
  if (choosing()) return;
  for (const Row& row : rows_) order_.push_back(row.draft.id);
}

void BeamDrafts::take(std::int64_t batch_row, std::span<const float> logits) {
  if (choosing()) return BatchedDrafts::take(batch_row, logits);
  const auto row = std::ranges::find(rows_, batch_row, &Row::batch_row);
  if (row == rows_.end()) return;
  Offer& offer = offers_.emplace_back(Offer{static_cast<std::size_t>(row - rows_.begin()), {}});
  const std::span<const float> chances = row->chances(ground_, false, logits, masked_, said_);
  const LogSum sum = log_sum_of(chances);
  if (sum.log_sum == kNothing) return;
  for (std::size_t id = 0; id < chances.size(); ++id) {
    if (chances[id] > kNothing) offer.candidates.push_back({offer.row, static_cast<TokenId>(id), static_cast<double>(chances[id]) - sum.log_sum});
  }
  // What other groups take is at most so many tokens; behind them no more than `width` can be wanted.
  const std::size_t most = shape_.width * static_cast<std::size_t>(ground_.limits.count);
  const auto n = static_cast<std::ptrdiff_t>(std::min(most, offer.candidates.size()));
  std::ranges::partial_sort(offer.candidates, offer.candidates.begin() + n, [](const BeamCandidate& a, const BeamCandidate& b) {
    return a.score != b.score ? a.score > b.score : a.token < b.token;
  });
  offer.candidates.resize(static_cast<std::size_t>(n));
  std::erase_if(offer.candidates, [&](const BeamCandidate& each) { return row->is_unsure(ground_, static_cast<float>(each.score)); });
}

Result<void> BeamDrafts::end_step() {
  if (choosing()) {
    FW_TRY(BatchedDrafts::end_step());
    begin_search();
    return {};
  }
  for (Row& row : rows_) {
    if (row.batch_row >= 0) FW_TRY(cache_.commit(row.sequence, 1));
    row.batch_row = -1;
  }
  search();
  for (const std::int32_t id : order_) settle_group(id);
  return {};
}

double BeamDrafts::searched(const Row& row) const { return row.sum - row.penalty; }

void BeamDrafts::search() {
  std::vector<std::vector<BeamCandidate>> groups;
  for (const std::int32_t id : order_) {
    auto& group = groups.emplace_back();
    for (const Offer& offer : offers_) {
      Row& row = rows_[offer.row];
      if (row.draft.id != id) continue;
      if (offer.candidates.empty()) row.end_unsure(ground_);
      for (BeamCandidate each : offer.candidates) {
        each.score += searched(row);
        group.push_back(each);
      }
    }
  }
  const auto chosen = diverse_step(groups, shape_.width, shape_.lambda);
  std::vector<Row> next;
  for (const auto& group : chosen) {
    for (const BeamCandidate& each : group) {
      const Row& parent = rows_[each.parent];
      Row& row = next.emplace_back(parent);
      row.sequence = cache_.fork(parent.sequence);
      if (ground_.bytes->of(each.token).empty()) {
        row.end_of_text(ground_);
        continue;
      }
      const auto offer = std::ranges::find(offers_, each.parent, &Offer::row);
      const auto token = std::ranges::find(offer->candidates, each.token, &BeamCandidate::token);
      row.grow(ground_, each.token, static_cast<float>(token->score));
      row.penalty = row.sum - each.score;
    }
  }
  offers_.clear();
  for (Row& row : rows_) {
    if (row.running()) release(row);
    else next.push_back(std::move(row));
  }
  rows_ = std::move(next);
}

/// A group is done when its best draft has ended: that one stays. What has ended without a text is gone.
void BeamDrafts::settle_group(std::int32_t id) {
  const auto drop = [&](const auto& goes) {
    std::erase_if(rows_, [&](Row& row) {
      if (row.draft.id != id || !goes(row)) return false;
      release(row);
      return true;
    });
  };
  drop([](const Row& row) { return !row.running() && row.draft.text.empty(); });
  const Row* best = nullptr;
  for (const Row& row : rows_) {
    if (row.draft.id == id && (best == nullptr || row.draft.score > best->draft.score)) best = &row;
  }
  if (best == nullptr || best->running()) return;
  drop([kept = best->sequence](const Row& row) { return row.sequence != kept; });
}

std::vector<Draft> BeamDrafts::drafts() const {
  if (choosing()) return BatchedDrafts::drafts();
  std::vector<Draft> result;
  for (const std::int32_t id : order_) {
    const Row* best = nullptr;
    std::vector<const std::string*> texts;
    for (const Row& row : rows_) {
      if (row.draft.id != id) continue;
      texts.push_back(&row.draft.text);
      if (best == nullptr || row.draft.score > best->draft.score) best = &row;
    }
    if (best == nullptr) continue;
    Draft& draft = result.emplace_back(best->draft);
    if (texts.size() == 1) continue;
    draft.text = common_words(texts);
    draft.end = DraftEnd::running;
  }
  return result;
}

}  // namespace foreword::engine
