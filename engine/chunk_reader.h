#pragma once
// Reads prompts beside texts that are written. A chunk of a prompt rides along with the writers' pass through as many layers as
// there is time for, sharing each weight that is read; behind that pass it goes on alone until the step has to end; in the next step
// it gets on again where it was. One chunk at a time. Engine desk only.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/ride_cost.h"
#include "engine/work.h"

namespace foreword::engine {

class ChunkReader {
 public:
  /// forward must outlive the reader. now: seconds on some clock.
  ChunkReader(Forward& forward, std::function<double()> now) : forward_(forward), now_(std::move(now)) {}

  struct Step {
    std::vector<Work*> readers = {};  // with unread tokens, in the order in which they are to be read
    double begin = 0, limit = 0;      // when it began; seconds that it may take
    double own = 0;                   // seconds of that for those who write
  };

  /// The chunk is given up if its work is not among these any more, or its text is not what it was: it begins anew then.
  void keep_only(std::span<Work* const> works);
  /// Whose chunk is under way; null: nobody's.
  const Work* under_way() const { return chunk_ ? chunk_->work : nullptr; }

  /// What rides along with the writers' pass of so many rows. The options hold until get_off().
  PassOptions board(const Step& step, std::int64_t n_rows);
  /// After that pass, which took so long: seconds of it that the writers' rows alone would have taken; nothing where that cannot be told.
  std::optional<double> get_off(const Step& step, double seconds);
  /// As long as there is time in the step; but a layer at least if none was gone through. go_on: false ends it early.
  Result<void> read_alone(const Step& step, const std::function<bool()>& go_on);
  /// The chunk under way, without any limit, if go_on does not say false; then the rest of it comes later.
  Result<void> finish(const std::function<bool()>& go_on);
  /// Logits of a row of the chunk.
  void take(std::int64_t row, const LogitRow& logits) { chunk_->work->take(row, logits); }

 private:
  struct Chunk {
    Work* work;
    Passenger passenger;
    std::int64_t depth;  // tokens before it
    std::int64_t rows() const { return passenger.batch.size(); }
  };
  /// For a chunk behind so many tokens.
  RideCost::Time time_of(const Step& step, std::int64_t depth) const {
    return {step.own, step.limit, spare_ * step.limit, forward_.n_layers(), layers_share_, depth};
  }
  double added_by_layer() const { return cost_.along.seconds(chunk_->rows(), chunk_->depth); }
  void begin(const Step& step, std::int64_t most);
  bool may_ride(const Step& step, std::int64_t layer);
  Result<void> run_alone(const std::function<bool(std::int64_t layer)>& rides);
  void arrive();

  Forward& forward_;
  std::function<double()> now_;
  RideCost cost_;
  double layers_share_ = .85;  // of a pass; the rest is the head's
  double spare_ = .1;          // of the limit: what a pass may take longer than expected without its step being late
  std::optional<Chunk> chunk_;
  // Of the step: the first layer that was gone through, or -1, and when; when it was last asked about one.
  std::int64_t first_layer_ = -1;
  double first_at_ = 0, asked_at_ = 0;
};

}  // namespace foreword::engine
