#include "engine/scheduler.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRate = .1;
// Where one pass in a hundred takes too long, the share of the limit stays as it is.
constexpr double kShrink = .9, kGrow = 1 + (1 / kShrink - 1) / 99, kLeastShare = .7;

/// A row also looks back at those before it.
double looks_back(std::int64_t rows, std::int64_t depth) {
  return static_cast<double>(rows) * (static_cast<double>(depth) + static_cast<double>(rows) / 2);
}

}  // namespace

double GapLimit::measure(double expected) const { return std::max(kUnnoticedSeconds / kStretch, alone_ > 0 ? alone_ : expected); }

double GapLimit::seconds(double expected) const { return share_ * kStretch * measure(expected); }

void GapLimit::observe_alone(double seconds) {
  alone_ = alone_ == 0 ? seconds : alone_ + kRate * (std::clamp(seconds, .5 * alone_, 1.5 * alone_) - alone_);
}

void GapLimit::observe_beside(double seconds) {
  if (!known()) return;
  share_ = std::clamp(share_ * (seconds > kTolerated * measure(0) ? kShrink : kGrow), kLeastShare, 1.0);
}

std::int64_t rows_that_fit(const PassCost& cost, std::int64_t rows, double looked_back, std::int64_t depth, std::int64_t most, double limit) {
  std::int64_t n = 1;
  while (n < most && cost.known() && cost.seconds(rows + n + 1, looked_back + looks_back(n + 1, depth)) <= limit) ++n;
  return n;
}

double Scheduler::looked_back() const {
  double sum = 0;
  for (const Part& part : parts_) sum += looks_back(part.end - part.begin, part.depth);
  return sum;
}

void Scheduler::add(Work& work, const Work::Need& need, const Work::Room& room) {
  const std::int64_t begin = batch_.size();
  work.add_rows(batch_, room);
  if (batch_.size() > begin) parts_.push_back({&work, begin, batch_.size(), need.depth});
}

void Scheduler::plan(std::span<Work* const> works) {
  batch_.clear();
  parts_.clear();
  struct Wish {
    Work* work;
    Work::Need need;
  };
  std::vector<Wish> writers, readers;
  Urgency most_urgent = Urgency::background;
  for (Work* work : works) {
    const Work::Need need = work->need();
    if (need.roots > 0) writers.push_back({work, need});
    else if (need.unread > 0) readers.push_back({work, need});
    else continue;
    most_urgent = std::min(most_urgent, need.urgency);
  }
  if (most_urgent != Urgency::background) {
    const auto waits = [](const Wish& wish) { return wish.need.urgency == Urgency::background; };
    std::erase_if(writers, waits);
    std::erase_if(readers, waits);
  }
  std::ranges::stable_sort(readers, {}, [](const Wish& wish) { return std::pair(wish.need.urgency, wish.need.unread); });
  reads_ = !readers.empty();

  std::int64_t roots = 0;
  double roots_look_back = 0;
  for (const auto& [work, need] : writers) {
    roots += need.roots;
    roots_look_back += looks_back(need.roots, need.depth);
  }
  const std::int64_t most = forward_.max_rows();
  double limit = std::numeric_limits<double>::infinity();
  writes_ = !writers.empty();
  if (writes_ && (limit_.known() || cost_.known())) limit = limit_.seconds(cost_.known() ? cost_.seconds(roots, roots_look_back) : 0);

  std::int64_t left = most - roots;  // rows that nobody has yet
  for (const auto& [work, need] : writers) {
    const std::int64_t others = roots - need.roots;
    std::int64_t drafts = left;
    // Where somebody waits to be read, drafts get half of what fits.
    if (reads_) drafts = std::min(left, rows_that_fit(cost_, roots, roots_look_back, need.depth, most, limit) / 2);
    const std::int64_t before = batch_.size();
    add(*work, need, {need.roots + drafts, {static_cast<int>(others), static_cast<double>(others)}});
    left -= std::max<std::int64_t>(0, batch_.size() - before - need.roots);
  }
  for (const auto& [work, need] : readers) {
    left = most - batch_.size();
    if (left <= 0) break;
    std::int64_t rows = std::min(left, need.unread);
    if (!writers.empty()) {
      const double taken = looked_back();
      const bool full = !parts_.empty() && cost_.known() && cost_.seconds(batch_.size() + 1, taken + looks_back(1, need.depth)) > limit;
      if (full && work != readers.front().work) break;
      rows = rows_that_fit(cost_, batch_.size(), taken, need.depth, rows, limit);
    }
    add(*work, need, {rows, {}});
  }
}

Result<void> Scheduler::step(std::span<Work* const> works, const std::function<bool()>& go_on) {
  plan(works);
  if (parts_.empty()) return {};
  const double back = looked_back();
  const bool is_long = !cost_.known() || cost_.seconds(batch_.size(), back) > kUnnoticedSeconds;
  auto part = parts_.begin();
  const Clock::time_point begin = Clock::now();
  FW_TRY(forward_.run(
      batch_,
      [&](std::int64_t row, const LogitRow& logits) {
        while (row >= part->end) ++part;
        part->work->take(row, logits);
      },
      {.go_on = is_long ? go_on : std::function<bool()>()}));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  cost_.observe(batch_.size(), back, seconds);
  if (writes_ && reads_) limit_.observe_beside(seconds);
  else if (writes_) limit_.observe_alone(seconds);
  const Work::Pass pass{static_cast<int>(batch_.size()), reads_ ? 0 : seconds};
  for (const Part& each : parts_) each.work->end_step(pass);
  return {};
}

}  // namespace foreword::engine
