#include "engine/second_model.h"

#include <algorithm>

namespace foreword::engine {

Result<std::unique_ptr<SecondModel>> SecondModel::open(const std::filesystem::path& path, const ModelOptions& options, const LoadedModel& target) {
  ModelOptions own = options;
  own.context = target.model().context;
  own.kv = KvMode::exact;
  FW_ASSIGN(auto file, GgufFile::open(path));
  auto model = LoadedModel::open(std::make_shared<const GgufFile>(std::move(file)), own);
  if (!model) return std::move(model.error());
  const Tokenizer* mine = (*model)->tokenizer();
  const Tokenizer* its = target.tokenizer();
  const bool same = mine != nullptr && its != nullptr && mine->size() == its->size() && [&] {
    for (TokenId id = 0; id < its->size(); ++id) {
      if (mine->text(id) != its->text(id)) return false;
    }
    return true;
  }();
  if (!same) {
    return Error{ErrorCode::invalid_argument, path.filename().string() + " has another vocabulary than " + target.summary().name +
                                                  " and cannot draft for it; choose a smaller model of the same family."};
  }
  return std::unique_ptr<SecondModel>(new SecondModel(std::move(*model)));
}

SecondModel::SecondModel(std::unique_ptr<LoadedModel> model) : model_(std::move(model)), sequence_(model_->cache().add_sequence()) {}

void SecondModel::follow(std::span<const std::int32_t> text, std::size_t kept) {
  KvCache& cache = model_->cache();
  const std::size_t known = text.empty() ? 0 : std::min({kept, text.size() - 1, static_cast<std::size_t>(cache.length(sequence_))});
  const auto length = static_cast<std::size_t>(cache.truncate(sequence_, static_cast<std::int64_t>(known)));
  usable_ = !text.empty() && std::ssize(text) < model_->model().context;
  if (!usable_) return;
  const auto fresh = text.first(text.size() - 1).subspan(length);
  usable_ = model_->read(sequence_, fresh, [](std::int64_t) { return false; }, {}).has_value();
}

std::optional<LevelRows> LevelRows::of(const DraftTree& tree, std::span<const std::int32_t> nodes, SequenceId sequence, std::int64_t most) {
  std::vector<std::int32_t> wanted(nodes.begin(), nodes.end());
  for (const std::int32_t node : nodes) {
    for (std::int32_t at = tree.parent[static_cast<std::size_t>(node)]; at >= 0; at = tree.parent[static_cast<std::size_t>(at)]) wanted.push_back(at);
  }
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  if (std::ssize(wanted) > most) return std::nullopt;
  LevelRows rows;
  std::vector<std::int32_t> row_of(static_cast<std::size_t>(tree.size()), -1);
  for (const std::int32_t node : wanted) {
    const auto n = static_cast<std::size_t>(node);
    const std::int32_t parent = tree.parent[n];
    const bool asked = std::ranges::find(nodes, node) != nodes.end();
    row_of[n] = rows.batch.add(tree.token[n], sequence, parent < 0 ? -1 : row_of[static_cast<std::size_t>(parent)], asked);
    rows.node_of.push_back(node);
  }
  return rows;
}

bool SecondModel::score(const DraftTree& tree, std::span<const std::int32_t> nodes, const Sink& sink) {
  if (!usable_) return false;
  const std::int64_t left = model_->model().context - model_->cache().length(sequence_);
  const auto level = LevelRows::of(tree, nodes, sequence_, std::min(left, model_->forward().max_rows()));
  if (!level) return false;
  const auto n_vocab = static_cast<std::size_t>(model_->tokenizer()->size());
  usable_ = model_->forward().run(level->batch, [&](std::int64_t row, std::span<const float> logits) {
    sink(level->node_of[static_cast<std::size_t>(row)], logits.first(std::min(logits.size(), n_vocab)));
  }).has_value();
  return usable_;
}

std::int64_t SecondModel::bytes() const { return static_cast<std::int64_t>(model_->file().total_bytes()) + model_->cache().total_bytes(); }

}  // namespace foreword::engine
