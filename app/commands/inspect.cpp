#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/command.h"
#include "app/report.h"
#include "app/terminal.h"
#include "engine/gguf/gguf.h"
#include "engine/gguf/text.h"

namespace foreword::app {
namespace {

/// Longer arrays are told by their length and first values.
constexpr std::size_t kShownValues = 8;

using engine::MetaValue;

template <class T>
Report summary_of(const std::vector<T>& values) {
  const std::size_t n = std::min(values.size(), kShownValues);
  Report report;
  report.set("length", static_cast<std::int64_t>(values.size()));
  report.set("first", std::vector<T>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n)));
  return report;
}

/// Scalars as they are, short arrays whole, long ones as {length, first}.
struct AddToReport {
  Report& report;
  const std::string& key;

  void operator()(std::int64_t value) const { report.set(key, value); }
  void operator()(double value) const { report.set(key, value); }
  void operator()(bool value) const { report.set(key, value); }
  void operator()(const std::string& value) const { report.set(key, std::string_view(value)); }
  void operator()(std::uint64_t nested_length) const {
    report.set(key, Report().set("length", static_cast<std::int64_t>(nested_length)));
  }
  void operator()(const std::vector<bool>& values) const {
    (*this)(std::vector<std::int64_t>(values.begin(), values.end()));
  }
  template <class T>
  void operator()(const std::vector<T>& values) const {
    if (values.size() <= kShownValues) report.set(key, values);
    else report.set(key, summary_of(values));
  }
};

Report metadata_of(const engine::GgufFile& file) {
  Report report;
  for (const auto& [key, value] : file.metadata().all()) std::visit(AddToReport{report, key}, value.value);
  return report;
}

std::string shape_of(const engine::TensorInfo& tensor) {
  std::string text;
  for (const std::int64_t n : tensor.shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text;
}

int run(const CommonOptions& common, const std::filesystem::path& path) {
  const std::filesystem::path& chosen = path.empty() ? common.model : path;
  if (chosen.empty()) return wrong_use("Name the GGUF file to look into: `foreword inspect FILE`.");
  if (path.empty()) {
    if (const int code = need_model(common); code != kOk) return code;
  }
  const auto file = engine::GgufFile::open(chosen);
  if (!file) return fail(file.error());
  if (common.json) {
    std::vector<Report> tensors;
    for (const engine::TensorInfo& tensor : file->tensors()) {
      tensors.push_back(Report()
                            .set("name", tensor.name)
                            .set("type", gpu::info(tensor.format).name)
                            .set("shape", tensor.shape)
                            .set("bytes", static_cast<std::int64_t>(tensor.bytes))
                            .set("offset", static_cast<std::int64_t>(tensor.offset)));
    }
    Report().set("metadata", metadata_of(*file)).set("tensors", tensors).print();
    return kOk;
  }
  std::printf("%s: GGUF version %u, %zu keys, %zu tensors, %.1f MB\n", for_terminal(file->name()).c_str(), file->version(),
              file->metadata().all().size(), file->tensors().size(), static_cast<double>(file->total_bytes()) / 1e6);
  for (const auto& [key, value] : file->metadata().all()) {
    Report one;
    std::visit(AddToReport{one, ""}, value.value);
    const std::string json = one.to_json();  // {"":value}
    const std::size_t colon = json.find("\":") + 2;
    std::printf("  %-48s %s\n", engine::printable(key).c_str(), for_terminal(json.substr(colon, json.size() - colon - 1)).c_str());
  }
  for (const engine::TensorInfo& tensor : file->tensors()) {
    std::printf("  %-48s %-8s %s\n", engine::printable(tensor.name).c_str(), std::string(gpu::info(tensor.format).name).c_str(),
                shape_of(tensor).c_str());
  }
  return kOk;
}

}  // namespace

std::function<int()> add_inspect(CLI::App& app, const CommonOptions& common) {
  auto path = std::make_shared<std::filesystem::path>();
  app.add_option("FILE", *path, "GGUF file");
  return [&common, path] { return run(common, *path); };
}

}  // namespace foreword::app
