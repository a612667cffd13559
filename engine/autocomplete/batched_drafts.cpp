#include "engine/autocomplete/batched_drafts.h"

#include <algorithm>
#include <set>
#include <string>

#include "engine/autocomplete/words.h"
#include "engine/base/check.h"
#include "engine/sampling/log_sum.h"

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

struct Choice {
  TokenId token;
  float logit;
};

bool better(const Choice& a, const Choice& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; }

}  // namespace

BatchedDrafts::~BatchedDrafts() {
  for (Row& row : rows_) release(row);
}

Result<void> BatchedDrafts::branch(SequenceId prefix, std::span<const float> logits) {
  check(rows_.empty(), "a job branches once");
  std::vector<Choice> choices;
  const std::span<const float> chances = allowed(ground_, {}, logits, masked_);
  const LogSum sum = log_sum_of(chances);
  if (sum.log_sum == kNothing || ground_.tokenizer->is_end_of_generation(static_cast<TokenId>(sum.argmax))) return {};
  for (std::size_t id = 0; id < chances.size(); ++id) {
    if (chances[id] > kNothing && !ground_.bytes->of(static_cast<TokenId>(id)).empty()) choices.push_back({static_cast<TokenId>(id), chances[id]});
  }
  const std::size_t n = std::min(choices.size(), static_cast<std::size_t>(2 * ground_.limits.count - 1));
  std::ranges::partial_sort(choices, choices.begin() + static_cast<std::ptrdiff_t>(n), better);
  for (std::size_t i = 0; i < n; ++i) {
    Row& row = rows_.emplace_back();
    row.draft.id = static_cast<std::int32_t>(i);
    row.sequence = cache_.fork(prefix);
    row.grow(ground_, choices[i].token, choices[i].logit - sum.log_sum);
  }
  drop_losers();
  return {};
}

Result<void> BatchedDrafts::add_rows(Batch& batch) {
  const bool compares = std::ssize(rows_) > ground_.limits.count;
  for (Row& row : rows_) {
    row.batch_row = -1;
    if (!row.running()) continue;
    // Until the first words are compared, nothing but the greedy draft goes on behind its own.
    if (choosing() && compares && row.first_word_known && row.draft.id != 0) continue;
    FW_TRY(cache_.reserve(row.sequence, 1));
    row.batch_row = batch.add(row.draft.ids.back(), row.sequence, -1, true);
  }
  return {};
}

void BatchedDrafts::take(std::int64_t batch_row, std::span<const float> logits) {
  for (Row& row : rows_) {
    if (row.batch_row == batch_row) choose(row, logits);
  }
}

Result<void> BatchedDrafts::end_step() {
  for (Row& row : rows_) {
    if (row.batch_row >= 0) FW_TRY(cache_.commit(row.sequence, 1));
    row.batch_row = -1;
  }
  drop_losers();
  return {};
}

void BatchedDrafts::choose(Row& row, std::span<const float> logits) {
  const std::span<const float> chances = allowed(ground_, row.bytes, logits, masked_);
  const LogSum sum = log_sum_of(chances);
  const auto token = static_cast<TokenId>(sum.argmax);
  if (sum.log_sum == kNothing || ground_.bytes->of(token).empty()) return row.end_of_text(ground_);
  const float log_prob = chances[sum.argmax] - sum.log_sum;
  if (row.is_unsure(ground_, log_prob)) return row.end_unsure(ground_);
  row.grow(ground_, token, log_prob);
}

// Once all first words are known, the best of those that differ stay.
void BatchedDrafts::drop_losers() {
  if (!std::ranges::all_of(rows_, &Row::first_word_known)) return;
  chosen_ = true;
  std::ranges::stable_sort(rows_, [](const Row& a, const Row& b) {
    if ((a.draft.id == 0) != (b.draft.id == 0)) return a.draft.id == 0;
    return a.first_word != b.first_word ? a.first_word > b.first_word : a.draft.id < b.draft.id;
  });
  std::set<std::string> words;
  std::int32_t kept = 0;
  std::erase_if(rows_, [&](Row& row) {
    const bool empty = !row.running() && row.draft.text.empty();
    const bool wins = !empty && kept < ground_.limits.count && words.insert(first_word_folded(row.text_of(ground_, row.bytes.size()))).second;
    if (wins) ++kept;
    else release(row);
    return !wins;
  });
}

bool BatchedDrafts::running() const { return std::ranges::any_of(rows_, &Row::running); }

std::vector<Draft> BatchedDrafts::drafts() const {
  std::vector<Draft> result;
  for (const bool known : {true, false}) {
    for (const Row& row : rows_) {
      if (row.first_word_known == known && std::ssize(result) < ground_.limits.count) result.push_back(row.draft);
    }
  }
  return result;
}

void BatchedDrafts::extend(std::int64_t max_tokens) {
  for (Row& row : rows_) {
    if (row.draft.end == DraftEnd::length && std::ssize(row.draft.ids) < max_tokens) row.draft.end = DraftEnd::running;
  }
}

void BatchedDrafts::keep_only(std::span<const std::int32_t> ids) {
  std::erase_if(rows_, [&](Row& row) {
    const bool gone = std::ranges::find(ids, row.draft.id) == ids.end();
    if (gone) release(row);
    return gone;
  });
}

void BatchedDrafts::release(Row& row) {
  if (row.sequence >= 0) cache_.remove_sequence(row.sequence);
  row.sequence = -1;
}

}  // namespace foreword::engine
