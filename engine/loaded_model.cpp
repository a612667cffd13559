#include "engine/loaded_model.h"

#include <algorithm>
#include <string>

#include "engine/base/log.h"
#include "engine/gguf/text.h"
#include "engine/kv_plan.h"
#include "engine/template/prompt.h"

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

/// Bytes for the cache, 0: nobody knows. A device has no more than is free, and a pass has to find its memory there.
struct CacheRoom {
  std::int64_t most = 0;      // that the cache can have
  std::int64_t sensible = 0;  // with something to spare
};
CacheRoom room_for_cache(const gpu::DeviceInfo& device, const GgufFile& file, const Config& config) {
  const std::int64_t free = device.memory_free_bytes;
  if (device.id == "cpu" || free == 0) return {free, free};
  const std::int64_t most = std::max<std::int64_t>(free - working_bytes(file, config, device.prompt_rows), 1);
  return {most, std::max<std::int64_t>(most - kSpareBytes, 1)};
}

bool has_vocabulary(const Metadata& metadata) { return metadata.find("tokenizer.ggml.model") != nullptr; }

Result<void> must_hold_weights(const GgufFile& file) {
  if (!file.tensors().empty() || !has_vocabulary(file.metadata())) return {};
  return Error{ErrorCode::unsupported, file.name() + ": This file holds only a vocabulary; it serves `foreword tokenize`, but cannot write."};
}

}  // namespace

Result<std::shared_ptr<const GgufFile>> LoadedModel::look_at(const std::filesystem::path& path) {
  FW_ASSIGN(GgufFile file, GgufFile::open(path));
  FW_TRY(must_hold_weights(file));
  if (const auto config = read_config(file.metadata()); !config) return with_file(config.error(), file.name());
  if (!has_vocabulary(file.metadata())) {
    return Error{ErrorCode::corrupt, file.name() + ": The key tokenizer.ggml.model is missing; the file holds no model that can write."};
  }
  return std::make_shared<const GgufFile>(std::move(file));
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(const std::filesystem::path& path, const ModelOptions& options, const gpu::Progress& go_on) {
  FW_ASSIGN(auto file, look_at(path));
  return open(std::move(file), options, go_on);
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(std::shared_ptr<const GgufFile> file, const ModelOptions& options, const gpu::Progress& go_on) {
  return open_on(nullptr, std::move(file), options, go_on);
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::open_beside(const LoadedModel& other, std::shared_ptr<const GgufFile> file, const ModelOptions& options,
                                                              const gpu::Progress& go_on) {
  return open_on(other.backend_->device().id == "cpu" ? other.backend_ : nullptr, std::move(file), options, go_on);
}

/// processor: where it is to be computed if the plan says so; null: by one of its own.
Result<std::unique_ptr<LoadedModel>> LoadedModel::open_on(std::shared_ptr<gpu::Backend> processor, std::shared_ptr<const GgufFile> file, const ModelOptions& options,
                                                          const gpu::Progress& go_on) {
  FW_TRY(must_hold_weights(*file));
  DevicePlan plan = plan_device(*file, options);
  while (true) {
    auto loaded = std::unique_ptr<LoadedModel>(new LoadedModel());
    loaded->options_ = options;
    loaded->plan_ = plan;
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

Result<void> LoadedModel::move_to_processor(ErrorCode why, const gpu::Progress& go_on) {
  const std::shared_ptr<const GgufFile> file = model_.file;
  forward_.reset();
  texts_.reset();
  cache_.reset();
  model_ = {};
  backend_.reset();
  const DevicePlan plan = after_failure(why);
  options_.device = plan.device;
  plan_ = plan;
  FW_ASSIGN(auto backend, open_planned(plan, options_));
  return settle_on(std::move(backend), file, go_on);
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
    sampling_advice_ = sampling_advice(file->metadata());
  }

  const Config& config = model_.config;
  KvPlan kv = plan_kv(*file, config, options_);
  kv_book_ = options_.kv_book;
  fingerprint_ = std::move(kv.fingerprint);
  kv_quality_ = std::move(kv.quality);
  const KvChoice& choice = kv.choice;
  const KvShape& shape = kv.shape;
  kv_name_ = choice.mode ? row_of(*choice.mode).name : name_of(choice.policy.old);
  if (!choice.warning.empty()) log(LogLevel::warning, name + ": " + choice.warning);
  const std::int64_t kv_bytes = KvCache::least_bytes_for(shape, model_.context);
  const CacheRoom room = room_for_cache(backend_->device(), *file, config);
  if (room.most > 0 && kv_bytes > room.most) {
    return Error{ErrorCode::out_of_memory, name + ": A context of " + std::to_string(model_.context) +
                                               " tokens needs " + in_gigabytes(kv_bytes) + ", but only " +
                                               in_gigabytes(room.most) + " of memory are left for it; choose a smaller --context."};
  }
  auto cache = KvCache::create(*backend_, shape, model_.context, room.sensible);
  if (!cache) return named(cache.error());
  cache_ = std::move(*cache);
  texts_.emplace(*cache_);
  auto forward = Forward::create(*backend_, model_, *cache_, std::min(backend_->device().prompt_rows, model_.context));
  if (!forward) return named(forward.error());
  forward_ = std::move(*forward);
  free_once_open_ = backend_->device().memory_free_bytes;
  return {};
}

std::int64_t LoadedModel::device_free_without() const {
  if (plan_.on_processor() || plan_.free_bytes == 0) return 0;
  // What other programs have taken or given back since; of a device and the processor together nobody can tell.
  const std::int64_t since = plan_.layers == plan_.n_layers ? backend_->device().memory_free_bytes - free_once_open_ : 0;
  return std::max<std::int64_t>(plan_.free_bytes + since, 1);
}

ModelSummary LoadedModel::summary() const {
  ModelSummary summary;
  const auto name = file().metadata().string("general.name");
  summary.name = name && *name && !(*name)->empty() ? **name : file().name();
  summary.architecture = model_.config.arch->name;
  summary.device = backend_->device().name;
  summary.device_reason = plan_.reason;
  summary.chat_format = template_ ? std::string(template_->name()) : "";
  summary.thinks = template_ && template_->thinks();
  summary.sampling = sampling_advice_;
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

std::shared_ptr<const TokenTrie> LoadedModel::token_trie() {
  if (!trie_) trie_ = std::make_shared<TokenTrie>(*tokenizer_);
  return trie_;
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

Result<Prompt> encode_prompt(const LoadedModel& loaded, const GeneratePrompt& prompt, const std::string& answer_so_far, const std::tm& now, std::optional<bool> thinking, const std::string& tools) {
  const Tokenizer& tokenizer = *loaded.tokenizer();
  Prompt encoded;
  std::vector<TokenId>& ids = encoded.tokens;
  if (const auto* tokens = std::get_if<std::vector<TokenId>>(&prompt)) {
    for (const TokenId id : *tokens) {
      if (id < 0 || id >= tokenizer.size()) {
        return Error{ErrorCode::invalid_argument, "The prompt has token " + std::to_string(id) + ", but those of this model go from 0 to " + std::to_string(tokenizer.size() - 1) + "."};
      }
    }
    ids = *tokens;
    return encoded;
  }
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    ids = tokenizer.encode(*text, {});
  } else if (const auto* infill = std::get_if<Infill>(&prompt)) {
    FW_ASSIGN(ids, encode_infill(tokenizer, *infill));
  } else {
    ChatTemplateOptions options;
    options.now = now;
    options.thinking = thinking;
    options.tools = tools;
    FW_ASSIGN(const std::vector<TextSpan> spans,
              render_prompt(*loaded.chat_template(), tokenizer, std::get<std::vector<ChatMessage>>(prompt), options, answer_so_far));
    ids = tokenizer.encode(spans, {.parse_special = true});
    if (answer_so_far.empty()) encoded.opening = opening_of_thoughts(spans);
  }
  const TokenId bos = tokenizer.bos();
  if (tokenizer.adds_bos() && bos != kNoToken && (ids.empty() || ids.front() != bos)) ids.insert(ids.begin(), bos);
  return encoded;
}

}  // namespace foreword::engine
