#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

#include "app/command.h"
#include "app/commands/eval_suggestions.h"
#include "app/eval_model.h"
#include "app/eval_records.h"
#include "app/eval_text.h"
#include "app/files.h"
#include "app/progress.h"
#include "app/report.h"
#include "app/terminal.h"

// What the numbers mean, and how they differ from those that assets/builtin/train.py prints while it trains: here every
// record is read by itself, in windows of the model's whole context, so a token sees its own record and nothing else.
// There, records are packed end to end into windows of the training length (256 tokens), so a token may see the record
// before, but never more than that many tokens; the losses are computed in bf16, and all turns but an edit's first count, as
// here. Nats a token differ more: there the ends of turns and of mails count, here only tokens of text do. Both divide
// by the bytes of the text that was counted, so bits a byte agree closely, and models with other vocabularies compare.

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

/// Openings are this long in every model, whatever its tokens are.
constexpr std::size_t kOpeningBytes = 120;

struct Options {
  std::filesystem::path file;
  std::int64_t tokens = 131072, openings = 32, length = 64, edits = 100;
  SuggestionOptions suggestions;
};

struct KindResult {
  EvalScore score;
  std::int64_t records = 0, in_file = 0, skipped = 0;  // skipped: of in_file, cannot be measured
};

struct Repairs {
  std::int64_t tried = 0, repaired = 0;
};

struct Evaluation {
  std::array<KindResult, kEvalKinds.size()> kinds;
  std::int64_t openings = 0;
  NgramCounter grams;
  Repairs repairs;
  std::map<std::string, Repairs> repairs_by_source;
  std::vector<SuggestionResult> suggestions;
};

std::string count_line(const char* what, std::int64_t done, std::int64_t total) {
  return std::string(what) + ": " + std::to_string(done) + " of " + std::to_string(total);
}

/// Evenly spread indices of `items`, at most `most` (0: none).
template <class Item>
std::vector<const Item*> some_of(const std::vector<const Item*>& items, std::int64_t most) {
  if (most == 0) return {};
  const std::vector<std::int64_t> ones(items.size(), 1);
  std::vector<const Item*> chosen;
  for (const std::size_t i : spread(ones, most)) chosen.push_back(items[i]);
  return chosen;
}

std::vector<const EvalRecord*> of_kind(const std::vector<EvalRecord>& records, std::string_view kind) {
  std::vector<const EvalRecord*> chosen;
  for (const EvalRecord& record : records) {
    if (kEvalKinds[record.kind].name == kind) chosen.push_back(&record);
  }
  return chosen;
}

Result<KindResult> measure_kind(EvalModel& model, const std::vector<const EvalRecord*>& records, const std::string& name,
                                std::int64_t most_tokens, ProgressLine& progress) {
  KindResult result;
  result.in_file = std::ssize(records);
  std::vector<EvalTokens> tokens;
  std::vector<std::int64_t> sizes;
  for (const EvalRecord* record : records) {
    auto encoded = model.tokens_of(*record);
    if (!encoded) {
      ++result.skipped;
      continue;
    }
    sizes.push_back(std::max<std::int64_t>(std::ssize(encoded->ids), 1));
    tokens.push_back(std::move(*encoded));
  }
  const std::vector<std::size_t> chosen = spread(sizes, most_tokens);
  for (const std::size_t i : chosen) {
    progress.show(count_line((name + " records").c_str(), result.records, std::ssize(chosen)));
    FW_ASSIGN(const EvalScore score, model.score(tokens[i]));
    result.score.add(score);
    ++result.records;
  }
  return result;
}

Result<void> continue_openings(EvalModel& model, const std::vector<const EvalRecord*>& prose, const Options& options,
                               Evaluation& evaluation, ProgressLine& progress) {
  std::vector<std::string> openings;
  for (const EvalRecord* record : prose) {
    if (std::string opening = opening_of(record->text, kOpeningBytes); !opening.empty()) openings.push_back(std::move(opening));
  }
  std::vector<const std::string*> all;
  for (const std::string& opening : openings) all.push_back(&opening);
  const auto chosen = some_of(all, options.openings);
  for (const std::string* opening : chosen) {
    progress.show(count_line("openings continued", evaluation.openings, std::ssize(chosen)));
    FW_ASSIGN(const std::string text, model.continuation(*opening, options.length));
    evaluation.grams.add(text);
    ++evaluation.openings;
  }
  return {};
}

Result<void> repair_edits(EvalModel& model, const std::vector<const EvalRecord*>& edits, const Options& options,
                          Evaluation& evaluation, ProgressLine& progress) {
  const auto chosen = some_of(edits, options.edits);
  for (const EvalRecord* edit : chosen) {
    progress.show(count_line("edits tried", evaluation.repairs.tried, std::ssize(chosen)));
    FW_ASSIGN(const std::optional<bool> repaired, model.repairs(*edit));
    if (!repaired) continue;
    for (Repairs* repairs : {&evaluation.repairs, &evaluation.repairs_by_source[edit->source]}) {
      ++repairs->tried;
      repairs->repaired += *repaired ? 1 : 0;
    }
  }
  return {};
}

Result<Evaluation> evaluate(engine::LoadedModel& loaded, const std::vector<EvalRecord>& records, const Options& options) {
  EvalModel model(loaded);
  ProgressLine progress;
  Evaluation evaluation;
  for (std::size_t kind = 0; kind < kEvalKinds.size(); ++kind) {
    const std::string name(kEvalKinds[kind].name);
    FW_ASSIGN(evaluation.kinds[kind], measure_kind(model, of_kind(records, name), name, options.tokens, progress));
  }
  FW_TRY(continue_openings(model, of_kind(records, "prose"), options, evaluation, progress));
  FW_TRY(repair_edits(model, of_kind(records, "edit"), options, evaluation, progress));
  FW_ASSIGN(evaluation.suggestions, eval_suggestions(loaded, records, options.suggestions, progress));
  return evaluation;
}

void set_optional(Report& report, const std::string& key, std::optional<double> value) {
  if (value) report.set(key, *value);
  else report.set_null(key);
}

std::optional<double> share(const Repairs& repairs) {
  return repairs.tried > 0 ? std::optional(static_cast<double>(repairs.repaired) / static_cast<double>(repairs.tried)) : std::nullopt;
}

Report report_of(const engine::LoadedModel& model, const Evaluation& evaluation, double seconds) {
  Report kinds, sources, report;
  for (std::size_t i = 0; i < kEvalKinds.size(); ++i) {
    const KindResult& kind = evaluation.kinds[i];
    if (kind.in_file == 0) continue;
    Report row;
    set_optional(row, "bits_per_byte", kind.score.bits_per_byte());
    set_optional(row, "nats_per_token", kind.score.nats_per_token());
    row.set("tokens", kind.score.tokens).set("bytes", kind.score.bytes).set("records", kind.records);
    row.set("records_in_file", kind.in_file).set("records_skipped", kind.skipped);
    kinds.set(kEvalKinds[i].name, row);
  }
  for (const auto& [source, repairs] : evaluation.repairs_by_source) {
    sources.set(source, Report().set("tried", repairs.tried).set("repaired", repairs.repaired));
  }
  report.set("model", model.summary().name).set("context", model.model().context).set("kinds", kinds);
  report.set("openings", evaluation.openings);
  set_optional(report, "repeated_4grams", evaluation.grams.repeated());
  for (std::size_t n = 1; n <= 3; ++n) set_optional(report, "distinct_" + std::to_string(n), evaluation.grams.distinct(n));
  report.set("edits_tried", evaluation.repairs.tried);
  set_optional(report, "edits_repaired", share(evaluation.repairs));
  report.set("edits_by_source", sources);
  report.set("suggestions", reports_of(evaluation.suggestions));
  report.set("seconds", seconds);
  return report;
}

void print(const engine::LoadedModel& model, const Evaluation& evaluation, const Options& options, double seconds) {
  const auto number = [](std::optional<double> value, double scale = 1) { return value ? *value * scale : std::nan(""); };
  std::printf("%s, context %lld, %.1f s\n", for_terminal(model.summary().name).c_str(), static_cast<long long>(model.model().context), seconds);
  std::printf("%-6s %10s %10s %10s %10s  records\n", "kind", "bits/byte", "nats/token", "tokens", "bytes");
  for (std::size_t i = 0; i < kEvalKinds.size(); ++i) {
    const KindResult& kind = evaluation.kinds[i];
    if (kind.in_file == 0) continue;
    std::printf("%-6s %10.4f %10.4f %10lld %10lld  %lld of %lld", kEvalKinds[i].name.data(), number(kind.score.bits_per_byte()),
                number(kind.score.nats_per_token()), static_cast<long long>(kind.score.tokens), static_cast<long long>(kind.score.bytes),
                static_cast<long long>(kind.records), static_cast<long long>(kind.in_file));
    if (kind.skipped > 0) std::printf(", %lld cannot be measured", static_cast<long long>(kind.skipped));
    std::putchar('\n');
  }
  if (evaluation.openings > 0) {
    std::printf("%lld openings continued greedily: %.1f %% of the 4-grams repeat; distinct 1-, 2-, 3-grams %.3f, %.3f, %.3f\n",
                static_cast<long long>(evaluation.openings), number(evaluation.grams.repeated(), 100), number(evaluation.grams.distinct(1)),
                number(evaluation.grams.distinct(2)), number(evaluation.grams.distinct(3)));
  }
  for (const auto& [source, repairs] : evaluation.repairs_by_source) {
    std::printf("%lld of %lld edits repaired (%s)\n", static_cast<long long>(repairs.repaired), static_cast<long long>(repairs.tried),
                for_terminal(source).c_str());
  }
  print(evaluation.suggestions, options.suggestions);
}

int run(const CommonOptions& common, const Options& options) {
  if (const int code = need_model(common); code != kOk) return code;
  const auto start = Clock::now();
  const auto text = read_file(options.file);
  if (!text) return fail(text.error());
  const auto records = parse_eval_records(*text, options.file.filename().string());
  if (!records) return fail(records.error());
  const auto model = engine::LoadedModel::open(common.model, common.engine);
  if (!model) return fail(model.error());
  if ((*model)->model().context < 2) return fail({ErrorCode::invalid_argument, "A context of 1 predicts nothing; choose a larger --context."});
  const auto evaluation = evaluate(**model, *records, options);
  if (!evaluation) return fail(evaluation.error());
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (common.json) report_of(**model, *evaluation, seconds).print();
  else print(**model, *evaluation, options, seconds);
  return kOk;
}

}  // namespace

std::function<int()> add_eval(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  const auto count = CLI::Range(std::int64_t{0}, std::int64_t{1} << 40);
  app.add_option("-f,--file", options->file, "Held-out text: plain JSON lines of the kinds prose, mail, chat and edit")
      ->required()
      ->type_name("FILE");
  app.add_option("--tokens", options->tokens, "About this many tokens of each kind, from records spread over the file; 0: all")
      ->check(count)
      ->capture_default_str();
  app.add_option("--openings", options->openings, "How many beginnings of prose are continued greedily")->check(count)->capture_default_str();
  app.add_option("-n,--length", options->length, "Tokens of each continuation")->check(count)->capture_default_str();
  app.add_option("--edits", options->edits, "How many edits are tried, spread over the file")->check(count)->capture_default_str();
  SuggestionOptions& suggestions = options->suggestions;
  app.add_option("--suggestions", suggestions.cases, "Places of each kind where suggestions are judged; 0: none")->check(count)->capture_default_str();
  app.add_option("--typed", suggestions.length, "Characters that are typed behind each of them")->check(count)->capture_default_str();
  app.add_flag("--own-texts", suggestions.own_texts, "Judge suggestions as if the typist had sent the other texts of the kind before");
  app.add_flag("--methods", suggestions.all_methods, "Judge every way to make suggestions (foreword complete --method)");
  app.add_option("--deadline", suggestions.deadline, "Suggestions end after the time of so many passes of one row; 0: no such end")
      ->check(CLI::Range(0.0, 1e6))
      ->check(must_be_finite);
  app.add_option("--least-score", suggestions.least_score, "Of suggestions that count as sure, nats a token")->capture_default_str();
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
