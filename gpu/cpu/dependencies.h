#pragma once
// Who may run beside whom. Every piece of work names the memory that it reads and writes; where one overlaps what earlier ones write
// (or writes what they read) a new group begins, before which all others end, or, if both are small, it joins the earlier one: the
// same thread does them one after the other. All steps of a group overlap freely.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/tensor.h"

namespace foreword::gpu {

/// Bytes of host memory: `rows` runs of `row_bytes`, `stride` apart. All zero: nothing.
struct Extent {
  Extent() = default;
  Extent(const void* data, std::int64_t n_rows, std::int64_t bytes_of_row, std::int64_t bytes_between);
  Extent(const void* data, std::int64_t bytes) : Extent(data, 1, bytes, bytes) {}
  explicit Extent(const Tensor& tensor);

  const std::byte *begin = nullptr, *end = nullptr;
  std::int64_t rows = 0;
  std::int64_t row_bytes = 0;
  std::int64_t stride = 0;

  bool operator==(const Extent&) const = default;
};

/// Of two that lie in one another's range.
bool rows_overlap(const Extent& a, const Extent& b);
inline bool overlap(const Extent& a, const Extent& b) { return a.begin < b.end && b.begin < a.end && rows_overlap(a, b); }

class Dependencies {
 public:
  struct Place {
    std::size_t step = 0;        // counted from 0 since clear()
    bool joins = false;          // a step that there is already
    bool begins_group = false;
  };
  /// Where work goes that comes behind all before it. alone: in a group of its own. Passes are alike: what was decided for the same
  /// beginning is remembered.
  Place place(std::int64_t n_units, std::span<const Extent> reads, std::span<const Extent> writes, bool alone);
  /// Everything is done.
  void clear();

 private:
  struct Use {
    Extent extent;
    bool writes = false;
    std::size_t step = 0;
  };
  struct Decision {
    std::int64_t n_units = 0;
    std::size_t n_reads = 0, n_writes = 0;
    bool alone = false;
    Place place;
  };
  struct Course {
    std::vector<Decision> decisions;
    std::vector<Extent> extents;  // of all of them, reads first
  };
  static constexpr std::size_t kMostCourses = 16;

  static bool is(const Course& course, std::size_t decision, std::size_t extent, const Decision& now, std::span<const Extent> reads, std::span<const Extent> writes);
  void choose_course(const Decision& now, std::span<const Extent> reads, std::span<const Extent> writes);
  void decide(Decision& now, std::span<const Extent> reads, std::span<const Extent> writes) const;
  void take_in(const Decision& decision, std::span<const Extent> reads, std::span<const Extent> writes);
  void leave_course();

  std::vector<Course> courses_;
  std::size_t course_ = 0, oldest_ = 0;  // the one that is followed or written; the next one to be forgotten
  std::size_t n_decided_ = 0, n_extents_ = 0;
  bool follows_ = false;  // all so far was as before: the rest is not known
  std::vector<Use> uses_;                // of the last group
  std::vector<std::int64_t> n_units_;    // of the steps
};

}  // namespace foreword::gpu
