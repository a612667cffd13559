#include "engine/second_model.h"

#include <algorithm>

namespace foreword::engine {

Result<std::unique_ptr<SecondModel>> SecondModel::open(const std::filesystem::path& path, const ModelOptions& options, const LoadedModel& target) {
  ModelOptions own = options;
  own.context = target.model().context;
  own.kv = KvMode::exact;
  FW_ASSIGN(auto file, GgufFile::open(path));
  auto model = LoadedModel::open_beside(target, std::make_shared<const GgufFile>(std::move(file)), own);
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
  kept = std::min(kept, text_.size());
  text_.resize(kept);
  text_.insert(text_.end(), text.begin() + static_cast<std::ptrdiff_t>(kept), text.end());
  read_ = std::min(read_, static_cast<std::int64_t>(kept));
  if (kept == 0) broken_ = false;
}

std::int64_t SecondModel::backlog() const {
  return broken_ || text_.empty() ? 0 : std::max<std::int64_t>(0, std::ssize(text_) - 1 - read_);
}

bool SecondModel::read_on(std::int64_t most) {
  if (broken_ || text_.empty() || std::ssize(text_) >= model_->model().context) return false;
  KvCache& cache = model_->cache();
  const std::int64_t wanted = std::ssize(text_) - 1;
  read_ = std::min(read_, wanted);
  if (read_ < cache.length(sequence_)) read_ = cache.truncate(sequence_, read_);
  if (read_ == wanted) return true;
  const auto fresh = std::span(text_).first(static_cast<std::size_t>(wanted)).subspan(static_cast<std::size_t>(read_), static_cast<std::size_t>(std::min(most, wanted - read_)));
  broken_ = !model_->read(sequence_, fresh, [](std::int64_t) { return false; }, {});
  read_ = cache.length(sequence_);
  return !broken_;
}

std::optional<LevelRows> LevelRows::of(const DraftTree& tree, std::span<const std::int32_t> nodes, SequenceId sequence, std::int64_t most, LogitWish wish) {
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
    row_of[n] = rows.batch.add(tree.token[n], sequence, parent < 0 ? -1 : row_of[static_cast<std::size_t>(parent)], asked ? wish : LogitWish(false));
    rows.node_of.push_back(node);
  }
  return rows;
}

bool SecondModel::score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) {
  if (!read_on(kMostAtOnce) || backlog() > 0) return false;
  const std::int64_t left = model_->model().context - model_->cache().length(sequence_);
  const auto level = LevelRows::of(tree, nodes, sequence_, std::min(left, model_->forward().max_rows()), wish);
  if (!level) return false;
  const auto n_vocab = static_cast<std::size_t>(model_->tokenizer()->size());
  broken_ = !model_->forward().run(level->batch, [&](std::int64_t row, const LogitRow& logits) {
    sink(level->node_of[static_cast<std::size_t>(row)], logits.first(n_vocab));
  });
  return !broken_;
}

std::int64_t SecondModel::bytes() const { return static_cast<std::int64_t>(model_->file().total_bytes()) + model_->cache().total_bytes(); }

}  // namespace foreword::engine
