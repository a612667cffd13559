#include "engine/chunk_reader.h"

#include <algorithm>
#include <utility>

namespace foreword::engine {
namespace {

// Passes that end when their step should have ended make what is spared for them grow, others let it shrink, so that it settles where
// two in three hundred do.
constexpr double kSpareGrows = 1.25, kSpareShrinks = 1 - (kSpareGrows - 1) / 150, kLeastSpare = .03, kMostSpare = .3;
// A ride that is expected to end in so much of its time needs no look at the clock before each layer.
constexpr double kSure = .8;
constexpr double kShareRate = .1;

}  // namespace

void ChunkReader::keep_only(std::span<Work* const> works) {
  if (chunk_ && (std::ranges::find(works, chunk_->work) == works.end() || !forward_.can_go_on(chunk_->passenger))) chunk_.reset();
}

void ChunkReader::begin(const Step& step, std::int64_t most) {
  for (Work* work : step.readers) {
    const Work::Need need = work->need();
    if (need.unread == 0 || most < 1) continue;
    Batch batch;
    work->add_rows(batch, {std::min(cost_.choose_rows(time_of(step, need.depth), most), need.unread)});
    if (batch.size() == 0) continue;
    chunk_.emplace(Chunk{work, forward_.passenger(std::move(batch)), need.depth});
    return;
  }
}

PassOptions ChunkReader::board(const Step& step, std::int64_t n_rows) {
  first_layer_ = -1;
  const std::int64_t most = forward_.max_rows() - n_rows;
  const auto is_reader = [&](const Work* work) { return std::ranges::find(step.readers, work) != step.readers.end(); };
  if (chunk_ && !step.readers.empty() && !is_reader(chunk_->work)) chunk_.reset();  // of one that waits now: others are not to wait for it
  if (!chunk_) begin(step, most);
  const bool boards = chunk_ && chunk_->rows() <= most && is_reader(chunk_->work);
  if (!boards) return {};
  PassOptions options;
  options.passenger = &chunk_->passenger;
  const std::int64_t left = forward_.n_layers() - chunk_->passenger.next_layer;
  const double added = added_by_layer() * static_cast<double>(left);
  if (added > 0 && step.own + added < kSure * step.limit) first_layer_ = chunk_->passenger.next_layer, first_at_ = 0;
  else options.rides = [this, step](std::int64_t layer) { return may_ride(step, layer); };
  return options;
}

bool ChunkReader::may_ride(const Step& step, std::int64_t layer) {
  const double now = now_(), of_layer = time_of(step, chunk_->depth).layer();
  const auto n_layers = static_cast<double>(forward_.n_layers());
  if (first_layer_ < 0) {
    first_layer_ = layer;
    first_at_ = now;
    // Layers that only the others went through tell what share of their pass is theirs.
    const double share = layer > 0 ? (now - step.begin) / step.own * n_layers / static_cast<double>(layer) : 0;
    if (4 * layer >= forward_.n_layers()) layers_share_ += kShareRate * (std::clamp(share, .4, 1.0) - layers_share_);
  } else {
    cost_.along.observe(chunk_->rows(), chunk_->depth, now - asked_at_ - of_layer);
  }
  asked_at_ = now;
  const double rest = step.own * (1 - layers_share_ * static_cast<double>(layer + 1) / n_layers);  // of the others, behind this layer
  return layer == first_layer_ || now + of_layer + added_by_layer() + rest <= step.begin + (1 - spare_) * step.limit;
}

std::optional<double> ChunkReader::get_off(const Step& step, double seconds) {
  if (!chunk_ || first_layer_ < 0) return seconds;
  const std::int64_t n = chunk_->passenger.next_layer - first_layer_, rows = chunk_->rows();
  const bool arrived = chunk_->passenger.next_layer == forward_.n_layers(), clocked = first_at_ > 0;
  if (clocked && n > 1) {  // the first layer goes on whatever it takes
    const bool late = now_() > step.begin + step.limit;
    spare_ = std::clamp(spare_ * (late ? kSpareGrows : kSpareShrinks), kLeastSpare, kMostSpare);
  }
  if (!clocked) cost_.along.observe(rows, chunk_->depth, (seconds - step.own) / static_cast<double>(n));
  const double of_layer = time_of(step, chunk_->depth).layer(), added = added_by_layer();
  if (arrived) arrive();
  if (!clocked || 2 * n > forward_.n_layers()) return std::nullopt;
  // Nobody asked after the last layer of all.
  const auto n_timed = static_cast<double>(arrived ? n - 1 : n);
  return seconds - (asked_at_ - first_at_ - n_timed * of_layer) - (arrived ? added : 0);
}

Result<void> ChunkReader::run_alone(const std::function<bool(std::int64_t layer)>& rides) {
  const auto take_row = [this](std::int64_t row, const LogitRow& logits) { take(row, logits); };
  FW_TRY(forward_.run({}, take_row, {.passenger = &chunk_->passenger, .rides = rides}));
  if (chunk_->passenger.next_layer == forward_.n_layers()) arrive();
  return {};
}

Result<void> ChunkReader::read_alone(const Step& step, const std::function<bool()>& go_on) {
  const double end = step.begin + step.limit;
  bool none = first_layer_ < 0, goes_on = true;
  while (goes_on) {
    if (!chunk_) begin(step, forward_.max_rows());
    if (!chunk_ || std::ranges::find(step.readers, chunk_->work) == step.readers.end()) return {};
    const std::int64_t rows = chunk_->rows(), depth = chunk_->depth;
    const RideCost::Time time = time_of(step, depth);
    const bool to_the_end = chunk_->passenger.next_layer == 0 && cost_.rides_whole(rows, time);
    const auto fits = [&](double now, std::int64_t n_layers) {
      return now + cost_.seconds_alone(rows, time) * static_cast<double>(n_layers) <= end && (!go_on || go_on());
    };
    if (!none && !fits(now_(), to_the_end ? forward_.n_layers() : 1)) return {};
    double asked_at = 0;
    FW_TRY(run_alone([&](std::int64_t) {
      const double now = now_();
      if (asked_at > 0) cost_.alone.observe(rows, depth, now - asked_at);
      asked_at = now;
      return goes_on = std::exchange(none, false) || fits(now, 1);
    }));
  }
  return {};
}

Result<void> ChunkReader::finish(const std::function<bool()>& go_on) {
  return run_alone([&](std::int64_t) { return !go_on || go_on(); });
}

void ChunkReader::arrive() {
  const Chunk chunk = std::move(*chunk_);
  chunk_.reset();
  chunk.work->end_step({static_cast<int>(chunk.rows()), 0});
}

}  // namespace foreword::engine
