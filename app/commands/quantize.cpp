#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "app/command.h"
#include "app/progress.h"
#include "app/report.h"
#include "engine/base/log.h"
#include "engine/quantize/encode.h"
#include "engine/quantize/quantize_file.h"

namespace foreword::app {
namespace {

struct Options {
  std::filesystem::path in, out;
  std::string type;
  std::vector<std::string> tensors;  // NAME=TYPE
};

/// The tensors of one format in the new file.
struct Share {
  std::int64_t n_tensors = 0, n_values = 0;
  std::uint64_t bytes = 0;
  double error = 0, energy = 0;

  void add(const engine::QuantizedTensor& tensor) {
    ++n_tensors;
    n_values += tensor.n_values;
    bytes += tensor.bytes;
    error += tensor.error;
    energy += tensor.energy;
  }
  double relative_error() const { return energy > 0 ? std::sqrt(error / energy) : 0; }
};

Result<gpu::Format> format_named(const std::string& name) {
  const auto format = gpu::format_from_name(name);
  if (format && engine::can_encode(*format)) return *format;
  return Error{ErrorCode::invalid_argument, "\"" + name + "\" is no type that can be written; choose one of " +
                                                engine::encodable_names() + "."};
}

Result<engine::QuantizeOptions> parse(const CommonOptions& common, const Options& options) {
  engine::QuantizeOptions parsed;
  FW_ASSIGN(parsed.format, format_named(options.type));
  for (const std::string& rule : options.tensors) {
    const std::size_t equals = rule.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{ErrorCode::invalid_argument, "--tensor takes NAME=TYPE, for example token_embd.weight=Q8_0, not \"" + rule + "\"."};
    }
    FW_ASSIGN(const gpu::Format format, format_named(rule.substr(equals + 1)));
    parsed.rules.push_back({rule.substr(0, equals), format});
  }
  const int machine = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  parsed.n_threads = common.engine.n_threads > 0 ? common.engine.n_threads : machine;
  return parsed;
}

std::string name_of(gpu::Format format) { return std::string(gpu::info(format).name); }

void print_table(const engine::QuantizedFile& result, const std::map<std::string, Share>& shares) {
  std::printf("%-8s %8s %14s %12s %16s\n", "type", "tensors", "weights", "MB", "relative error");
  for (const auto& [name, share] : shares) {
    std::printf("%-8s %8lld %14lld %12.2f ", name.c_str(), static_cast<long long>(share.n_tensors),
                static_cast<long long>(share.n_values), static_cast<double>(share.bytes) / 1e6);
    if (share.energy > 0) std::printf("%16.6f\n", share.relative_error());
    else std::printf("%16s\n", "none");
  }
  std::printf("%.2f MB became %.2f MB.\n", static_cast<double>(result.bytes_before) / 1e6, static_cast<double>(result.bytes) / 1e6);
}

void print_json(const engine::QuantizedFile& result, const std::map<std::string, Share>& shares) {
  Report types;
  for (const auto& [name, share] : shares) {
    types.set(name, Report()
                        .set("n_tensors", share.n_tensors)
                        .set("n_values", share.n_values)
                        .set("bytes", static_cast<std::int64_t>(share.bytes))
                        .set("relative_error", share.relative_error()));
  }
  std::vector<Report> tensors;
  for (const engine::QuantizedTensor& tensor : result.tensors) {
    Share alone;
    alone.add(tensor);
    tensors.push_back(Report()
                          .set("name", tensor.name)
                          .set("from", name_of(tensor.from))
                          .set("to", name_of(tensor.to))
                          .set("bytes", static_cast<std::int64_t>(tensor.bytes))
                          .set("relative_error", alone.relative_error()));
  }
  Report()
      .set("bytes_before", static_cast<std::int64_t>(result.bytes_before))
      .set("bytes", static_cast<std::int64_t>(result.bytes))
      .set("types", types)
      .set("tensors", tensors)
      .print();
}

int run(const CommonOptions& common, const Options& options) {
  const auto parsed = parse(common, options);
  if (!parsed) return wrong_use(parsed.error().message);
  ProgressLine line;
  const auto result = engine::quantize_file(options.in, options.out, *parsed, [&line](std::size_t done, std::size_t total) {
    line.show(std::to_string(done) + " of " + std::to_string(total) + " tensors");
  });
  line.clear();
  if (!result) return fail(result.error());
  if (result->n_twice > 0) {
    log(LogLevel::warning, std::to_string(result->n_twice) + " tensors were quantised before; their errors add up, and a file in "
                                                             "F32, F16 or BF16 would give a better one.");
  }
  std::map<std::string, Share> shares;
  for (const engine::QuantizedTensor& tensor : result->tensors) shares[name_of(tensor.to)].add(tensor);
  common.json ? print_json(*result, shares) : print_table(*result, shares);
  return kOk;
}

}  // namespace

std::function<int()> add_quantize(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("IN", options->in, "GGUF file with the weights, best in F32, F16 or BF16")->required();
  app.add_option("OUT", options->out, "GGUF file to write; an existing one is replaced when the new one is complete")->required();
  app.add_option("--type", options->type, "Type of the matrices: " + engine::encodable_names() +
                                              ". With Q4_0 and Q4_K the output matrix (or the embedding that serves as "
                                              "one) gets Q6_K. Vectors and small sensitive matrices stay F32. Rows that "
                                              "a type's blocks do not divide get Q5_0 instead of Q4_K, Q5_1 instead of "
                                              "Q5_K, Q8_0 instead of Q6_K, or F16")
      ->required()
      ->type_name("TYPE");
  app.add_option("--tensor", options->tensors, "Another type for a tensor, or for all whose names fit with * for any "
                                               "characters; the last that fits counts")
      ->type_name("NAME=TYPE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
