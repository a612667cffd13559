#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "app/command.h"
#include "app/model_finder.h"
#include "app/model_fit.h"
#include "app/paths.h"
#include "app/report.h"
#include "app/terminal.h"

namespace foreword::app {
namespace {

Report fit_report(const engine::Fit& fit) {
  return Report()
      .set("verdict", engine::name_of(fit.verdict))
      .set("needed_bytes", fit.needed)
      .set("free_bytes", fit.free)
      .set("context", fit.context)
      .set("largest_context", fit.largest_context)
      .set("layers_on_device", fit.layers)
      .set("layers", fit.n_layers);
}

/// A name a line, its size, whose it is, whether it fits into memory, and where it lies or why it cannot be opened.
int run(const CommonOptions& common) {
  const FoundModels found = find_models(model_places([](const char* name) { return std::getenv(name); }, find_paths(common.data_dir).models()), {});
  std::vector<Report> rows;
  std::size_t names = 0, owners = 0;  // bytes of the longest
  const engine::MemoryThere memory = found.models.empty() ? engine::MemoryThere{} : engine::memory_there(common.engine, nullptr);
  for (const FoundModel& model : found.models) names = std::max(names, model.name.size()), owners = std::max(owners, model.owner.size());
  const auto padded = [](std::string text, std::size_t width) { return text + std::string(width - text.size() + 2, ' '); };
  for (const FoundModel& model : found.models) {
    Report& row = rows.emplace_back().set("name", model.name).set("owner", model.owner).set("bytes", model.bytes).set("path", model.path.string());
    model.problem.empty() ? row.set_null("problem") : row.set("problem", model.problem);
    const auto fit = model.problem.empty() ? fit_of(model.path, common.engine, memory) : Result<engine::Fit>(Error{ErrorCode::unsupported, model.problem});
    fit ? row.set("fit", fit_report(*fit)) : row.set_null("fit");
    if (common.json) continue;
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%6.2f GB  ", static_cast<double>(model.bytes) / 1e9);
    print_text(stdout, padded(model.name, names) + size.data() + padded(model.owner, owners) + (fit ? model.path.string() : fit.error().message) + "\n");
    if (fit) print_text(stdout, "  " + fit_words(*fit) + ".\n");
  }
  if (common.json) {
    Report().set("models", rows).set("unreadable", found.unreadable).print();
    return kOk;
  }
  for (const std::string& sentence : found.unreadable) print_text(stderr, "foreword: warning: " + sentence + "\n");
  if (rows.empty()) print_text(stderr, "There are no models on this computer yet; `foreword download` gets one, and -m opens any GGUF file.\n");
  return kOk;
}

}  // namespace

std::function<int()> add_models(CLI::App&, const CommonOptions& common) {
  return [&common] { return run(common); };
}

}  // namespace foreword::app
