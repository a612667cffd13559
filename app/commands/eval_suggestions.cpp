#include "app/commands/eval_suggestions.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "engine/autocomplete/own_texts.h"

namespace foreword::app {
namespace {

/// Kinds in which somebody writes: an edit's request says word by word what its answer is.
bool is_typed(const EvalKind& kind) { return !kind.answer_only; }

std::vector<DraftWay> ways_of(const SuggestionOptions& options) {
  std::vector<DraftWay> ways;
  for (const std::int32_t count : {1, 3}) {
    const std::string name = std::to_string(count) + (count == 1 ? " draft" : " drafts");
    ways.push_back({name, {.count = count}, options.deadline});
    ways.push_back({name + ", sure", {.count = count, .least_mean_log_prob = options.least_score}, options.deadline});
  }
  for (const engine::DraftMethodRow& row : engine::draft_methods()) {
    if (!options.all_methods || row.method == engine::DraftLimits{}.method) continue;
    ways.push_back({"3 drafts, " + std::string(row.name), {.count = 3, .method = row.method}, options.deadline});
  }
  return ways;
}

/// What people wrote in the records of a kind, without those that are cut.
std::vector<engine::OwnText> others_of(const std::vector<EvalRecord>& records, std::string_view kind, const std::vector<DraftCase>& cases) {
  std::vector<engine::OwnText> texts;
  const auto add = [&](const std::string& text) {
    if (std::ranges::none_of(cases, [&](const DraftCase& each) { return text.find(each.before) != text.npos; })) texts.push_back({1, text});
  };
  for (const EvalRecord& record : records) {
    if (kEvalKinds[record.kind].name != kind) continue;
    if (record.turns.empty()) add(record.text);
    for (const engine::ChatMessage& turn : record.turns) {
      if (turn.role == engine::Role::user) add(turn.content);
    }
  }
  return texts;
}

double ratio(double a, std::int64_t b) { return b > 0 ? a / static_cast<double>(b) : std::nan(""); }
double ratio(std::int64_t a, std::int64_t b) { return ratio(static_cast<double>(a), b); }

Report report_of(const DraftScore& score) {
  Report report;
  report.set("cases", score.cases).set("next_word_hit_rate", ratio(score.hits, score.cases));
  report.set("characters", score.characters).set("keys", score.keys).set("characters_saved", score.characters > 0 ? score.saved() : std::nan(""));
  report.set("silent", ratio(score.silent, score.jobs)).set("drafts_a_case", ratio(score.drafts, score.cases));
  report.set("tokens_a_draft", ratio(score.tokens, score.drafts)).set("perplexity", std::exp(ratio(score.nats, score.drafts)));
  report.set("best_perplexity", std::exp(ratio(score.best_nats, score.cases))).set("worst_perplexity", std::exp(ratio(score.worst_nats, score.cases)));
  report.set("broken", ratio(score.broken, score.drafts)).set("same_tokens", ratio(score.same, score.compared));
  report.set("passes_of_one_row", ratio(score.cost, score.cases));
  return report;
}

}  // namespace

Result<std::vector<SuggestionResult>> eval_suggestions(engine::LoadedModel& model, const std::vector<EvalRecord>& records,
                                                       const SuggestionOptions& options, ProgressLine& progress) {
  std::vector<SuggestionResult> results;
  if (options.cases == 0) return results;
  FW_ASSIGN(DraftEval eval, DraftEval::prepare(model));
  for (const DraftWay& way : ways_of(options)) results.push_back({way, {}, {}});
  for (std::size_t kind = 0; kind < kEvalKinds.size(); ++kind) {
    if (!is_typed(kEvalKinds[kind])) continue;
    std::int64_t done = 0;
    const auto cases = draft_cases(records, kEvalKinds[kind].name, options.cases, options.seed);
    engine::OwnTexts own;
    if (options.own_texts) own.learn(others_of(records, kEvalKinds[kind].name, cases));
    for (SuggestionResult& result : results) result.way.own = options.own_texts ? &own.ngrams(*model.tokenizer()) : nullptr;
    for (const DraftCase& each : cases) {
      progress.show("suggestions, " + std::string(kEvalKinds[kind].name) + ": " + std::to_string(done++) + " of " + std::to_string(cases.size()));
      std::vector<DraftScore> scores;  // a case that is too long for one way is left out of all
      for (const SuggestionResult& result : results) {
        FW_ASSIGN(const std::optional<DraftScore> score, eval.judge(each, result.way, options.length));
        if (!score) break;
        scores.push_back(*score);
      }
      for (std::size_t i = 0; i < results.size() && scores.size() == results.size(); ++i) {
        results[i].kinds[kind].add(scores[i]);
        results[i].all.add(scores[i]);
      }
    }
    for (SuggestionResult& result : results) result.way.own = nullptr;
  }
  return results;
}

void print(const std::vector<SuggestionResult>& results, const SuggestionOptions& options) {
  if (results.empty() || results.front().all.cases == 0) return;
  std::printf("suggestions where texts are cut, %lld characters typed behind each", static_cast<long long>(options.length));
  if (options.deadline > 0) std::printf(", jobs end after %.3g passes of one row", options.deadline);
  std::printf("\n%-22s %-6s %8s %8s %8s %7s %7s %8s %8s %8s %7s %7s\n", "way", "kind", "right %", "saved %", "silent %", "drafts", "tokens", "perpl.",
              "best", "worst", "broken%", "passes");
  const auto row = [](const std::string& way, std::string_view kind, const DraftScore& score) {
    if (score.cases == 0) return;
    std::printf("%-22s %-6s %8.1f %8.1f %8.1f %7.2f %7.1f %8.1f %8.1f %8.1f %7.1f %7.1f\n", way.c_str(), kind.data(), 100 * ratio(score.hits, score.cases),
                100 * score.saved(), 100 * ratio(score.silent, score.jobs), ratio(score.drafts, score.cases), ratio(score.tokens, score.drafts),
                std::exp(ratio(score.nats, score.drafts)), std::exp(ratio(score.best_nats, score.cases)), std::exp(ratio(score.worst_nats, score.cases)),
                100 * ratio(score.broken, score.drafts), ratio(score.cost, score.cases));
  };
  for (const SuggestionResult& result : results) {
    for (std::size_t kind = 0; kind < kEvalKinds.size(); ++kind) row(result.way.name, kEvalKinds[kind].name, result.kinds[kind]);
    row(result.way.name, "all", result.all);
  }
}

std::vector<Report> reports_of(const std::vector<SuggestionResult>& results) {
  std::vector<Report> reports;
  for (const SuggestionResult& result : results) {
    Report kinds;
    for (std::size_t kind = 0; kind < kEvalKinds.size(); ++kind) {
      if (result.kinds[kind].cases > 0) kinds.set(kEvalKinds[kind].name, report_of(result.kinds[kind]));
    }
    Report report;
    report.set("way", result.way.name).set("method", engine::row_of(result.way.limits.method).name).set("drafts", result.way.limits.count);
    report.set("deadline", result.way.deadline).set("all", report_of(result.all)).set("kinds", kinds);
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace foreword::app
