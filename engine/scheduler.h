#pragma once
// One pass for all that wants one (after Sarathi-Serve; Agrawal et al. 2024): first the rows without which texts stand still,
// then drafts, then as much of a prompt as fits into the time that a reader of those texts does not notice (chunk_reader.h).
// Decides by measured times. Engine desk only.

#include <functional>
#include <span>

#include "engine/chunk_reader.h"
#include "engine/gap_limit.h"
#include "engine/pass_cost.h"
#include "engine/work.h"

namespace foreword::engine {

/// The most rows behind `depth` tokens that fit beside a pass of `rows` rows which look back at `looked_back` tokens together, so
/// that all of it takes `limit` seconds at most. At least 1, at most `most`.
std::int64_t rows_that_fit(const PassCost& cost, std::int64_t rows, double looked_back, std::int64_t depth, std::int64_t most, double limit);

class Scheduler {
 public:
  /// forward must outlive the scheduler. now: seconds on some clock; empty: the machine's.
  explicit Scheduler(Forward& forward, std::function<double()> now = {});

  PassCost& cost() { return cost_; }

  /// One step for what of this takes part: work in the background only if there is no other; writers always; of those who
  /// read a prompt the most urgent first, and among equals the one that is done soonest. go_on: asked between layers of a
  /// pass that will take longer than kUnnoticedSeconds; false gives it up with the error `cancelled`. After an error a text
  /// either has not changed or all that it was given rows for has happened. Writers hear of their step when all of it has ended: where their pass takes
  /// longer than others, less is read behind it.
  Result<void> step(std::span<Work* const> works, const std::function<bool()>& go_on);

 private:
  struct Wish {
    Work* work;
    Work::Need need;
  };
  struct Wishes {
    std::vector<Wish> writers, readers;
  };
  struct Part {
    Work* work;
    std::int64_t begin, end;  // rows of the batch
    std::int64_t depth;
  };
  Wishes wishes(std::span<Work* const> works) const;
  void add(Work& work, const Work::Need& need, const Work::Room& room);
  /// Seconds that a step of their roots alone takes, as far as they are known.
  double add_writers(const Wishes& wishes, const std::function<bool()>& go_on);
  void add_readers(const Wishes& wishes);
  double looked_back() const;
  double expected(std::int64_t rows, double looked_back) const;
  Result<void> run(PassOptions options, const std::function<bool()>& go_on, bool is_long);
  Result<void> write(const Wishes& wishes, const std::function<bool()>& go_on);

  Forward& forward_;
  std::function<double()> now_;
  PassCost cost_;
  Batch batch_;
  std::vector<Part> parts_;
  ChunkReader chunks_;
  GapLimit limit_;
};

}  // namespace foreword::engine
