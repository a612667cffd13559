#pragma once
// A model ready to run: device, weights, KV cache, working memory, tokenizer and chat format, in one place with one
// owner. The session wraps it for chats; measuring commands use it directly. One thread at a time.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/device_plan.h"
#include "engine/gguf/gguf.h"
#include "engine/grammar/token_trie.h"
#include "engine/kv/prefix_tree.h"
#include "engine/model/forward.h"
#include "engine/model/model.h"
#include "engine/session.h"
#include "engine/template/chat_template.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class LoadedModel {
 public:
  /// Opens a file for open(), and tells what of it stands in the way by its header alone: a path that names nothing costs no model
  /// that is open, nor memory.
  static Result<std::shared_ptr<const GgufFile>> look_at(const std::filesystem::path& path);
  /// Everything that stands in the way of running is told here, in one sentence that names the file. `cancelled`: go_on said
  /// no.
  static Result<std::unique_ptr<LoadedModel>> open(const std::filesystem::path& path, const ModelOptions& options, const gpu::Progress& go_on = {});
  /// The same for a file that is open already (or lives in memory). A file without a vocabulary is fine here.
  static Result<std::unique_ptr<LoadedModel>> open(std::shared_ptr<const GgufFile> file, const ModelOptions& options, const gpu::Progress& go_on = {});
  /// A model beside another, for the same thread: where both are computed by the processor, by the same threads of it, which would
  /// else be in each other's way.
  static Result<std::unique_ptr<LoadedModel>> open_beside(const LoadedModel& other, std::shared_ptr<const GgufFile> file, const ModelOptions& options,
                                                          const gpu::Progress& go_on = {});

  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  const Model& model() const { return model_; }
  const GgufFile& file() const { return *model_.file; }
  gpu::Backend& backend() { return *backend_; }
  const gpu::Backend& backend() const { return *backend_; }
  KvCache& cache() { return *cache_; }
  /// What the cache holds of earlier texts.
  PrefixTree& texts() { return *texts_; }
  Forward& forward() { return *forward_; }
  /// nullptr if the file has no vocabulary.
  const Tokenizer* tokenizer() const { return tokenizer_ ? &*tokenizer_ : nullptr; }
  /// For answers of a given form; made when it is first asked for, a tenth of a second for 150,000 tokens. Needs a tokenizer.
  std::shared_ptr<const TokenTrie> token_trie();
  const ChatTemplate* chat_template() const { return template_ ? &*template_ : nullptr; }
  ModelSummary summary() const;
  /// The id of the device that was chosen for it, which may hold a part of it alone; and what would be free there without it, as far as that is known (else 0).
  const std::string& device_id() const { return plan_.device; }
  std::int64_t device_free_without() const;
  /// What is known of the KV cache's encodings on this model: at first what options.kv_book had.
  const KvQuality& kv_quality() const { return kv_quality_; }
  /// The modes, each with its memory for the whole context.
  std::vector<KvModeOffer> kv_modes() const;
  /// Adds to kv_quality(), and to the book.
  void learn(const KvCost& cost);

  /// After `device_lost` or `out_of_memory`, which `why` tells: the same model on the processor, with an empty cache. Whatever points to the cache, to texts() or to
  /// forward() has to be gone; tokenizer and chat format stay where they are. After an error, `cancelled` too, nothing may be used any more.
  Result<void> move_to_processor(ErrorCode why, const gpu::Progress& go_on = {});
  bool has_kv_book() const { return kv_book_ != nullptr; }
  /// By layer: 1 is left out where the model drafts for itself. Empty if the book does not know, or not of this many layers.
  std::vector<std::uint8_t> known_skipped() const;
  /// Tells the book, if there is one.
  void keep_skipped(const std::vector<std::uint8_t>& skipped);

  /// Reads `tokens` into the sequence in chunks; what `wants` names of the rows' logits goes to the sink with their
  /// index in `tokens`. `between` runs after every chunk with the number of tokens read; false cancels (`cancelled`).
  Result<void> read(SequenceId sequence, std::span<const TokenId> tokens, const std::function<LogitWish(std::int64_t)>& wants,
                    const LogitSink& sink, const std::function<bool(std::int64_t)>& between = {});

 private:
  LoadedModel() = default;
  static Result<std::unique_ptr<LoadedModel>> open_on(std::shared_ptr<gpu::Backend> processor, std::shared_ptr<const GgufFile> file, const ModelOptions& options,
                                                      const gpu::Progress& go_on);
  Result<void> settle_on(std::shared_ptr<gpu::Backend> backend, std::shared_ptr<const GgufFile> file, const gpu::Progress& go_on);

  std::shared_ptr<gpu::Backend> backend_;  // first: everything below lives on it
  DevicePlan plan_;
  std::int64_t free_once_open_ = 0;  // bytes of the device
  ModelOptions options_;
  Model model_;
  std::shared_ptr<KvBook> kv_book_;
  std::string fingerprint_;  // with a book
  KvQuality kv_quality_;
  std::string_view kv_name_;
  std::optional<KvCache> cache_;
  std::optional<PrefixTree> texts_;
  std::optional<Forward> forward_;
  std::optional<Tokenizer> tokenizer_;
  std::optional<ChatTemplate> template_;
  std::shared_ptr<const TokenTrie> trie_;
  std::vector<SamplerValue> sampling_advice_;
};

struct Prompt {
  std::vector<TokenId> tokens;
  std::string opening;  // of an answer whose thoughts the template has begun (template/prompt.h); whoever reads the answer reads it first
};
/// What a model reads of a request: chats through the template, raw text as it is, texts that lack their middle with the marks for that, ids as they are; one BOS if the file asks for one.
/// A chat's answer goes on after `answer_so_far`; empty: it begins. thinking, tools: as in Generate.
Result<Prompt> encode_prompt(const LoadedModel& loaded, const GeneratePrompt& prompt, const std::string& answer_so_far, const std::tm& now, std::optional<bool> thinking = {},
                             const std::string& tools = {});

}  // namespace foreword::engine
