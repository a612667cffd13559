#include "engine/autocomplete/batched_drafts.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "engine/autocomplete/words.h"
#include "engine/base/check.h"

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();
constexpr std::size_t kAside = 4;      // tokens of a row that may begin another word
constexpr float kRare = -10;           // log of a chance: what is less does not count
constexpr double kMostSaved = 2;       // characters: what a long word saves beyond them comes with its next letter anyway
constexpr double kNothingSaved = 0.1;  // characters: what a word of one character, which is a key too, counts as

struct Choice {
  TokenId token;
  float logit;
};

bool better(const Choice& a, const Choice& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; }

/// The likeliest of what may be chosen, in order.
std::vector<Choice> likeliest(const TokenBytes& bytes, std::span<const float> chances, std::size_t n) {
  std::vector<Choice> best;
  if (n == 0) return best;
  for (std::size_t id = 0; id < chances.size(); ++id) {
    const Choice choice{static_cast<TokenId>(id), chances[id]};
    if (chances[id] == kNothing || (best.size() == n && !better(choice, best.back())) || bytes.of(choice.token).empty()) continue;
    if (best.size() == n) best.pop_back();
    best.insert(std::ranges::upper_bound(best, choice, better), choice);
  }
  return best;
}

}  // namespace

BatchedDrafts::~BatchedDrafts() {
  for (Row& row : rows_) release(row);
}

Result<void> BatchedDrafts::branch(SequenceId prefix, std::span<const float> logits) {
  check(rows_.empty(), "a job branches once");
  const auto start = [&](TokenId token, std::span<const float> chances, const LogSum& sum, const Said& said) {
    Row& row = rows_.emplace_back();
    row.draft.id = next_id_++;
    row.sequence = cache_.fork(prefix);
    row.weigh(ground_, said, token);
    row.grow(ground_, token, chances[static_cast<std::size_t>(token)] - sum.log_sum);
  };
  const std::span<const float> chances = Row{}.chances(ground_, false, logits, masked_, said_);
  const LogSum sum = log_sum_of(chances);
  const auto first = static_cast<TokenId>(sum.argmax);
  if (sum.log_sum == kNothing || ground_.tokenizer->is_end_of_generation(first)) return {};
  if (!ground_.bytes->of(first).empty()) start(first, chances, sum, said_);
  const std::span<const float> others = Row{}.chances(ground_, true, logits, aside_, said_aside_);
  const LogSum all = log_sum_of(others);
  for (const Choice& choice : likeliest(*ground_.bytes, others, n_others() > 0 ? 2 * n_others() + 1 : 0)) {
    if (choice.token != first && rows_.size() < 2 * n_others() + 1) start(choice.token, others, all, said_aside_);
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
  const auto row = std::ranges::find(rows_, batch_row, &Row::batch_row);
  if (row == rows_.end()) return;
  const bool searched = choosing() && n_others() > 0 && !row->first_word_known;
  const std::span<const float> chances = row->chances(ground_, searched && row->draft.id != 0, logits, masked_, said_);
  const LogSum sum = log_sum_of(chances);
  if (!searched || sum.log_sum == kNothing) return choose(*row, chances, sum, 0);
  const std::span<const float> others = row->draft.id != 0 ? chances : row->chances(ground_, true, logits, aside_, said_aside_);
  const LogSum all = row->draft.id != 0 ? sum : log_sum_of(others);
  choose(*row, chances, sum, look_aside(*row, others, all, row->draft.id != 0 ? said_ : said_aside_, static_cast<TokenId>(sum.argmax)));
}

/// Other words that the row could become. If the token that it takes ends its word: the chance (log) of any such end, else 0.
float BatchedDrafts::look_aside(const Row& row, std::span<const float> chances, const LogSum& sum, const Said& said, TokenId taken) {
  const std::string text = row.text_of(ground_, row.bytes.size());
  const bool typed = row.bytes.size() < ground_.held.size();  // still within what stands there
  const bool in_word = !typed && open_word(text) != std::string::npos;
  if (!typed && !in_word) return 0;
  const auto ends_word = [&](TokenId token) { return in_word && !goes_on_inside(ground_.bytes->of(token)); };
  double mass = 0;
  for (std::size_t id = 0; in_word && id < chances.size(); ++id) {
    const float log_prob = chances[id] - sum.log_sum;
    if (log_prob > kRare && ends_word(static_cast<TokenId>(id))) mass += std::exp(static_cast<double>(log_prob));
  }
  const float ends = mass > 0 && mass < 1 ? static_cast<float>(std::log(mass)) : 0;
  bool end_known = ends_word(taken);
  for (const Choice& choice : likeliest(*ground_.bytes, chances, kAside)) {
    if (choice.token == taken) continue;
    const bool end = ends_word(choice.token);
    if (end && end_known) continue;
    end_known = end_known || end;
    Turn& turn = turns_.emplace_back(Turn{row.sequence, row});
    turn.draft.weigh(ground_, said, choice.token);
    turn.draft.grow(ground_, choice.token, choice.logit - sum.log_sum);
    if (end) turn.draft.first_word += ends;
  }
  return ends_word(taken) ? ends : 0;
}

void BatchedDrafts::take_turns() {
  for (Turn& turn : turns_) {
    Row& row = rows_.emplace_back();
    static_cast<GrowingDraft&>(row) = std::move(turn.draft);
    row.draft.id = next_id_++;
    row.sequence = cache_.fork(turn.from);
  }
  turns_.clear();
}

Result<void> BatchedDrafts::end_step() {
  for (Row& row : rows_) {
    if (row.batch_row >= 0) FW_TRY(cache_.commit(row.sequence, 1));
    row.batch_row = -1;
  }
  take_turns();
  if (choosing()) narrow();
  drop_losers();
  return {};
}

void BatchedDrafts::choose(Row& row, std::span<const float> chances, const LogSum& sum, float ends) {
  const auto token = static_cast<TokenId>(sum.argmax);
  if (sum.log_sum == kNothing || ground_.bytes->of(token).empty()) return row.end_of_text(ground_);
  const float log_prob = chances[sum.argmax] - sum.log_sum;
  if (row.is_unsure(ground_, log_prob)) return row.end_unsure(ground_);
  const bool known = row.first_word_known;
  row.weigh(ground_, said_, token);
  row.grow(ground_, token, log_prob);
  if (!known && row.first_word_known) row.first_word += ends;
}

std::string BatchedDrafts::word_of(const Row& row) const { return first_word_folded(row.text_of(ground_, row.bytes.size())); }

double BatchedDrafts::worth(const Row& row) const {
  const std::string text = row.text_of(ground_, row.bytes.size());
  const std::string_view word = std::string_view(text).substr(0, word_end(text, 0));
  const auto characters = std::ranges::count_if(word, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  return row.first_word + std::log(std::min(static_cast<double>(std::max<std::ptrdiff_t>(characters - 1, 0)), kMostSaved) + kNothingSaved);
}

/// What can no longer win is no row of the next step, and no more rows are than the job began with.
void BatchedDrafts::narrow() {
  std::vector<double> known;
  std::set<std::string> words;
  std::ranges::stable_sort(rows_, [&](const Row& a, const Row& b) {
    if ((a.draft.id == 0) != (b.draft.id == 0)) return a.draft.id == 0;
    if (a.first_word_known != b.first_word_known) return a.first_word_known;
    const double of_a = a.first_word_known ? worth(a) : a.sum, of_b = b.first_word_known ? worth(b) : b.sum;
    return of_a != of_b ? of_a > of_b : a.draft.id < b.draft.id;
  });
  std::size_t n_known = 0, n_open = 0;
  double bar = -std::numeric_limits<double>::infinity();
  std::erase_if(rows_, [&](Row& row) {
    if (row.draft.id == 0) {
      if (row.first_word_known) words.insert(word_of(row));
      return false;
    }
    bool stays = false;
    if (row.first_word_known) {
      const bool empty = !row.running() && row.draft.text.empty();
      stays = !empty && n_known < n_others() + 1 && words.insert(word_of(row)).second;
      if (stays && ++n_known >= n_others()) bar = std::max(bar, n_known == n_others() ? worth(row) : bar);
    } else {
      stays = n_open < 2 * n_others() && row.sum + std::log(kMostSaved + kNothingSaved) > bar;
      if (stays) ++n_open;
    }
    if (!stays) release(row);
    return !stays;
  });
}

// Once all first words are known, the best of those that differ stay.
void BatchedDrafts::drop_losers() {
  if (!std::ranges::all_of(rows_, &Row::first_word_known)) return;
  chosen_ = true;
  std::ranges::stable_sort(rows_, [this](const Row& a, const Row& b) {
    if ((a.draft.id == 0) != (b.draft.id == 0)) return a.draft.id == 0;
    const double of_a = worth(a), of_b = worth(b);
    return of_a != of_b ? of_a > of_b : a.draft.id < b.draft.id;
  });
  std::set<std::string> words;
  std::int32_t kept = 0;
  std::erase_if(rows_, [&](Row& row) {
    const bool empty = !row.running() && row.draft.text.empty();
    const bool wins = !empty && kept < ground_.limits.count && words.insert(word_of(row)).second;
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
