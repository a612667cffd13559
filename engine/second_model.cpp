#include "engine/second_model.h"

#include <algorithm>

namespace foreword::engine {

Result<std::unique_ptr<SecondModel>> SecondModel::open(const std::filesystem::path& path, const ModelOptions& options, const LoadedModel& target,
                                                       const gpu::Progress& go_on) {
  ModelOptions own = options;
  own.context = target.model().context;
  own.kv = KvMode::exact;
  FW_ASSIGN(auto file, GgufFile::open(path));
  auto model = LoadedModel::open_beside(target, std::make_shared<const GgufFile>(std::move(file)), own, go_on);
  if (!model) return std::move(model.error());
  const Tokenizer* mine = (*model)->tokenizer();
  const Tokenizer* its = target.tokenizer();
  const TokenId n_mine = mine != nullptr ? mine->size() : 0, n_its = its != nullptr ? its->size() : 0, both = std::min(n_mine, n_its);
  const bool same = both > 0 && std::max(n_mine, n_its) - both <= kMostPadding && [&] {
    for (TokenId id = 0; id < both; ++id) {
      if (mine->text(id) != its->text(id)) return false;
    }
    return true;
  }();
  if (!same) {
    return Error{ErrorCode::invalid_argument, path.filename().string() + " has another vocabulary (" + std::to_string(n_mine) + " tokens) than " + target.summary().name +
                                                  " (" + std::to_string(n_its) + ") and cannot draft for it; choose a smaller model of the same family."};
  }
  return std::unique_ptr<SecondModel>(new SecondModel(std::move(*model), both));
}

SecondModel::SecondModel(std::unique_ptr<LoadedModel> model, std::int32_t vocabulary)
    : model_(std::move(model)), vocabulary_(vocabulary), sequence_(model_->cache().add_sequence()) {}

bool SecondModel::knows(std::span<const std::int32_t> tokens) const {
  return std::ranges::all_of(tokens, [this](std::int32_t token) { return token < vocabulary_; });
}

void SecondModel::follow(std::span<const std::int32_t> text, std::size_t kept) {
  kept = std::min(kept, text_.size());
  if (kept < text_.size()) broken_ = !knows(text.first(kept));
  broken_ = broken_ || !knows(text.subspan(kept));
  text_.resize(kept);
  text_.insert(text_.end(), text.begin() + static_cast<std::ptrdiff_t>(kept), text.end());
  agreed_ = std::min(agreed_, static_cast<std::int64_t>(kept));
  add({});
}

std::int64_t SecondModel::n_unread() const { return broken_ || text_.empty() ? 0 : std::max<std::int64_t>(0, std::ssize(text_) - 1 - agreed_); }

void SecondModel::keep(std::int64_t n) {
  if (n < std::ssize(held_)) held_.resize(static_cast<std::size_t>(model_->cache().truncate(sequence_, n)));
  agreed_ = std::min(agreed_, std::ssize(held_));
}

void SecondModel::add(std::span<const std::int32_t> tokens) {
  held_.insert(held_.end(), tokens.begin(), tokens.end());
  const auto held = std::span(held_).subspan(static_cast<std::size_t>(agreed_)), text = std::span(text_).subspan(static_cast<std::size_t>(agreed_));
  agreed_ += std::ranges::mismatch(held, text).in1 - held.begin();
}

void SecondModel::read_on() {
  if (n_unread() == 0 || std::ssize(text_) >= model_->model().context) return;
  keep(agreed_);
  const auto fresh = std::span(text_).subspan(static_cast<std::size_t>(agreed_), static_cast<std::size_t>(std::min(kMostAtOnce, n_unread())));
  broken_ = !model_->read(sequence_, fresh, [](std::int64_t) { return false; }, {});
  add(fresh.first(static_cast<std::size_t>(model_->cache().length(sequence_) - std::ssize(held_))));
}

std::optional<LevelRows> LevelRows::of(const DraftTree& tree, std::span<const std::int32_t> nodes, SequenceId sequence, std::int64_t most, LogitWish wish,
                                       const Known& known) {
  const auto contains = [](std::span<const std::int32_t> some, std::int32_t node) { return std::ranges::find(some, node) != some.end(); };
  std::vector<std::int32_t> wanted(nodes.begin(), nodes.end());
  for (const std::int32_t node : nodes) {
    for (std::int32_t at = tree.parent[static_cast<std::size_t>(node)]; at >= 0 && !contains(known.held, at); at = tree.parent[static_cast<std::size_t>(at)]) wanted.push_back(at);
  }
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  if (std::ssize(wanted) + std::ssize(known.unread) > most) return std::nullopt;
  LevelRows rows;
  std::int32_t before = -1;  // the row behind which the first nodes stand
  for (const std::int32_t token : known.unread) {
    before = rows.batch.add(token, sequence, before, false);
    rows.node_of.push_back(-1);
  }
  std::vector<std::int32_t> row_of(static_cast<std::size_t>(tree.size()), before);  // a node of the cache lies behind no row
  for (const std::int32_t node : wanted) {
    const auto n = static_cast<std::size_t>(node);
    const std::int32_t parent = tree.parent[n];
    row_of[n] = rows.batch.add(tree.token[n], sequence, parent < 0 ? before : row_of[static_cast<std::size_t>(parent)], contains(nodes, node) ? wish : LogitWish(false));
    rows.node_of.push_back(node);
  }
  return rows;
}

namespace {

/// The nodes that lie on the way to all of these and to nothing else, from the root on; a node that is alone lies on its own way.
std::vector<std::int32_t> stem_of(const DraftTree& tree, std::span<const std::int32_t> nodes) {
  std::vector<std::int32_t> stem;
  for (const std::int32_t node : nodes) {
    std::vector<std::int32_t> way;
    for (std::int32_t at = nodes.size() == 1 ? node : tree.parent[static_cast<std::size_t>(node)]; at >= 0; at = tree.parent[static_cast<std::size_t>(at)]) way.push_back(at);
    std::ranges::reverse(way);
    if (node == nodes.front()) stem = std::move(way);
    else stem.resize(static_cast<std::size_t>(std::ranges::mismatch(stem, way).in1 - stem.begin()));
  }
  return stem;
}

}  // namespace

bool SecondModel::score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) {
  if (backlog() > 0) read_on();
  if (broken_ || text_.empty() || std::ssize(text_) >= model_->model().context) return false;
  const std::int64_t root = std::ssize(text_) - 1;
  const std::vector<std::int32_t> stem = stem_of(tree, nodes);
  std::int64_t n_held = 0;  // of the stem; whose logits are wanted needs a row
  const auto holds = [&](std::int64_t i) {
    const std::int32_t node = stem[static_cast<std::size_t>(i)];
    return root + i < std::ssize(held_) && held_[static_cast<std::size_t>(root + i)] == tree.token[static_cast<std::size_t>(node)] && node != nodes.front();
  };
  while (agreed_ >= root && n_held < std::ssize(stem) && holds(n_held)) ++n_held;
  keep(std::min(agreed_, root) + n_held);
  if (backlog() > 0) return false;  // the cache could not keep enough
  n_held = std::max<std::int64_t>(0, std::ssize(held_) - root);
  const LevelRows::Known known{std::span(text_).subspan(static_cast<std::size_t>(std::min(agreed_, root)), static_cast<std::size_t>(n_unread())),
                               std::span(stem).first(static_cast<std::size_t>(n_held))};
  const std::int64_t most = std::min(model_->model().context - std::ssize(held_), model_->forward().max_rows());
  const auto level = LevelRows::of(tree, nodes, sequence_, most, wish, known);
  if (!level || !knows(level->batch.token)) return false;
  broken_ = !model_->forward().run(level->batch, [&](std::int64_t row, const LogitRow& logits) {
    sink(level->node_of[static_cast<std::size_t>(row)], logits.first(static_cast<std::size_t>(vocabulary_)));
  });
  // Where layers have windows, tokens that are committed push out others, which do not come back when a wrong guess is cut off.
  const bool keeps_guesses = model_->cache().shape().n_windowed() == 0;
  std::vector<std::int32_t> kept, tokens;
  for (std::size_t row = 0; row < level->node_of.size(); ++row) {
    const std::int32_t node = level->node_of[row];
    if (node > 0 && (!keeps_guesses || std::ranges::find(stem, node) == stem.end())) continue;
    kept.push_back(static_cast<std::int32_t>(row));
    tokens.push_back(node < 0 ? known.unread[row] : tree.token[static_cast<std::size_t>(node)]);
  }
  broken_ = broken_ || !model_->cache().accept(sequence_, kept);
  if (!broken_) add(tokens);
  return !broken_;
}

std::int64_t SecondModel::bytes() const { return static_cast<std::int64_t>(model_->file().total_bytes()) + model_->cache().total_bytes(); }

}  // namespace foreword::engine
