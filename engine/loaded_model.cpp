#include "engine/loaded_model.h"

#include <algorithm>
#include <string>

#include "engine/base/log.h"
#include "engine/device_plan.h"
#include "engine/gguf/fingerprint.h"
#include "engine/gguf/text.h"
#include "engine/self_test.h"

namespace foreword::engine {
namespace {

Error with_file(const Error& error, const std::string& name) {
  if (error.message.find(name) != std::string::npos) return error;
  return {error.code, name + ": " + error.message};
}

std::string in_gigabytes(std::int64_t bytes) {
  const double value = static_cast<double>(bytes) / 1e9;
  std::string text = std::to_string(value);
  return text.substr(0, text.find('.') + 2) + " GB";
}

/// The shape of the cache, and its choice made fit for the model: heads without groups stay exact.
KvShape kv_shape_for(const Config& config, KvChoice& choice, bool every_page) {
  KvShape shape{config.n_layers, config.n_kv_heads, config.head_dim, gpu::DType::f16};
  if (choice.policy.old.k == gpu::KvFormat::f32) shape.dtype = gpu::DType::f32;
  shape.window = std::ranges::find(config.is_local, true) != config.is_local.end() ? config.window : 0;
  shape.windowed = config.is_local;
  if (choice.policy.closes_pages() && gpu::kv_group(config.head_dim) == 0) {
    choice.policy = row_of(KvMode::exact).policy;
    if (choice.mode) choice.mode = KvMode::exact;
    choice.warning = "Heads of " + std::to_string(config.head_dim) + " columns cannot be stored in few bits; the KV cache stays exact.";
  }
  shape.policy = every_page ? close_everything(choice.policy.old) : choice.policy;
  return shape;
}

bool has_vocabulary(const Metadata& metadata) { return metadata.find("tokenizer.ggml.model") != nullptr; }

}  // namespace

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(const std::filesystem::path& path, const ModelOptions& options, const gpu::Progress& go_on) {
  FW_ASSIGN(GgufFile file, GgufFile::open(path));
  FW_ASSIGN(auto loaded, open(std::make_shared<const GgufFile>(std::move(file)), options, go_on));
  if (loaded->tokenizer() == nullptr) {
    return Error{ErrorCode::corrupt, loaded->file().name() +
                                         ": The key tokenizer.ggml.model is missing; the file holds no model that can write."};
  }
  return loaded;
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(std::shared_ptr<const GgufFile> file, const ModelOptions& options, const gpu::Progress& go_on) {
  return open_on(nullptr, std::move(file), options, go_on);
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::open_beside(const LoadedModel& other, std::shared_ptr<const GgufFile> file, const ModelOptions& options) {
  return open_on(other.backend_->device().id == "cpu" ? other.backend_ : nullptr, std::move(file), options, {});
}

/// processor: where it is to be computed if the plan says so; null: by one of its own.
Result<std::unique_ptr<LoadedModel>> LoadedModel::open_on(std::shared_ptr<gpu::Backend> processor, std::shared_ptr<const GgufFile> file, const ModelOptions& options,
                                                          const gpu::Progress& go_on) {
  if (file->tensors().empty() && has_vocabulary(file->metadata())) {
    return Error{ErrorCode::unsupported, file->name() + ": This file holds only a vocabulary; it serves `foreword tokenize`, but cannot write."};
  }
  DevicePlan plan = plan_device(*file, options);
  while (true) {
    auto loaded = std::unique_ptr<LoadedModel>(new LoadedModel());
    loaded->options_ = options;
    loaded->device_reason_ = plan.reason;
    const Result<void> settled = [&]() -> Result<void> {
      if (processor != nullptr && plan.on_processor()) return loaded->settle_on(processor, file, go_on);
      FW_ASSIGN(auto backend, open_planned(plan, options));
      return loaded->settle_on(std::move(backend), file, go_on);
    }();
    if (settled) return loaded;
    if (plan.on_processor()) return settled.error();
    if (gives_up_device(settled.error().code)) plan = after_failure(settled.error().code);
    else if (settled.error().code == ErrorCode::out_of_memory && plan.may_step_down) plan = step_down(*file, plan);
    else return settled.error();
  }
}

Result<void> LoadedModel::move_to_processor(ErrorCode why) {
  const std::shared_ptr<const GgufFile> file = model_.file;
  forward_.reset();
  texts_.reset();
  cache_.reset();
  model_ = {};
  backend_.reset();
  const DevicePlan plan = after_failure(why);
  options_.device = plan.device;
  device_reason_ = plan.reason;
  FW_ASSIGN(auto backend, open_planned(plan, options_));
  return settle_on(std::move(backend), file, {});
}

Result<void> LoadedModel::settle_on(std::shared_ptr<gpu::Backend> backend, std::shared_ptr<const GgufFile> file, const gpu::Progress& go_on) {
  const std::string name = file->name();
  const auto named = [&name](const Error& error) { return with_file(error, name); };
  backend_ = std::move(backend);

  auto model = load_model(file, *backend_, options_.context, kDefaultContext, go_on);
  if (!model) return named(model.error());
  model_ = std::move(*model);
  if (!tokenizer_ && has_vocabulary(file->metadata())) {
    auto tokenizer = Tokenizer::from_gguf(file->metadata());
    if (!tokenizer) return named(tokenizer.error());
    tokenizer_ = std::move(*tokenizer);
    if (tokenizer_->size() > model_.vocab_size) {
      return damaged(name, "it lists " + std::to_string(tokenizer_->size()) + " tokens and has numbers for " + std::to_string(model_.vocab_size));
    }
    template_ = ChatTemplate::from_gguf(file->metadata(), *tokenizer_);
  }

  const Config& config = model_.config;
  kv_quality_.most_kl = most_kv_cost(*file);
  if (options_.kv_book) {
    kv_book_ = options_.kv_book;
    fingerprint_ = fingerprint(*file);
    kv_quality_.costs = options_.kv_book->find(fingerprint_);
  }
  KvChoice choice = choose_kv(options_.kv, kv_quality_);
  const KvShape shape = kv_shape_for(config, choice, options_.kv_every_page);
  kv_name_ = choice.mode ? row_of(*choice.mode).name : name_of(choice.policy.old);
  if (!choice.warning.empty()) log(LogLevel::warning, name + ": " + choice.warning);
  const std::int64_t kv_bytes = KvCache::least_bytes_for(shape, model_.context);
  const std::int64_t free_bytes = backend_->device().memory_free_bytes;
  if (free_bytes > 0 && kv_bytes > free_bytes) {
    return Error{ErrorCode::out_of_memory, name + ": A context of " + std::to_string(model_.context) +
                                               " tokens needs " + in_gigabytes(kv_bytes) + ", but only " +
                                               in_gigabytes(free_bytes) + " of memory are free; choose a smaller --context."};
  }
  auto cache = KvCache::create(*backend_, shape, model_.context, free_bytes);
  if (!cache) return named(cache.error());
  cache_ = std::move(*cache);
  texts_.emplace(*cache_);
  auto forward = Forward::create(*backend_, model_, *cache_, std::min(backend_->device().prompt_rows, model_.context));
  if (!forward) return named(forward.error());
  forward_ = std::move(*forward);
  return {};
}

ModelSummary LoadedModel::summary() const {
  ModelSummary summary;
  const auto name = file().metadata().string("general.name");
  summary.name = name && *name && !(*name)->empty() ? **name : file().name();
  summary.architecture = model_.config.arch->name;
  summary.device = backend_->device().name;
  summary.device_reason = device_reason_;
  summary.chat_format = template_ ? std::string(template_->name()) : "";
  summary.thinks = template_ && template_->thinks();
  summary.n_parameters = model_.n_parameters;
  summary.file_bytes = static_cast<std::int64_t>(file().total_bytes());
  summary.kv_bytes = cache_->total_bytes();
  summary.kv = kv_name_;
  summary.kv_modes = kv_modes();
  summary.memory_total = backend_->device().memory_bytes;
  summary.context = model_.context;
  summary.trained_context = model_.config.trained_context;
  return summary;
}

std::vector<KvModeOffer> LoadedModel::kv_modes() const {
  std::vector<KvModeOffer> offers = kv_offers(kv_quality_);
  for (KvModeOffer& offer : offers) {
    KvChoice choice{offer.mode, row_of(offer.mode).policy, ""};
    offer.bytes = KvCache::bytes_for(kv_shape_for(model_.config, choice, false), model_.context);
  }
  return offers;
}

void LoadedModel::learn(const KvCost& cost) {
  kv_quality_.costs.push_back(cost);
  if (kv_book_) kv_book_->keep(fingerprint_, cost);
}

std::vector<std::uint8_t> LoadedModel::known_skipped() const {
  const auto layers = kv_book_ ? kv_book_->find_skipped(fingerprint_) : std::vector<std::int32_t>();
  const auto n_layers = static_cast<std::size_t>(model_.config.n_layers);
  if (layers.empty() || layers.size() >= n_layers) return {};
  std::vector<std::uint8_t> skipped(n_layers, 0);
  for (const std::int32_t layer : layers) {
    if (layer < 0 || layer >= std::ssize(skipped)) return {};
    skipped[static_cast<std::size_t>(layer)] = 1;
  }
  return skipped;
}

void LoadedModel::keep_skipped(const std::vector<std::uint8_t>& skipped) {
  if (!kv_book_) return;
  std::vector<std::int32_t> layers;
  for (std::size_t i = 0; i < skipped.size(); ++i) {
    if (skipped[i] != 0) layers.push_back(static_cast<std::int32_t>(i));
  }
  kv_book_->keep_skipped(fingerprint_, layers);
}

Result<void> LoadedModel::read(SequenceId sequence, std::span<const TokenId> tokens,
                               const std::function<LogitWish(std::int64_t)>& wants, const LogitSink& sink,
                               const std::function<bool(std::int64_t)>& between) {
  Batch batch;
  const std::int64_t total = std::ssize(tokens);
  for (std::int64_t first = 0; first < total; first += forward_->max_rows()) {
    const std::int64_t n = std::min(forward_->max_rows(), total - first);
    batch.clear();
    for (std::int64_t i = 0; i < n; ++i) {
      batch.add(tokens[static_cast<std::size_t>(first + i)], sequence, static_cast<std::int32_t>(i - 1), wants(first + i));
    }
    FW_TRY(forward_->run(batch, [&](std::int64_t row, const LogitRow& logits) { sink(first + row, logits); }));
    FW_TRY(cache_->commit(sequence, n));
    if (between && !between(first + n)) return Error{ErrorCode::cancelled, "Stopped."};
  }
  return {};
}

Result<std::vector<TokenId>> encode_prompt(const LoadedModel& loaded,
                                           const std::variant<std::vector<ChatMessage>, std::string>& prompt,
                                           const std::string& answer_so_far, const std::tm& now) {
  const Tokenizer& tokenizer = *loaded.tokenizer();
  std::vector<TokenId> ids;
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    ids = tokenizer.encode(*text, {});
  } else {
    ChatTemplateOptions options;
    options.now = now;
    options.bos_token = tokenizer.bos_text();
    options.eos_token = tokenizer.eos_text();
    FW_ASSIGN(std::vector<TextSpan> spans,
              loaded.chat_template()->render(std::get<std::vector<ChatMessage>>(prompt), options));
    if (!answer_so_far.empty()) spans.push_back({(tokenizer.loses_first_space(spans) ? " " : "") + answer_so_far, false});
    ids = tokenizer.encode(spans, {.parse_special = true});
  }
  const TokenId bos = tokenizer.bos();
  if (tokenizer.adds_bos() && bos != kNoToken && (ids.empty() || ids.front() != bos)) ids.insert(ids.begin(), bos);
  return ids;
}

}  // namespace foreword::engine
