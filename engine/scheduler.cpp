#include "engine/scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace foreword::engine {
namespace {

double machine_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// A row also looks back at those before it.
double looks_back(std::int64_t rows, std::int64_t depth) {
  return static_cast<double>(rows) * (static_cast<double>(depth) + static_cast<double>(rows) / 2);
}

}  // namespace

std::int64_t rows_that_fit(const PassCost& cost, std::int64_t rows, double looked_back, std::int64_t depth, std::int64_t most, double limit) {
  std::int64_t n = 1;
  while (n < most && cost.known() && cost.seconds(rows + n + 1, looked_back + looks_back(n + 1, depth)) <= limit) ++n;
  return n;
}

Scheduler::Scheduler(Forward& forward, std::function<double()> now)
    : forward_(forward), now_(now ? std::move(now) : machine_seconds), chunks_(forward, now_) {}

Scheduler::Wishes Scheduler::wishes(std::span<Work* const> works) const {
  Wishes wishes;
  Urgency most_urgent = Urgency::background;
  for (Work* work : works) {
    const Work::Need need = work->need();
    if (need.roots > 0) wishes.writers.push_back({work, need});
    else if (need.unread > 0) wishes.readers.push_back({work, need});
    else continue;
    most_urgent = std::min(most_urgent, need.urgency);
  }
  if (most_urgent != Urgency::background) {
    const auto waits = [](const Wish& wish) { return wish.need.urgency == Urgency::background; };
    std::erase_if(wishes.writers, waits);
    std::erase_if(wishes.readers, waits);
  }
  // The rest waits for a pass that has room; the first never does.
  std::int64_t roots = 0;
  std::erase_if(wishes.writers, [&](const Wish& wish) {
    const bool fits = roots == 0 || roots + wish.need.roots <= forward_.max_rows();
    if (fits) roots += wish.need.roots;
    return !fits;
  });
  std::ranges::stable_sort(wishes.readers, {}, [](const Wish& wish) { return std::pair(wish.need.urgency, wish.need.unread); });
  return wishes;
}

double Scheduler::looked_back() const {
  double sum = 0;
  for (const Part& part : parts_) sum += looks_back(part.end - part.begin, part.depth);
  return sum;
}

double Scheduler::expected(std::int64_t rows, double looked_back) const { return cost_.known() ? cost_.seconds(rows, looked_back) : limit_.alone(); }

void Scheduler::add(Work& work, const Work::Need& need, const Work::Room& room) {
  const std::int64_t begin = batch_.size();
  work.add_rows(batch_, room);
  if (batch_.size() > begin) parts_.push_back({&work, begin, batch_.size(), need.depth});
}

double Scheduler::add_writers(const Wishes& wishes, const std::function<bool()>& go_on) {
  std::int64_t roots = 0;
  double back = 0;
  for (const auto& [work, need] : wishes.writers) {
    roots += need.roots;
    back += looks_back(need.roots, need.depth);
  }
  const double plain = expected(roots, back), limit = limit_.seconds(plain);
  const std::int64_t most = forward_.max_rows();
  std::int64_t left = std::max<std::int64_t>(0, most - roots);  // rows that nobody has yet
  for (const auto& [work, need] : wishes.writers) {
    const std::int64_t others = roots - need.roots;
    std::int64_t drafts = left;
    // Where somebody waits to be read, drafts get half of what fits.
    if (!wishes.readers.empty()) drafts = std::min(left, rows_that_fit(cost_, roots, back, need.depth, most, limit) / 2);
    const std::int64_t before = batch_.size();
    const double a_row = cost_.known() ? cost_.seconds(1, static_cast<double>(need.depth)) - cost_.seconds(1, 0) : 0;
    add(*work, need, {need.roots + drafts, {static_cast<int>(others), static_cast<double>(others), a_row}, go_on});
    left -= std::max<std::int64_t>(0, batch_.size() - before - need.roots);
  }
  return plain;
}

void Scheduler::add_readers(const Wishes& wishes) {
  for (const auto& [work, need] : wishes.readers) {
    const std::int64_t left = forward_.max_rows() - batch_.size();
    if (left > 0) add(*work, need, {std::min(left, need.unread)});
  }
}

Result<void> Scheduler::run(PassOptions options, const std::function<bool()>& go_on, bool is_long) {
  if (is_long) options.go_on = go_on;
  auto part = parts_.begin();
  const auto sink = [&](std::int64_t row, const LogitRow& logits) {
    if (row >= batch_.size()) return chunks_.take(row - batch_.size(), logits);
    while (row >= part->end) ++part;
    part->work->take(row, logits);
  };
  return forward_.run(batch_, sink, options);
}

Result<void> Scheduler::step(std::span<Work* const> works, const std::function<bool()>& go_on) {
  batch_.clear();
  parts_.clear();
  chunks_.keep_only(works);
  const Wishes all = wishes(works);
  if (!all.writers.empty()) return write(all, go_on);
  if (std::ranges::find(all.readers, chunks_.under_way(), &Wish::work) != all.readers.end()) return chunks_.finish(go_on);
  add_readers(all);
  if (parts_.empty()) return {};
  const double back = looked_back(), begin = now_();
  FW_TRY(run({}, go_on, !cost_.known() || cost_.seconds(batch_.size(), back) > kUnnoticedSeconds));
  cost_.observe(batch_.size(), back, now_() - begin);
  for (const Part& each : parts_) each.work->end_step({static_cast<int>(batch_.size()), 0});
  return {};
}

Result<void> Scheduler::write(const Wishes& wishes, const std::function<bool()>& go_on) {
  const double plain = add_writers(wishes, go_on);  // drafts are made here, which is no part of the time that reading may take
  if (parts_.empty()) return {};
  ChunkReader::Step step{.begin = now_()};
  const double back = looked_back();
  step.own = expected(batch_.size(), back);
  step.limit = limit_.seconds(plain);
  if (step.own > 0) std::ranges::transform(wishes.readers, std::back_inserter(step.readers), &Wish::work);
  const bool reads = !step.readers.empty();  // not before it is known what writing takes

  const PassOptions options = chunks_.board(step, batch_.size());
  const double begin = now_();
  FW_TRY(run(options, go_on, !cost_.known() || (reads ? step.limit : step.own) > kUnnoticedSeconds));
  const double seconds = now_() - begin;
  const std::optional<double> own = chunks_.get_off(step, seconds);
  if (own) cost_.observe(batch_.size(), back, *own);
  if (own && reads) limit_.observe_own(*own, plain);
  const Result<void> read = chunks_.read_alone(step, go_on);
  if (reads) limit_.observe_beside(now_() - step.begin, plain);
  else limit_.observe_alone(seconds, plain);
  const Work::Pass pass{static_cast<int>(batch_.size()), reads ? 0 : seconds};
  for (const Part& each : parts_) each.work->end_step(pass);
  return read;
}

}  // namespace foreword::engine
