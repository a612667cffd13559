#include "engine/speculative/cost_model.h"

#include <algorithm>
#include <array>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

constexpr std::array kRowCounts{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
constexpr double kScaleRate = .05, kPointRate = .02;

}  // namespace

std::vector<int> CostModel::row_counts(int max_rows) {
  std::vector<int> counts(kRowCounts.begin(), kRowCounts.end());
  std::erase_if(counts, [&](int n) { return n > max_rows; });
  return counts;
}

void CostModel::measure(int n, double seconds) {
  check(n >= 1 && seconds > 0, "a pass has rows and takes time");
  const auto place = std::ranges::lower_bound(points_, n, {}, &Point::n);
  if (place != points_.end() && place->n == n) {
    place->measured = seconds / scale_;
  } else {
    points_.insert(place, {n, seconds / scale_, 0});
  }
  fit();
}

void CostModel::observe(int n, double seconds) {
  if (points_.empty() || n < 1) return;
  // One pass that the machine interrupted says little.
  const double error = std::clamp(seconds / this->seconds(n), .5, 2.0) - 1;
  scale_ *= 1 + kScaleRate * error;
  const auto above = std::ranges::lower_bound(points_, n, {}, &Point::n);
  if (above != points_.end()) above->measured *= 1 + kPointRate * error;
  if (above != points_.begin() && (above == points_.end() || above->n != n)) (above - 1)->measured *= 1 + kPointRate * error;
  fit();
}

/// Isotonic regression: neighbours that fall share their mean (pool adjacent violators).
void CostModel::fit() {
  struct Pool {
    double sum;
    std::size_t n;
    double mean() const { return sum / static_cast<double>(n); }
  };
  std::vector<Pool> pools;
  for (const Point& point : points_) {
    pools.push_back({point.measured, 1});
    while (pools.size() > 1 && pools.back().mean() < pools[pools.size() - 2].mean()) {
      pools[pools.size() - 2].sum += pools.back().sum;
      pools[pools.size() - 2].n += pools.back().n;
      pools.pop_back();
    }
  }
  auto point = points_.begin();
  for (const Pool& pool : pools) {
    for (std::size_t i = 0; i < pool.n; ++i) (point++)->fitted = pool.mean();
  }
}

bool CostModel::measured(int n) const { return std::ranges::binary_search(points_, n, {}, &Point::n); }

double CostModel::seconds(int n) const {
  check(known(), "a cost is measured before it is asked for");
  const auto above = std::ranges::lower_bound(points_, n, {}, &Point::n);
  if (above == points_.end()) return scale_ * points_.back().fitted * n / points_.back().n;
  if (above == points_.begin()) return scale_ * above->fitted;
  const Point& below = *(above - 1);
  const double share = static_cast<double>(n - below.n) / (above->n - below.n);
  return scale_ * (below.fitted + share * (above->fitted - below.fitted));
}

}  // namespace foreword::engine
