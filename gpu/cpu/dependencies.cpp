#include "gpu/cpu/dependencies.h"

#include <algorithm>

#include "gpu/tensor.h"

namespace foreword::gpu {

Extent::Extent(const void* data, std::int64_t n_rows, std::int64_t bytes_of_row, std::int64_t bytes_between) {
  if (n_rows == 0) return;
  begin = static_cast<const std::byte*>(data);
  end = begin + (n_rows - 1) * bytes_between + bytes_of_row;
  rows = n_rows;
  row_bytes = bytes_of_row;
  stride = bytes_between;
}

Extent::Extent(const Tensor& tensor) {
  if (tensor.buffer == nullptr) return;
  const std::int64_t size = bytes_of(tensor.dtype);
  *this = Extent(tensor.buffer->host() + tensor.offset, tensor.rows, tensor.cols * size, tensor.stride * size);
}

bool rows_overlap(const Extent& a, const Extent& b) {
  if (a.stride != b.stride || a.rows == 1 || b.rows == 1) return true;
  // Column ranges of one matrix, as the parts of a merged projection: compare the columns, around the row's end.
  const std::int64_t shift = ((b.begin - a.begin) % a.stride + a.stride) % a.stride;
  return shift < a.row_bytes || shift + b.row_bytes > a.stride;
}

Dependencies::Place Dependencies::place(std::int64_t n_units, std::span<const Extent> reads, std::span<const Extent> writes, bool alone) {
  Decision now{n_units, reads.size(), writes.size(), alone, {}};
  if (n_decided_ == 0) choose_course(now, reads, writes);
  if (follows_ && n_decided_ < courses_[course_].decisions.size() && is(courses_[course_], n_decided_, n_extents_, now, reads, writes)) {
    now.place = courses_[course_].decisions[n_decided_].place;
  } else {
    if (follows_) leave_course();
    decide(now, reads, writes);
    take_in(now, reads, writes);
    Course& course = courses_[course_];
    course.decisions.push_back(now);
    course.extents.insert(course.extents.end(), reads.begin(), reads.end());
    course.extents.insert(course.extents.end(), writes.begin(), writes.end());
  }
  ++n_decided_;
  n_extents_ += reads.size() + writes.size();
  return now.place;
}

void Dependencies::clear() {
  n_decided_ = n_extents_ = 0;
  follows_ = false;
  uses_.clear();
  n_units_.clear();
}

bool Dependencies::is(const Course& course, std::size_t decision, std::size_t extent, const Decision& now, std::span<const Extent> reads,
                      std::span<const Extent> writes) {
  const Decision& then = course.decisions[decision];
  const auto extents = course.extents.begin() + static_cast<std::ptrdiff_t>(extent);
  return then.n_units == now.n_units && then.n_reads == now.n_reads && then.n_writes == now.n_writes && then.alone == now.alone &&
         std::equal(reads.begin(), reads.end(), extents) && std::equal(writes.begin(), writes.end(), extents + std::ssize(reads));
}

void Dependencies::choose_course(const Decision& now, std::span<const Extent> reads, std::span<const Extent> writes) {
  const auto begins_so = [&](const Course& course) { return is(course, 0, 0, now, reads, writes); };
  const auto found = std::ranges::find_if(courses_, begins_so);
  follows_ = found != courses_.end();
  if (follows_) {
    course_ = static_cast<std::size_t>(found - courses_.begin());
  } else if (courses_.size() < kMostCourses) {
    course_ = courses_.size();
    courses_.emplace_back();
  } else {
    course_ = oldest_++ % kMostCourses;
    courses_[course_] = {};
  }
}

// From here on it goes otherwise than before: what was decided up to here has to be known in full.
void Dependencies::leave_course() {
  follows_ = false;
  Course& course = courses_[course_];
  course.decisions.resize(n_decided_);
  course.extents.resize(n_extents_);
  const std::span<const Extent> extents = course.extents;
  std::size_t at = 0;
  for (const Decision& decision : course.decisions) {
    take_in(decision, extents.subspan(at, decision.n_reads), extents.subspan(at + decision.n_reads, decision.n_writes));
    at += decision.n_reads + decision.n_writes;
  }
}

void Dependencies::decide(Decision& now, std::span<const Extent> reads, std::span<const Extent> writes) const {
  constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t partner = kNone;  // the only step in our way, if it is
  bool several = false;
  for (const Use& use : uses_) {
    const auto meets = [&use](const Extent& extent) { return overlap(use.extent, extent); };
    if (!std::any_of(writes.begin(), writes.end(), meets) && !(use.writes && std::any_of(reads.begin(), reads.end(), meets))) continue;
    several = several || (partner != kNone && partner != use.step);
    partner = use.step;
  }
  const bool joins = partner != kNone && !several && now.n_units == 1 && n_units_[partner] == 1 && !now.alone;
  if (joins) now.place = {partner, true, false};
  else now.place = {n_units_.size(), false, partner != kNone || n_units_.empty() || now.alone};
}

void Dependencies::take_in(const Decision& decision, std::span<const Extent> reads, std::span<const Extent> writes) {
  const Place& place = decision.place;
  if (place.begins_group) uses_.clear();
  if (!place.joins) n_units_.push_back(decision.n_units);
  for (const Extent& extent : reads) uses_.push_back({extent, false, place.step});
  for (const Extent& extent : writes) uses_.push_back({extent, true, place.step});
}

}  // namespace foreword::gpu
