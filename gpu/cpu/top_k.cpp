#include "gpu/cpu/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace foreword::gpu {

void top_k_row(std::span<const float> x, std::int64_t k, std::int32_t* ids, float* values) {
  struct Entry {
    float value;
    std::int32_t id;
  };
  constexpr auto kBetter = [](const Entry& a, const Entry& b) { return a.value != b.value ? a.value > b.value : a.id < b.id; };
  const auto most = static_cast<std::size_t>(k);
  std::vector<Entry> best;
  best.reserve(2 * most);
  bool full = false;
  float floor = 0;  // the k-th of those seen when `full` was set; an equal one that comes later has a higher id
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (full ? !(x[i] > floor) : std::isnan(x[i])) continue;
    best.push_back({x[i], static_cast<std::int32_t>(i)});
    if (best.size() < 2 * most) continue;
    std::nth_element(best.begin(), best.begin() + k - 1, best.end(), kBetter);
    best.resize(most);
    floor = best.back().value;
    full = true;
  }
  std::sort(best.begin(), best.end(), kBetter);
  best.resize(most, {-std::numeric_limits<float>::infinity(), -1});
  for (std::size_t i = 0; i < most; ++i) {
    ids[i] = best[i].id;
    values[i] = best[i].value;
  }
}

}  // namespace foreword::gpu
