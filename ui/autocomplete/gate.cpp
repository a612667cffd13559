#include "ui/autocomplete/gate.h"

#include <algorithm>
#include <cmath>

#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {

Ms gate_of(Ms base, bool at_boundary, double backoff) {
  return std::clamp(base * (at_boundary ? tuned("boundary_factor") : 1) * backoff, tuned("gate_min"), tuned("gate_max"));
}

void Rhythm::key(Ms now) {
  static_assert(kMost == tuned_count("gap_keys"));
  const Ms gap = now - last_key_;
  if (has_key_ && gap <= tuned("gap_longest")) {
    gaps_[next_] = gap;
    next_ = (next_ + 1) % kMost;
    n_gaps_ = std::min(n_gaps_ + 1, kMost);
  }
  has_key_ = true;
  last_key_ = now;
}

Ms Rhythm::base() const {
  if (n_gaps_ < tuned_count("gap_known")) return tuned("base_unknown");
  std::array<Ms, kMost> sorted = gaps_;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(n_gaps_));
  const Ms median = (sorted[(n_gaps_ - 1) / 2] + sorted[n_gaps_ / 2]) / 2;
  return std::clamp(tuned("gap_factor") * median, tuned("base_min"), tuned("base_max"));
}

double Backoff::factor(Ms now) const {
  const double passed = std::clamp((now - since_) / tuned("backoff_decay"), 0.0, 1.0);
  return std::pow(factor_, 1 - passed);
}

// No further than where the gate stops changing, so that a long row of either is not felt for longer than it matters.
void Backoff::set(double factor, Ms now) {
  factor_ = std::clamp(factor, tuned("gate_min") / tuned("base_max"), tuned("gate_max") / tuned("base_min"));
  since_ = now;
}

void Backoff::rejected(Ms now) {
  set(factor(now) * tuned("backoff_rejected"), now);
  if (++in_a_row_ >= tuned_count("silent_after")) silent_ = true;
}

void Backoff::accepted(Ms now) {
  set(factor(now) * tuned("backoff_accepted"), now);
  in_a_row_ = 0;
}

}  // namespace foreword::ui::autocomplete
