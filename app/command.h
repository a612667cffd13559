#pragma once
// The commands of the program, as rows of one table (commands() in main.cpp). A command registers its own options and
// returns what runs it; the common options stand at the root and may be given before or after the command's name.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/session.h"

namespace CLI {
class App;
}

namespace foreword::app {

/// Exit codes of the program.
inline constexpr int kOk = 0;
inline constexpr int kFailure = 1;
inline constexpr int kWrongUse = 2;

struct CommonOptions {
  std::filesystem::path model;    // empty: none. A command without -m gets the built-in one
  std::filesystem::path builtin;  // the built-in model; empty: it is missing
  bool model_given = false;       // with -m
  engine::ModelOptions engine;
  engine::SamplingParams sampling;
  std::vector<const engine::SamplerParam*> sampling_named;  // with their flags; for the others counts what the model's file recommends
  bool kv_given = false;        // --kv was named; else what the window has stored counts there
  bool seed_given = false;      // else a fresh one is drawn for each run
  bool json = false;
  std::filesystem::path data_dir;
  bool keeps_prefixes = true;                   // what was read for chats is kept on the disk
  std::optional<std::int64_t> prefix_budget;    // bytes; nothing: the standard one
};

/// How answers of this model are drawn.
inline engine::SamplingParams sampling_for(const CommonOptions& common, const engine::ModelSummary& model) {
  return engine::advised(common.sampling, model.sampling, common.sampling_named);
}

struct CommandRow {
  const char* name;
  const char* help;
  /// Adds the options; the result runs the command with them and gives the exit code. `common` outlives it.
  std::function<int()> (*add)(CLI::App& app, const CommonOptions& common);
};

std::function<int()> add_chat(CLI::App& app, const CommonOptions& common);
std::function<int()> add_export(CLI::App& app, const CommonOptions& common);
std::function<int()> add_complete(CLI::App& app, const CommonOptions& common);
std::function<int()> add_type(CLI::App& app, const CommonOptions& common);
std::function<int()> add_tokenize(CLI::App& app, const CommonOptions& common);
std::function<int()> add_logits(CLI::App& app, const CommonOptions& common);
std::function<int()> add_perplexity(CLI::App& app, const CommonOptions& common);
std::function<int()> add_eval(CLI::App& app, const CommonOptions& common);
std::function<int()> add_bench(CLI::App& app, const CommonOptions& common);
std::function<int()> add_inspect(CLI::App& app, const CommonOptions& common);
std::function<int()> add_quantize(CLI::App& app, const CommonOptions& common);
std::function<int()> add_download(CLI::App& app, const CommonOptions& common);
std::function<int()> add_network(CLI::App& app, const CommonOptions& common);
std::function<int()> add_models(CLI::App& app, const CommonOptions& common);
std::function<int()> add_serve(CLI::App& app, const CommonOptions& common);
std::function<int()> add_devices(CLI::App& app, const CommonOptions& common);

/// An option that takes a name of engine::kv_wish_names(). `wish` outlives the app.
void add_kv_wish(CLI::App& app, const char* flag, const char* help, engine::KvWish& wish);

/// A check of a number beside CLI::Range, which lets "nan" through; empty: it is one.
std::string must_be_finite(const std::string& text);

/// The error's sentence on stderr; kFailure.
int fail(const Error& error);
/// A sentence about wrong use on stderr; kWrongUse.
int wrong_use(const std::string& sentence);
/// kOk if there is a model; one sentence on stderr says what the built-in one is, if it will serve. Else a sentence on
/// how to open a model, and kWrongUse.
int need_model(const CommonOptions& common);

}  // namespace foreword::app
