#include "app/kv_book.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/cache_file.h"

namespace foreword::app {
namespace {

using Json = nlohmann::json;

/// Raised when the text of the self-test or an encoder changes: what was measured before says nothing then.
constexpr int kVersion = 1;
constexpr const char* kSkipped = "skipped";

class JsonKvBook final : public engine::KvBook {
 public:
  explicit JsonKvBook(std::filesystem::path file) : file_(std::move(file)) {
    std::ifstream in(file_, std::ios::binary);
    Json read = Json::parse(in, nullptr, false);
    if (read.is_object() && read.value("version", Json()) == kVersion && read.contains("models")) models_ = std::move(read["models"]);
    if (!models_.is_object()) models_ = Json::object();
  }

  std::vector<engine::KvCost> find(std::string_view fingerprint) override {
    std::vector<engine::KvCost> costs;
    const auto model = models_.find(std::string(fingerprint));
    if (model == models_.end() || !model->is_object()) return costs;
    for (const gpu::KvEncodingName& row : gpu::kv_encoding_names()) {
      const auto cost = model->find(std::string(row.name));
      if (cost == model->end() || !cost->is_array() || cost->size() != 2) continue;
      if ((*cost)[0].is_number() && (*cost)[1].is_number()) costs.push_back({row.encoding, (*cost)[0].get<double>(), (*cost)[1].get<double>()});
    }
    return costs;
  }

  void keep(std::string_view fingerprint, const engine::KvCost& cost) override {
    Json& model = models_[std::string(fingerprint)];
    if (!model.is_object()) model = Json::object();
    model[std::string(engine::name_of(cost.encoding))] = {cost.mean_kl, cost.top1_agree};
    write();
  }

  std::vector<std::int32_t> find_skipped(std::string_view fingerprint) override {
    const auto model = models_.find(std::string(fingerprint));
    if (model == models_.end() || !model->is_object() || !model->contains(kSkipped)) return {};
    std::vector<std::int32_t> layers;
    for (const Json& layer : (*model)[kSkipped]) {
      if (!layer.is_number_integer()) return {};
      layers.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(layer.get<std::int64_t>(), -1, 1 << 20)));
    }
    return layers;
  }

  void keep_skipped(std::string_view fingerprint, const std::vector<std::int32_t>& layers) override {
    Json& model = models_[std::string(fingerprint)];
    if (!model.is_object()) model = Json::object();
    model[kSkipped] = layers;
    write();
  }

 private:
  void write() { write_cache_file(file_, Json{{"version", kVersion}, {"models", models_}}.dump(1) + '\n'); }

  std::filesystem::path file_;
  Json models_ = Json::object();  // fingerprint -> encoding -> [mean KL, top-1 agreement], and kSkipped -> layers
};

}  // namespace

std::shared_ptr<engine::KvBook> open_kv_book(const std::filesystem::path& file) { return std::make_shared<JsonKvBook>(file); }

engine::ModelOptions with_kv_book(engine::ModelOptions options, const Paths& paths) {
  options.kv_book = open_kv_book(paths.kv_book());
  return options;
}

}  // namespace foreword::app
