#include "engine/autocomplete/draft_job.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/autocomplete/words.h"
#include "engine/base/check.h"
#include "engine/sampling/log_sum.h"
#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();
constexpr std::string_view kEnds[] = {"running", "sentence", "line", "end_of_text", "length", "unsure"};
constexpr std::size_t kLongestFirstWord = 8;  // tokens; what goes on further counts as a word

struct Choice {
  TokenId token;
  float logit;
};

bool better(const Choice& a, const Choice& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; }

}  // namespace

std::string_view name_of(DraftEnd end) { return kEnds[static_cast<int>(end)]; }

DraftJob::DraftJob(const Tokenizer& tokenizer, const TokenBytes& bytes, KvCache& cache, const DraftLimits& limits)
    : tokenizer_(&tokenizer), bytes_(&bytes), cache_(&cache), limits_(limits) {}

DraftJob::~DraftJob() {
  for (Row& row : rows_) release(row);
}

Result<void> DraftJob::branch(SequenceId prefix, std::span<const float> logits, std::string_view held) {
  check(rows_.empty(), "a job branches once");
  held_ = held;
  std::vector<Choice> choices;
  masked_.assign(logits.size(), kNothing);
  if (held.empty()) {
    masked_.assign(logits.begin(), logits.end());
    for (const TokenId id : tokenizer_->suppressed()) masked_[static_cast<std::size_t>(id)] = kNothing;
  } else {
    for (const TokenId id : bytes_->agreeing(held)) masked_[static_cast<std::size_t>(id)] = logits[static_cast<std::size_t>(id)];
  }
  const LogSum sum = log_sum_of(masked_);
  if (sum.log_sum == kNothing || tokenizer_->is_end_of_generation(static_cast<TokenId>(sum.argmax))) return {};
  for (std::size_t id = 0; id < masked_.size(); ++id) {
    if (masked_[id] > kNothing && !bytes_->of(static_cast<TokenId>(id)).empty()) choices.push_back({static_cast<TokenId>(id), masked_[id]});
  }
  const std::size_t n = std::min(choices.size(), static_cast<std::size_t>(2 * limits_.count - 1));
  std::ranges::partial_sort(choices, choices.begin() + static_cast<std::ptrdiff_t>(n), better);
  for (std::size_t i = 0; i < n; ++i) {
    Row& row = rows_.emplace_back();
    row.draft.id = static_cast<std::int32_t>(i);
    row.sequence = cache_->fork(prefix);
    grow(row, choices[i].token, choices[i].logit - sum.log_sum);
  }
  drop_losers();
  return {};
}

Result<void> DraftJob::add_rows(Batch& batch) {
  const bool choosing = std::ssize(rows_) > limits_.count;
  for (Row& row : rows_) {
    row.batch_row = -1;
    if (row.draft.end != DraftEnd::running) continue;
    // Until the first words are compared, nothing but the greedy draft goes on behind its own.
    if (choosing && row.first_word_known && row.draft.id != 0) continue;
    FW_TRY(cache_->reserve(row.sequence, 1));
    row.batch_row = batch.add(row.draft.ids.back(), row.sequence, -1, true);
  }
  return {};
}

void DraftJob::take(std::int64_t batch_row, std::span<const float> logits) {
  for (Row& row : rows_) {
    if (row.batch_row == batch_row) choose(row, logits);
  }
}

Result<void> DraftJob::end_step() {
  for (Row& row : rows_) {
    if (row.batch_row >= 0) FW_TRY(cache_->commit(row.sequence, 1));
    row.batch_row = -1;
  }
  drop_losers();
  return {};
}

void DraftJob::choose(Row& row, std::span<const float> logits) {
  if (row.bytes.size() < held_.size()) {
    masked_.assign(logits.size(), kNothing);
    for (const TokenId id : bytes_->agreeing(std::string_view(held_).substr(row.bytes.size()))) {
      masked_[static_cast<std::size_t>(id)] = logits[static_cast<std::size_t>(id)];
    }
  } else {
    masked_.assign(logits.begin(), logits.end());
    for (const TokenId id : tokenizer_->suppressed()) masked_[static_cast<std::size_t>(id)] = kNothing;
  }
  const LogSum sum = log_sum_of(masked_);
  const auto token = static_cast<TokenId>(sum.argmax);
  const std::string_view piece = bytes_->of(token);
  if (sum.log_sum == kNothing || piece.empty()) return finish(row, DraftEnd::end_of_text, row.bytes.size());
  const float log_prob = masked_[sum.argmax] - sum.log_sum;
  const double mean_p = row.sum_p / static_cast<double>(row.draft.ids.size());
  if (std::exp(static_cast<double>(log_prob)) < limits_.least_share * mean_p) {
    return finish(row, DraftEnd::unsure, held_.size() + whole_words(text_of(row, row.bytes.size())));
  }
  grow(row, token, log_prob);
}

// What a token does to its row; a row that ends here has its text already.
void DraftJob::grow(Row& row, TokenId token, float log_prob) {
  const std::size_t before = row.bytes.size();
  row.bytes += bytes_->of(token);
  row.draft.ids.push_back(token);
  row.draft.log_probs.push_back(log_prob);
  row.sum += log_prob;
  row.sum_p += std::exp(static_cast<double>(log_prob));
  row.draft.score = row.sum / static_cast<double>(row.draft.ids.size());
  const std::string text = text_of(row, row.bytes.size());
  const std::size_t first = word_end(text, 0);
  if (!row.first_word_known) {
    row.first_word_known = first != std::string::npos || row.draft.ids.size() >= kLongestFirstWord;
    // The token behind the word has shown its end; it is not part of it, unless the word ends within the token.
    const bool inside = first == std::string::npos || held_.size() + first > before;
    row.first_word = row.sum - (row.first_word_known && !inside ? log_prob : 0);
  }
  const std::size_t whole = held_.size() + whole_words(text);
  if (row.draft.score >= limits_.least_mean_log_prob) row.confident = whole;
  row.draft.text = text_of(row, std::min(whole, row.bytes.size()));
  if (const std::size_t line = row.bytes.find('\n', held_.size()); line != std::string::npos) {
    finish(row, DraftEnd::line, line);
  } else if (row.draft.score < limits_.least_mean_log_prob) {
    finish(row, DraftEnd::unsure, row.confident);
  } else if (row.bytes.size() > held_.size() && ends_sentence(text)) {
    finish(row, DraftEnd::sentence, row.bytes.size());
  } else if (std::ssize(row.draft.ids) >= limits_.max_tokens) {
    finish(row, DraftEnd::length, whole);
  }
}

void DraftJob::finish(Row& row, DraftEnd end, std::size_t bytes) {
  row.draft.end = end;
  row.draft.text = text_of(row, bytes);
  if (row.first_word_known) return;
  row.first_word_known = true;
  row.first_word = row.sum;
}

// Once all first words are known, the best of those that differ stay.
void DraftJob::drop_losers() {
  if (!std::ranges::all_of(rows_, &Row::first_word_known)) return;
  std::ranges::stable_sort(rows_, [](const Row& a, const Row& b) {
    if ((a.draft.id == 0) != (b.draft.id == 0)) return a.draft.id == 0;
    return a.first_word != b.first_word ? a.first_word > b.first_word : a.draft.id < b.draft.id;
  });
  std::set<std::string> words;
  std::int32_t kept = 0;
  std::erase_if(rows_, [&](Row& row) {
    const bool empty = row.draft.end != DraftEnd::running && row.draft.text.empty();
    const bool wins = !empty && kept < limits_.count && words.insert(first_word_folded(text_of(row, row.bytes.size()))).second;
    if (wins) ++kept;
    else release(row);
    return !wins;
  });
}

bool DraftJob::running() const {
  return std::ranges::any_of(rows_, [](const Row& row) { return row.draft.end == DraftEnd::running; });
}

std::vector<Draft> DraftJob::drafts() const {
  std::vector<Draft> result;
  for (const bool known : {true, false}) {
    for (const Row& row : rows_) {
      if (row.first_word_known == known && std::ssize(result) < limits_.count) result.push_back(row.draft);
    }
  }
  return result;
}

void DraftJob::extend(std::int64_t max_tokens) {
  limits_.max_tokens = std::max(limits_.max_tokens, max_tokens);
  for (Row& row : rows_) {
    if (row.draft.end == DraftEnd::length && std::ssize(row.draft.ids) < limits_.max_tokens) row.draft.end = DraftEnd::running;
  }
}

void DraftJob::keep_only(std::span<const std::int32_t> ids) {
  std::erase_if(rows_, [&](Row& row) {
    const bool gone = std::ranges::find(ids, row.draft.id) == ids.end();
    if (gone) release(row);
    return gone;
  });
}

void DraftJob::release(Row& row) {
  if (row.sequence >= 0) cache_->remove_sequence(row.sequence);
  row.sequence = -1;
}

std::string DraftJob::text_of(const Row& row, std::size_t end) const {
  if (end <= held_.size()) return {};
  std::string bytes = row.bytes.substr(0, end).substr(held_.size());
  return take_valid_utf8(bytes, false);
}

}  // namespace foreword::engine
