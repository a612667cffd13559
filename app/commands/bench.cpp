#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <random>

#include "app/command.h"
#include "app/commands/bench_drafts.h"
#include "app/commands/bench_roofline.h"
#include "app/option_checks.h"
#include "app/report.h"
#include "app/terminal.h"
#include "engine/loaded_model.h"
#include "engine/model/random_model.h"
#include "engine/sampling/sampler.h"
#include "gpu/bandwidth.h"
#include "gpu/cpu/system.h"

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::int64_t prompt = 512, n = 128, repetitions = 5, depth = 0;
  std::vector<std::int64_t> rows, drafts;
  std::vector<std::string> shapes, types{"Q4_0"};
  std::filesystem::path write;
  bool roofline = false;
};

/// Random content is as good as any: speed does not depend on it.
constexpr std::uint64_t kSeed = 1;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct RowFigures {
  std::int64_t n = 0;
  double seconds = 0;          // of a step
  double bandwidth_share = 0;  // of the memory's speed measured right before each step
};

struct Figures {
  double prompt_tokens_per_second = 0;  // 0: not measured
  double decode_seconds = 0;            // one token; 0: not measured
  double decode_bandwidth_share = 0;
  gpu::DeviceCounts decode_counts;      // of all decoding steps
  std::int64_t decode_steps = 0;
  std::int64_t outside_layers = 0;      // dispatches of a step whose layers do nothing
  double bandwidth = 0;                 // bytes per second
  std::vector<RowFigures> rows;
  std::vector<Roofline> rooflines;
  std::vector<DraftFigures> drafts;
};

/// How often each number of rows is timed in one repetition.
constexpr int kTurnsOfRows = 5;
constexpr int kStepsOfRoofline = 5;
/// As many as are shown at first.
constexpr std::int64_t kTokensOfDrafts = 12;

/// Measures one loaded model. The cache holds `depth` random tokens before every measurement.
class Bench {
 public:
  Bench(engine::LoadedModel& model, const Options& options)
      : model_(model), options_(options), sequence_(model.cache().add_sequence()), random_(kSeed) {}

  Result<Figures> run() {
    if (const std::int64_t most = model_.forward().max_rows(); !options_.rows.empty() && std::ranges::max(options_.rows) > most) {
      return Error{ErrorCode::invalid_argument, "A pass of this model takes at most " + std::to_string(most) + " rows here; choose fewer --rows or a larger --context."};
    }
    FW_ASSIGN(gpu::ReadBandwidth memory, gpu::ReadBandwidth::prepare(model_.backend()));
    FW_TRY(fill_cache());
    FW_TRY(timed_chain(1, false));  // touches every weight once, so that a mapped file is in memory
    Figures figures;
    std::vector<double> prompt, decode, decode_share, bandwidth;
    std::vector<std::vector<double>> rows(options_.rows.size()), row_share(options_.rows.size());
    // The memory's speed is measured beside each thing that is held against it: other programs share it.
    const auto memory_speed = [&] { return bandwidth.emplace_back(memory.pass()); };
    const auto share = [&](double seconds, double speed) { return speed > 0 ? bytes_per_step() / seconds / speed : 0; };
    for (std::int64_t repetition = 0; repetition < options_.repetitions; ++repetition) {
      if (options_.prompt > 0) {
        FW_ASSIGN(const double seconds, timed_prompt());
        prompt.push_back(static_cast<double>(options_.prompt) / seconds);
      }
      if (options_.n > 0) {
        const double before = memory_speed();
        model_.backend().take_counts();
        FW_ASSIGN(const double seconds, timed_decode());
        figures.decode_counts = model_.backend().take_counts();
        figures.decode_steps = options_.n;
        FW_ASSIGN(figures.outside_layers, count_outside_layers());
        decode.push_back(seconds / static_cast<double>(options_.n));
        decode_share.push_back(share(decode.back(), (before + memory_speed()) / 2));
      }
      for (std::size_t turn = 0; turn < rows.size() * kTurnsOfRows; ++turn) {
        const std::size_t i = turn % rows.size();
        const double speed = memory_speed();
        FW_ASSIGN(const double seconds, timed_chain(options_.rows[i], true));
        rows[i].push_back(seconds);
        row_share[i].push_back(share(seconds, speed));
      }
    }
    if (bandwidth.empty()) memory_speed();
    figures.bandwidth = median(bandwidth);
    if (!prompt.empty()) figures.prompt_tokens_per_second = median(prompt);
    if (!decode.empty()) {
      figures.decode_seconds = median(decode);
      figures.decode_bandwidth_share = median(decode_share);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      figures.rows.push_back({options_.rows[i], median(rows[i]), median(row_share[i])});
    }
    if (options_.roofline) FW_TRY(add_rooflines(memory, figures));
    if (!options_.drafts.empty()) {
      FW_ASSIGN(figures.drafts, bench_drafts(model_, sequence_, options_.depth, options_.drafts, kTokensOfDrafts, options_.repetitions));
    }
    return figures;
  }

  /// Weights, and the cache's keys and values.
  double bytes_per_step() const {
    return static_cast<double>(model_.model().weight_bytes_per_token +
                               model_.cache().shape().bytes_per_slot() * options_.depth);
  }

 private:
  engine::TokenId random_token() {
    return static_cast<engine::TokenId>(random_() % static_cast<std::uint64_t>(model_.model().vocab_size));
  }

  /// Random numbers for all pages, and a sequence that claims to have read `depth` tokens.
  Result<void> fill_cache() {
    engine::KvCache& cache = model_.cache();
    const bool half = cache.shape().dtype == gpu::DType::f16;
    std::vector<std::byte> bytes;
    for (std::int64_t il = 0; il < cache.shape().n_layers; ++il) {
      const gpu::KvLayer layer = cache.layer(il);
      const std::int64_t n = layer.n_blocks * layer.n_kv_heads * layer.page_bytes() / gpu::bytes_of(layer.dtype);
      bytes.resize(static_cast<std::size_t>(n * gpu::bytes_of(layer.dtype)));
      for (std::int64_t i = 0; i < n; ++i) {
        const float value = static_cast<float>(random_() % 2048) / 1024.0F - 1.0F;
        const std::uint16_t short_value = gpu::float_to_half(value);
        if (half) std::memcpy(bytes.data() + 2 * i, &short_value, 2);
        else std::memcpy(bytes.data() + 4 * i, &value, 4);
      }
      model_.backend().write({layer.buffer, layer.offset, 1, n, n, layer.dtype}, bytes);
    }
    FW_TRY(model_.backend().submit());
    for (std::int64_t left = options_.depth; left > 0; left -= gpu::kPageSlots) {
      const std::int64_t n = std::min(left, gpu::kPageSlots);
      FW_TRY(cache.reserve(sequence_, n));
      FW_TRY(cache.commit(sequence_, n));
    }
    return {};
  }

  Result<double> timed_prompt() {
    std::vector<engine::TokenId> tokens;
    for (std::int64_t i = 0; i < options_.prompt; ++i) tokens.push_back(random_token());
    const auto start = Clock::now();
    FW_TRY(model_.read(sequence_, tokens, [&](std::int64_t i) { return i + 1 == options_.prompt; }, kIgnoreLogits));
    const double seconds = seconds_since(start);
    model_.cache().truncate(sequence_, options_.depth);
    return seconds;
  }

  Result<double> timed_decode() {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < options_.n; ++i) {
      const engine::TokenId token = random_token();
      FW_TRY(model_.read(sequence_, std::span(&token, 1), [](std::int64_t) { return answers_wish(); }, kIgnoreLogits));
    }
    const double seconds = seconds_since(start);
    model_.cache().truncate(sequence_, options_.depth);
    return seconds;
  }

  /// What an answer with the usual sampling wants of a row.
  static engine::LogitWish answers_wish() { return engine::Sampler({}).wish(0); }

  /// One step of n rows, each the parent of the next, all with logits.
  Result<double> timed_chain(std::int64_t n, bool logits) {
    engine::Batch batch;
    for (std::int64_t i = 0; i < n; ++i) batch.add(random_token(), sequence_, static_cast<std::int32_t>(i - 1), logits ? answers_wish() : engine::LogitWish(false));
    const auto start = Clock::now();
    FW_TRY(model_.forward().run(batch, kIgnoreLogits));
    return seconds_since(start);
  }

  Result<std::int64_t> count_outside_layers() {
    engine::Batch batch;
    batch.add(random_token(), sequence_, -1, answers_wish());
    const std::vector<std::uint8_t> all(static_cast<std::size_t>(model_.model().config.n_layers), 1);
    model_.backend().take_counts();
    FW_TRY(model_.forward().run(batch, kIgnoreLogits, {.skipped = all}));
    return model_.backend().take_counts().dispatches;
  }

  Result<void> add_rooflines(gpu::ReadBandwidth& memory, Figures& figures) {
    for (const std::int64_t n : options_.rows) {
      Roofline roofline{n, kStepsOfRoofline, memory.pass(), model_.backend().measure_peak_operations(), {}};
      model_.backend().set_profiling(true);
      for (int step = 0; step < kStepsOfRoofline; ++step) FW_TRY(timed_chain(n, true));
      model_.backend().set_profiling(false);
      roofline.ops = model_.backend().take_profile();
      figures.rooflines.push_back(std::move(roofline));
    }
    return {};
  }

  static constexpr auto kIgnoreLogits = [](std::int64_t, const engine::LogitRow&) {};

  engine::LoadedModel& model_;
  const Options& options_;
  engine::SequenceId sequence_;
  std::mt19937_64 random_;
};

/// What a random model is made of.
struct Recipe {
  std::string name;
  engine::ModelShape shape;
  gpu::Format format{};
};

/// Every shape with every type.
Result<std::vector<Recipe>> recipes_of(const Options& options) {
  std::vector<Recipe> recipes;
  for (const std::string& shape_name : options.shapes) {
    FW_ASSIGN(const engine::ModelShape shape, engine::find_shape(shape_name));
    for (const std::string& type : options.types) {
      const auto format = gpu::format_from_name(type);
      if (!format) return Error{ErrorCode::invalid_argument, "There is no weight type \"" + type + "\"; try Q4_0, Q8_0, Q4_K or F16."};
      recipes.push_back({shape_name + " shape, " + type, shape, *format});
    }
  }
  return recipes;
}

/// A model that is made up lies in memory as a whole, where one of a file is mapped.
Result<void> check_room(const Recipe& recipe) {
  FW_ASSIGN(const engine::GgufWriter writer, engine::random_model(recipe.shape, recipe.format, kSeed));
  const auto needed = static_cast<double>(writer.file_bytes()), there = static_cast<double>(gpu::memory_info().available_bytes);
  if (needed <= there) return {};
  char sizes[64];
  std::snprintf(sizes, sizeof sizes, "%.1f GB, and %.1f GB of memory are free", needed / 1e9, there / 1e9);
  return Error{ErrorCode::out_of_memory, "The " + recipe.name + ", needs " + sizes + "; choose a smaller --shape or --type, or --write it to a file and open that."};
}

Result<std::unique_ptr<engine::LoadedModel>> open(const CommonOptions& common, const Options& options,
                                                  const std::optional<Recipe>& recipe) {
  engine::ModelOptions engine_options = common.engine;
  const std::int64_t longest = std::max({options.prompt, options.n, options.rows.empty() ? 1 : std::ranges::max(options.rows)});
  // Each draft writes into pages of its own.
  const std::int64_t pages = options.drafts.empty() ? 0 : 2 * std::ranges::max(options.drafts) + 3;
  if (engine_options.context == 0) engine_options.context = options.depth + longest + 1 + pages * gpu::kPageSlots;
  if (!recipe) return engine::LoadedModel::open(common.model, engine_options);
  FW_TRY(check_room(*recipe));
  FW_ASSIGN(auto file, engine::random_model_in_memory(recipe->shape, recipe->format, kSeed));
  return engine::LoadedModel::open(std::move(file), engine_options);
}

void print(const engine::LoadedModel& model, const Options& options, const Figures& figures, double bytes_per_token) {
  const engine::ModelSummary summary = model.summary();
  std::printf("%s, %s, depth %lld\n", for_terminal(summary.name).c_str(), summary.device.c_str(), static_cast<long long>(options.depth));
  std::printf("  memory read    %8.2f GB/s measured\n", figures.bandwidth / 1e9);
  if (figures.prompt_tokens_per_second > 0) {
    std::printf("  prompt         %8.1f tokens/s (%lld tokens)\n", figures.prompt_tokens_per_second,
                static_cast<long long>(options.prompt));
  }
  if (figures.decode_seconds > 0) {
    const double rate = bytes_per_token / figures.decode_seconds;
    std::printf("  decode         %8.1f tokens/s, %.3f GB a token, %.2f GB/s, %.0f %% of the memory's speed\n",
                1 / figures.decode_seconds, bytes_per_token / 1e9, rate / 1e9, 100 * figures.decode_bandwidth_share);
  }
  if (const gpu::DeviceCounts& counts = figures.decode_counts; counts.dispatches > 0) {
    const auto per_token = [&](std::int64_t n) { return static_cast<double>(n) / static_cast<double>(figures.decode_steps); };
    const auto layers = static_cast<double>(model.model().config.n_layers);
    std::printf("  a token        %8.1f dispatches (%.2f a layer and %lld), %.1f barriers, %.1f copies, %.3f GB moved, %.0f bytes read back, %.0f %% of steps known to the driver\n",
                per_token(counts.dispatches), (per_token(counts.dispatches) - static_cast<double>(figures.outside_layers)) / layers,
                static_cast<long long>(figures.outside_layers), per_token(counts.barriers), per_token(counts.copies),
                per_token(counts.bytes) / 1e9, per_token(counts.bytes_read_back), 100 * static_cast<double>(counts.reused) / static_cast<double>(counts.submissions));
  }
  for (const RowFigures& row : figures.rows) {
    std::printf("  %3lld rows       %8.2f ms, %.2f times the first, %.0f %% of the memory's speed\n",
                static_cast<long long>(row.n), row.seconds * 1e3, row.seconds / figures.rows.front().seconds,
                100 * row.bandwidth_share);
  }
  for (const Roofline& roofline : figures.rooflines) roofline.print();
  print(figures.drafts, kTokensOfDrafts);
}

Result<void> measure(const CommonOptions& common, const Options& options, const std::optional<Recipe>& recipe) {
  FW_ASSIGN(const auto model, open(common, options, recipe));
  Bench bench(*model, options);
  FW_ASSIGN(const Figures figures, bench.run());
  const double bytes_per_token = bench.bytes_per_step();
  if (!common.json) {
    print(*model, options, figures, bytes_per_token);
    return {};
  }
  Report rows, shares;
  for (const RowFigures& row : figures.rows) {
    rows.set(std::to_string(row.n), row.seconds);
    shares.set(std::to_string(row.n), row.bandwidth_share);
  }
  std::vector<Report> rooflines;
  for (const Roofline& roofline : figures.rooflines) rooflines.push_back(roofline.report());
  const double decode = figures.decode_seconds;
  Report()
      .set("model", model->summary().name)
      .set("device", model->summary().device)
      .set("depth", options.depth)
      .set("prompt_tokens_per_second", figures.prompt_tokens_per_second)
      .set("decode_tokens_per_second", decode > 0 ? 1 / decode : 0)
      .set("dispatches_per_token", static_cast<double>(figures.decode_counts.dispatches) / static_cast<double>(std::max<std::int64_t>(1, figures.decode_steps)))
      .set("dispatches_outside_layers", figures.outside_layers)
      .set("bytes_moved_per_token", static_cast<double>(figures.decode_counts.bytes) / static_cast<double>(std::max<std::int64_t>(1, figures.decode_steps)))
      .set("bytes_read_back_per_token", static_cast<double>(figures.decode_counts.bytes_read_back) / static_cast<double>(std::max<std::int64_t>(1, figures.decode_steps)))
      .set("rows", rows)
      .set("row_bandwidth_shares", shares)
      .set("bandwidth", figures.bandwidth)
      .set("bytes_per_token", bytes_per_token)
      .set("decode_bytes_per_second", decode > 0 ? bytes_per_token / decode : 0)
      .set("decode_bandwidth_share", figures.decode_bandwidth_share)
      .set("roofline", rooflines)
      .set("drafts", report_of(figures.drafts))
      .print();
  return {};
}

Result<void> write_file(const CommonOptions& common, const Options& options, const Recipe& recipe) {
  FW_ASSIGN(const engine::GgufWriter writer, engine::random_model(recipe.shape, recipe.format, kSeed));
  FW_TRY(writer.write(options.write));
  const std::uint64_t bytes = writer.file_bytes();
  if (common.json) Report().set("model", recipe.name).set("file", options.write.string()).set("bytes", static_cast<std::int64_t>(bytes)).print();
  else std::printf("%s: %s, %.2f GB\n", for_terminal(options.write.string()).c_str(), recipe.name.c_str(), static_cast<double>(bytes) / 1e9);
  return {};
}

int run(const CommonOptions& common, const Options& options) {
  const bool has_shape = !options.shapes.empty();
  if (has_shape && common.model_given) return wrong_use("Give either -m FILE or --shape with --type.");
  if (!options.write.empty() && !has_shape) return wrong_use("--write needs --shape and --type.");
  if (options.roofline && options.rows.empty()) return wrong_use("--roofline needs --rows, for example --rows 1,8.");
  if (!has_shape) {
    if (const int code = need_model(common); code != kOk) return code;
    const Result<void> result = measure(common, options, {});
    return result ? kOk : fail(result.error());
  }
  const auto recipes = recipes_of(options);
  if (!recipes) return wrong_use(recipes.error().message);
  if (!options.write.empty() && recipes->size() > 1) return wrong_use("--write takes one shape and one type.");
  for (const Recipe& recipe : *recipes) {
    const Result<void> result = options.write.empty() ? measure(common, options, recipe) : write_file(common, options, recipe);
    if (!result) return fail(result.error());
  }
  return kOk;
}

}  // namespace

std::function<int()> add_bench(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  const auto count = CLI::Range(std::int64_t{0}, std::int64_t{1} << 24);
  app.add_option("-p", options->prompt, "Tokens of the prompt that is read; 0 skips it")->check(count);
  app.add_option("-n", options->n, "Tokens that are decoded one by one; 0 skips it")->check(count);
  app.add_option("-r", options->repetitions, "Repetitions; the medians are told")->check(CLI::Range(1, 1000));
  app.add_option("--rows", options->rows, "Time steps of these numbers of rows, for example 1,2,4,8")
      ->delimiter(',')
      ->check(CLI::Range(1, 128));
  app.add_flag("--roofline", options->roofline, "Tell for each of --rows what every op takes and could take");
  app.add_option("--drafts", options->drafts, "Time whole jobs of these numbers of suggestions, for example 1,3")
      ->delimiter(',')
      ->check(CLI::Range(1, 6));
  app.add_option("--depth", options->depth, "Tokens that the cache holds already")->check(count);
  app.add_option("--shape", options->shapes, "Random weights of standard shapes, one after the other: 135m, 1b, 3b, 8b")->delimiter(',');
  app.add_option("--type", options->types, "Weight types of the random models: Q4_0, Q8_0, Q4_K, ...")->delimiter(',');
  app.add_option("--write", options->write, "Write the random model to this GGUF file instead of measuring")
      ->check(must_be_named)
      ->type_name("FILE");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
