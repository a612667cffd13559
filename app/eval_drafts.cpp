#include "app/eval_drafts.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "app/eval_model.h"
#include "app/eval_text.h"
#include "engine/autocomplete/growing_draft.h"
#include "engine/autocomplete/words.h"
#include "engine/sampling/log_sum.h"
#include "engine/suggestion.h"

namespace foreword::app {

using engine::Draft;
using engine::TokenId;

namespace {

constexpr std::size_t kLeastBefore = 40, kLeastBehind = 40, kMostBefore = 1000;  // bytes
constexpr double kBroken = 0.001;
constexpr std::int64_t kMostRows = 64;  // whose cost is measured
constexpr int kCostTurns = 20;

bool is_inside(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // of a character

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && is_inside(text[at])) ++at;
  return at;
}

std::int64_t characters_of(std::string_view text) { return std::ranges::count_if(text, [](char c) { return !is_inside(c); }); }

/// Texts that one of a kind may be cut in, and what comes before them.
struct Cuttable {
  std::vector<engine::ChatMessage> messages;
  std::string_view text;
};

std::vector<Cuttable> cuttable(const EvalRecord& record) {
  std::vector<Cuttable> result;
  if (record.turns.empty()) return {{{}, record.text}};
  for (std::size_t i = 0; i < record.turns.size(); ++i) {
    if (record.turns[i].role != engine::Role::user) continue;
    result.push_back({{record.turns.begin(), record.turns.begin() + static_cast<std::ptrdiff_t>(i)}, record.turns[i].content});
  }
  return result;
}

}  // namespace

std::vector<DraftCase> draft_cases(const std::vector<EvalRecord>& records, std::string_view kind, std::int64_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<DraftCase> all;
  for (const EvalRecord& record : records) {
    if (kEvalKinds[record.kind].name != kind) continue;
    std::vector<Cuttable> texts = cuttable(record);
    std::erase_if(texts, [](const Cuttable& each) { return each.text.size() < kLeastBefore + kLeastBehind; });
    const std::uint64_t first = random(), second = random();  // drawn for every record, so that no choice depends on another's
    if (texts.empty()) continue;
    const Cuttable& chosen = texts[first % texts.size()];
    std::size_t cut = kLeastBefore + second % (chosen.text.size() - kLeastBefore - kLeastBehind + 1);
    while (is_inside(chosen.text[cut])) --cut;
    std::size_t begin = cut > kMostBefore ? cut - kMostBefore : 0;
    while (is_inside(chosen.text[begin])) ++begin;
    all.push_back({chosen.messages, std::string(chosen.text.substr(begin, cut - begin)), std::string(chosen.text.substr(cut))});
  }
  const std::vector<std::int64_t> ones(all.size(), 1);
  std::vector<DraftCase> some;
  if (n <= 0) return some;
  for (const std::size_t i : spread(ones, n)) some.push_back(std::move(all[i]));
  return some;
}

std::size_t right_word(std::string_view rest, std::string_view text) {
  const std::size_t end = engine::word_end(rest, 0);
  if (end == rest.npos || !text.starts_with(rest.substr(0, end))) return 0;
  const std::size_t shown = engine::word_end(text, 0);
  return shown == end || text.size() == end ? end : 0;
}

void DraftScore::add(const DraftScore& other) {
  characters += other.characters, keys += other.keys, jobs += other.jobs, silent += other.silent;
  cases += other.cases, hits += other.hits, drafts += other.drafts, tokens += other.tokens, broken += other.broken;
  nats += other.nats, best_nats += other.best_nats, worst_nats += other.worst_nats;
  pairs += other.pairs, compared += other.compared, same += other.same, cost += other.cost;
}

Result<DraftEval> DraftEval::prepare(engine::LoadedModel& model) {
  using Clock = std::chrono::steady_clock;
  DraftEval eval(model);
  const std::int64_t most = std::min(kMostRows, model.forward().max_rows());
  std::vector<std::vector<double>> seconds(static_cast<std::size_t>(most) + 1);
  const engine::SequenceId sequence = model.cache().add_sequence();
  // Of the counts in between a job has few; what is not measured lies on a line.
  const std::int64_t counts[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64};
  for (int turn = 0; turn <= kCostTurns; ++turn) {
    for (const std::int64_t n : counts) {
      if (n > most) break;
      engine::Batch batch;
      for (std::int64_t i = 0; i < n; ++i) batch.add(0, sequence, static_cast<std::int32_t>(i - 1), true);
      const Clock::time_point begin = Clock::now();
      FW_TRY(model.forward().run(batch, [](std::int64_t, std::span<const float>) {}));
      if (turn > 0) seconds[static_cast<std::size_t>(n)].push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    }
  }
  model.cache().remove_sequence(sequence);
  eval.costs_.assign(seconds.size(), 1);
  // Whatever else the machine does only ever adds to a pass.
  const double one = std::ranges::min(seconds[1]);
  std::size_t last = 1;
  for (std::size_t n = 2; n < seconds.size(); ++n) {
    if (seconds[n].empty()) continue;
    eval.costs_[n] = std::max(eval.costs_[last], std::ranges::min(seconds[n]) / one);  // more rows never cost less
    for (std::size_t i = last + 1; i < n; ++i) {
      eval.costs_[i] = eval.costs_[last] + (eval.costs_[n] - eval.costs_[last]) * static_cast<double>(i - last) / static_cast<double>(n - last);
    }
    last = n;
  }
  eval.costs_.resize(last + 1);
  return eval;
}

Result<DraftEval::Place> DraftEval::read(const DraftCase& held_out, const std::string& before) {
  engine::Suggest request;
  if (held_out.messages.empty()) request.context = std::string();
  else request.context = held_out.messages;
  request.before = before;
  FW_ASSIGN(engine::SuggestionPrompt prompt, encode_suggestion(*model_, *bytes_, request, fixed_day()));
  Place place(model_->cache());
  place.held = prompt.held.held;
  prompt.tokens.resize(prompt.held.n_kept);
  if (std::ssize(prompt.tokens) >= model_->model().context) return Error{ErrorCode::out_of_memory, "The text before the caret does not fit into the context."};
  engine::PrefixTree::Text& text = model_->texts().open(std::span(prompt.tokens).first(prompt.tokens.size() - 1), 0);
  const engine::TextInUse in_use(model_->texts(), text);
  const auto keep = [&](std::int64_t, std::span<const float> logits) {
    place.logits.assign(logits.begin(), logits.begin() + std::min<std::ptrdiff_t>(std::ssize(logits), model_->tokenizer()->size()));
  };
  const auto fresh = std::span(prompt.tokens).subspan(text.tokens.size());
  FW_TRY(model_->read(text.sequence, fresh, [&](std::int64_t i) { return i + 1 == std::ssize(fresh); }, keep));
  text.tokens = prompt.tokens;
  while (const auto token = engine::settled(*bytes_, place.logits, place.held)) {
    FW_TRY(model_->read(text.sequence, std::span(&*token, 1), [](std::int64_t) { return true; }, keep));
    text.tokens.push_back(*token);
    place.held.erase(0, bytes_->of(*token).size());
  }
  place.tokens = text.tokens;
  place.sequence = model_->cache().fork(text.sequence);
  return place;
}

Result<std::vector<Draft>> DraftEval::drafts(const Place& place, const DraftWay& way, double& cost,
                                             const std::function<bool(const std::vector<Draft>&)>& go_on) {
  const auto cost_of = [&](std::int64_t rows) {
    const auto known = std::ssize(costs_) - 1;
    return rows <= known ? costs_[static_cast<std::size_t>(rows)] : costs_.back() * static_cast<double>(rows) / static_cast<double>(known);
  };
  engine::DraftLimits limits = way.limits;
  if (way.deadline > 0 && limits.method == engine::DraftMethod::superposed) {
    // What it says comes with its last pass, which therefore has to come in time.
    const auto whole = [&](std::int64_t n) { return static_cast<double>(n - 1) + cost_of(limits.count * (n - 1)); };
    while (limits.max_tokens > 1 && whole(std::min<std::int64_t>(limits.max_tokens, 8)) > way.deadline) --limits.max_tokens;
  }
  engine::DraftJob job(*model_->tokenizer(), *bytes_, model_->cache(), limits);
  engine::Ngrams here;
  FW_TRY(job.branch(place.sequence, place.logits, place.held, place.tokens, engine::remembered_for(way.own, place.tokens, here)));
  engine::Batch batch;
  cost = 0;
  while (job.running() && go_on(job.drafts())) {
    batch.clear();
    FW_TRY(job.add_rows(batch));
    if (way.deadline > 0 && cost + cost_of(batch.size()) > way.deadline + 1e-9) break;
    cost += cost_of(batch.size());
    FW_TRY(model_->forward().run(batch, [&](std::int64_t row, std::span<const float> logits) {
      job.take(row, logits.first(std::min(logits.size(), static_cast<std::size_t>(model_->tokenizer()->size()))));
    }));
    FW_TRY(job.end_step());
  }
  std::vector<Draft> drafts = job.drafts();
  std::erase_if(drafts, [](const Draft& draft) { return draft.text.empty(); });
  return drafts;
}

/// Of each token, behind the prompt and those before it, among those that agree with what is held back.
Result<std::vector<double>> DraftEval::exact_chances(const Place& place, std::span<const TokenId> ids) {
  const engine::DraftGround ground{model_->tokenizer(), bytes_.get(), {}, place.held};
  const engine::SequenceId sequence = model_->cache().fork(place.sequence);
  std::vector<float> logits = place.logits, masked;
  std::vector<double> chances;
  std::string bytes;
  Result<void> result;
  for (const TokenId id : ids) {
    const auto allowed = engine::allowed(ground, bytes, logits, masked);
    chances.push_back(std::exp(static_cast<double>(allowed[static_cast<std::size_t>(id)]) - engine::log_sum_of(allowed).log_sum));
    bytes += bytes_->of(id);
    result = model_->read(sequence, std::span(&id, 1), [](std::int64_t) { return true; },
                          [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.begin() + std::ssize(logits)); });
    if (!result) break;
  }
  model_->cache().remove_sequence(sequence);
  if (!result) return result.error();
  return chances;
}

/// The drafts where the text was cut, whole.
Result<void> DraftEval::look_at(const DraftCase& held_out, const DraftWay& way, DraftScore& score) {
  FW_ASSIGN(const Place place, read(held_out, held_out.before));
  double cost = 0;
  const auto found = drafts(place, way, cost, [](const auto&) { return true; });
  if (!found) return found.error();
  ++score.cases;
  score.cost += cost;
  if (std::ranges::any_of(*found, [&](const Draft& draft) { return right_word(held_out.rest, draft.text) > 0; })) ++score.hits;
  double best = 0, worst = 0;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Draft& draft = (*found)[i];
    FW_ASSIGN(const std::vector<double> chances, exact_chances(place, draft.ids));
    double nats = 0;
    for (const double chance : chances) nats -= std::log(std::max(chance, 1e-30));
    nats /= static_cast<double>(chances.size());
    ++score.drafts;
    score.tokens += std::ssize(draft.ids);
    score.nats += nats;
    if (std::ranges::min(chances) < kBroken) ++score.broken;
    best = i == 0 ? nats : std::min(best, nats);
    worst = i == 0 ? nats : std::max(worst, nats);
    for (std::size_t k = 0; k < i; ++k) {
      const auto& other = (*found)[k].ids;
      ++score.pairs;
      for (std::size_t at = 0; at < std::min(other.size(), draft.ids.size()); ++at) {
        ++score.compared;
        if (other[at] == draft.ids[at]) ++score.same;
      }
    }
  }
  score.best_nats += best;
  score.worst_nats += worst;
  return {};
}

Result<void> DraftEval::type(const DraftCase& held_out, const DraftWay& way, std::int64_t length, DraftScore& score) {
  std::size_t at = 0, end = 0;
  for (std::int64_t n = 0; n < length && end < held_out.rest.size(); ++n) end = next_character(held_out.rest, end);
  const std::string_view all = held_out.rest;
  while (at < end) {
    const std::string_view rest = all.substr(at);
    FW_ASSIGN(const Place place, read(held_out, held_out.before + std::string(all.substr(0, at))));
    // A job whose drafts all say something else than the text is of no further use.
    const auto useful = [&](const std::vector<Draft>& now) {
      return std::ranges::any_of(now, [&](const Draft& draft) { return draft.text.empty() || rest.starts_with(draft.text); });
    };
    double cost = 0;
    auto found = drafts(place, way, cost, [&](const auto& now) { return now.empty() || useful(now); });
    if (!found) return found.error();
    ++score.jobs;
    if (found->empty()) ++score.silent;
    std::size_t taken = 0;
    for (std::size_t used = std::string::npos; used != taken && at + taken < end;) {
      used = taken;
      for (const Draft& draft : *found) {
        if (draft.text.size() <= taken || !rest.starts_with(draft.text.substr(0, taken))) continue;
        const std::size_t word = right_word(rest.substr(taken), std::string_view(draft.text).substr(taken));
        if (word == 0) continue;
        taken += word;
        ++score.keys;
        break;
      }
    }
    const std::size_t next = taken > 0 ? at + taken : next_character(all, at);
    if (taken == 0) ++score.keys;
    score.characters += characters_of(all.substr(at, next - at));
    at = next;
  }
  return {};
}

Result<std::optional<DraftScore>> DraftEval::judge(const DraftCase& held_out, const DraftWay& way, std::int64_t length) {
  DraftScore score;
  auto done = look_at(held_out, way, score);
  if (done) done = type(held_out, way, length, score);
  if (!done && done.error().code == ErrorCode::out_of_memory) return std::optional<DraftScore>();
  if (!done) return done.error();
  return std::optional(score);
}

}  // namespace foreword::app
