#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "app/answer.h"
#include "app/command.h"
#include "app/files.h"
#include "app/terminal.h"
#include "app/typing_run.h"

namespace foreword::app {
namespace {

struct Options {
  std::vector<std::filesystem::path> traces;
  std::filesystem::path history;
  std::int64_t history_tokens = engine::Suggest{}.most_context;
  TypingOptions typing;
  bool answering = false;
};

/// A file of more is no trace.
constexpr std::uintmax_t kMostBytes = std::uintmax_t{64} << 20;
/// What is gone on with while somebody types, which is longer than an answer of a small model, and how far.
constexpr const char* kBeginning = "The history of the town begins with a river. ";
constexpr std::int64_t kAnswerTokens = 256;

/// The paragraphs of a text as turns, the user's first; a turn of the user at the end has no answer yet and is left out.
std::vector<engine::ChatMessage> turns_of(std::string_view text) {
  std::vector<engine::ChatMessage> turns;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    const std::string_view turn = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (turn.find_first_not_of(" \t\r\n") == turn.npos) continue;
    turns.push_back({turns.size() % 2 == 0 ? engine::Role::user : engine::Role::assistant, std::string(turn), {}});
  }
  if (turns.size() % 2 == 1) turns.pop_back();
  return turns;
}

Report report_of(const Sample& sample) {
  return Report().set("n", std::ssize(sample.values)).set("p50", sample.share(0.5)).set("p95", sample.share(0.95)).set("max", sample.most());
}

Report report_of(const std::string& name, const TypingFigures& figures, bool answering) {
  Report report, counters;
  for (const auto& [counter, value] : figures.counters) counters.set(counter, static_cast<std::int64_t>(value));
  report.set("trace", name).set("keys", figures.keys).set("jobs", figures.jobs).set("overtaken", figures.overtaken).set("unfinished", figures.unfinished);
  report.set("first_word_ms", report_of(figures.first_word)).set("all_drafts_ms", report_of(figures.all_drafts));
  report.set("cancel_ms", report_of(figures.cancelled)).set("window_ms", report_of(figures.window));
  report.set("words_shown", figures.words_shown).set("ghost_hits", figures.ghost_hits).set("strip_hits", figures.strip_hits);
  report.set("saved_characters", figures.saved).set("prompt_tokens", figures.prompt_tokens);
  report.set("read_tokens", figures.read_tokens).set("reused_tokens", figures.reused_tokens);
  if (answering) report.set("answer_tokens_per_second", report_of(figures.answer_rates)).set("undisturbed_tokens_per_second", report_of(figures.quiet_rates));
  report.set("counters", counters).set("text", figures.text);
  return report;
}

void print(const char* name, const Sample& sample) {
  std::printf("  %-26s %8.2f %8.2f %8.2f  %lld\n", name, sample.share(0.5), sample.share(0.95), sample.most(), static_cast<long long>(std::ssize(sample.values)));
}

void print(const std::string& name, const TypingFigures& figures, bool answering) {
  const auto number = [](std::int64_t value) { return static_cast<long long>(value); };
  std::printf("%s: %lld keys, %lld jobs, prompts of up to %lld tokens\n", for_terminal(name).c_str(), number(figures.keys), number(figures.jobs), number(figures.prompt_tokens));
  std::printf("  %-26s %8s %8s %8s  n\n", "ms", "p50", "p95", "most");
  print("key to first word", figures.first_word);
  print("key to all drafts", figures.all_drafts);
  print("cancel to last event", figures.cancelled);
  print("window's work for a key", figures.window);
  std::printf("  overtaken by the next key: %lld jobs without a word, %lld before all drafts were there\n", number(figures.overtaken), number(figures.unfinished));
  std::printf("  next words: %lld shown, %lld right in the ghost, %lld in ghost or strip; %lld characters saved\n", number(figures.words_shown),
              number(figures.ghost_hits), number(figures.strip_hits), number(figures.saved));
  if (answering) {
    std::printf("  answers, tokens/s (p50): %.1f of %zu while typing, %.1f of %zu while the typist waits\n", figures.answer_rates.share(0.5),
                figures.answer_rates.values.size(), figures.quiet_rates.share(0.5), figures.quiet_rates.values.size());
  }
  for (const auto& [counter, value] : figures.counters) {
    // Histograms are for the health page; their figures stand above.
    if (counter.starts_with("key_to_") || counter.starts_with("cancel.")) continue;
    std::printf("  %-26s %8llu\n", counter.c_str(), static_cast<unsigned long long>(value));
  }
}

Result<void> type_one(EngineClient& client, const CommonOptions& common, const engine::SamplingParams& sampling, const Options& options,
                      const KeyTrace& trace, const std::string& name, std::uint64_t base) {
  TypingOptions typing = options.typing;
  typing.base = base;
  if (options.answering) {
    engine::Generate& request = typing.answer.emplace();
    request.id = base + 1;
    request.prompt = std::string(kBeginning);
    request.sampling = sampling;
    request.max_tokens = kAnswerTokens;
  }
  FW_ASSIGN(const TypingFigures figures, type_trace(client.session(), client.outbox(), trace, typing));
  if (common.json) report_of(name, figures, options.answering).print();
  else print(name, figures, options.answering);
  return {};
}

int run(const CommonOptions& common, Options options) {
  if (const int code = need_model(common); code != kOk) return code;
  std::vector<KeyTrace> traces;
  for (const auto& path : options.traces) {
    const auto text = read_file(path, kMostBytes);
    if (!text) return fail(text.error());
    auto trace = parse_key_trace(*text, path.filename().string());
    if (!trace) return fail(trace.error());
    traces.push_back(std::move(*trace));
  }
  std::vector<engine::ChatMessage> history;
  if (!options.history.empty()) {
    const auto text = read_file(options.history, kMostBytes);
    if (!text) return fail(text.error());
    history = turns_of(*text);
  }
  options.typing.context = {std::move(history), options.history_tokens, 0};
  EngineClient client;
  const auto model = client.load(common.model, common.engine);
  if (!model) return fail(model.error());
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const auto done = type_one(client, common, sampling_for(common, *model), options, traces[i], options.traces[i].filename().string(), static_cast<std::uint64_t>(i) << 32);
    if (!done) return fail(done.error());
  }
  return kOk;
}

}  // namespace

std::function<int()> add_type(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("-f,--file", options->traces, "Recorded keys (docs/autocomplete.md); may be given more than once")->required()->type_name("TRACE");
  app.add_option("--keys", options->typing.keys_per_second, "Keys a second, instead of the trace's times")->check(CLI::Range(0.1, 1000.0))->check(must_be_finite);
  app.add_option("--speed", options->typing.speed, "The trace's times go by this much faster")->check(CLI::Range(0.01, 1000.0))->check(must_be_finite);
  app.add_flag("--accept", options->typing.accepts, "Where the trace has text to be typed, accept right words as soon as they are shown");
  app.add_flag("--unsure", options->typing.unsure, "Have drafts that the model is not sure of written to their end too, which is more work");
  app.add_option("--drafts", options->typing.settings.drafts, "Suggestions wanted at once")->check(CLI::Range(1, 6))->type_name("K");
  app.add_option("--history", options->history, "A text whose paragraphs are the chat so far, turn by turn")->type_name("FILE");
  app.add_option("--history-tokens", options->history_tokens, "Tokens of the chat that suggestions look at")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_flag("--answering", options->answering, "Have answers written meanwhile; during every other one the typist waits, so that both can be compared");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
