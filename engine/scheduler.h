#pragma once
// One pass for all that wants one (after Sarathi-Serve; Agrawal et al. 2024): first the rows without which texts stand still,
// then drafts, then as much of a prompt as fits into the time that a reader of those texts does not notice. Decides by
// measured times. Engine desk only.

#include <functional>
#include <span>

#include "engine/pass_cost.h"
#include "engine/work.h"

namespace foreword::engine {

/// A picture of the screen: what nobody notices.
inline constexpr double kUnnoticedSeconds = 1.0 / 60;

/// How long a pass may take while texts are written: kStretch times what passes took in which nothing was read, or what nobody
/// notices, whichever is longer. Of the passes that are planned by it one in a hundred may take more than kTolerated times what is
/// the measure of that: if more do, whatever the reason, the limit shrinks until they do not.
class GapLimit {
 public:
  static constexpr double kStretch = 1.5, kTolerated = 1.9;
  /// expected: seconds of a pass that reads nothing, for as long as there was none.
  double seconds(double expected) const;
  bool known() const { return alone_ > 0; }
  void observe_alone(double seconds);
  void observe_beside(double seconds);

 private:
  double measure(double expected) const;  // seconds of a pass of which a gap is a multiple
  double alone_ = 0;                      // seconds of a pass that writes and does not read, averaged; 0: there was none
  double share_ = 1;                      // of the limit, as far as passes keep to it
};

/// The most rows of a prompt, read behind `depth` tokens, that fit beside a pass of `rows` rows which look back at `looked_back`
/// tokens together, so that all of it takes `limit` seconds at most. At least 1, at most `most`.
std::int64_t rows_that_fit(const PassCost& cost, std::int64_t rows, double looked_back, std::int64_t depth, std::int64_t most, double limit);

class Scheduler {
 public:
  /// forward must outlive the scheduler.
  explicit Scheduler(Forward& forward) : forward_(forward) {}

  PassCost& cost() { return cost_; }

  /// One pass for what of this takes part: work in the background only if there is no other; writers always; of those who
  /// read a prompt the most urgent first, and among equals the one that is done soonest. go_on: asked between layers of a
  /// pass that will take longer than kUnnoticedSeconds; false gives it up with the error `cancelled`. After an error no text
  /// has changed.
  Result<void> step(std::span<Work* const> works, const std::function<bool()>& go_on);

 private:
  struct Part {
    Work* work;
    std::int64_t begin, end;  // rows of the batch
    std::int64_t depth;
  };
  void plan(std::span<Work* const> works);
  void add(Work& work, const Work::Need& need, const Work::Room& room);
  double looked_back() const;

  Forward& forward_;
  PassCost cost_;
  Batch batch_;
  std::vector<Part> parts_;
  bool reads_ = false, writes_ = false;  // in this pass
  GapLimit limit_;
};

}  // namespace foreword::engine
