#include "engine/ride_cost.h"

#include <algorithm>
#include <cmath>

namespace foreword::engine {
namespace {

constexpr double kRate = .2, kMostChange = 2;
constexpr int kFew = 4;

}  // namespace

bool LayerCost::known() const {
  return std::ranges::any_of(known_, [](const Known& one) { return one.seconds > 0; });
}

bool LayerCost::measured(std::int64_t rows) const {
  const auto place = std::ranges::find(kRows, rows);
  return place != kRows.end() && known_[static_cast<std::size_t>(place - kRows.begin())].seconds > 0;
}

double LayerCost::seconds(std::int64_t rows) const {
  double per_row = 0;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (known_[i].seconds == 0) continue;
    if (kRows[i] >= rows) return known_[i].seconds;
    per_row = known_[i].seconds / static_cast<double>(kRows[i]);
  }
  return per_row * static_cast<double>(rows);
}

void LayerCost::observe(std::int64_t rows, double seconds) {
  const auto place = std::ranges::find(kRows, rows);
  if (place == kRows.end() || seconds <= 0) return;
  Known& known = known_[static_cast<std::size_t>(place - kRows.begin())];
  if (known.n < kFew) {
    // What it takes above the least is something else that the machine does.
    known.seconds = known.n++ == 0 ? seconds : std::min(known.seconds, seconds);
    return;
  }
  // One layer that the machine interrupted says little.
  const double change = kRate * (std::clamp(seconds / known.seconds, 1 / kMostChange, kMostChange) - 1), of_row = change * known.seconds / static_cast<double>(rows);
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const double by_rows = of_row * static_cast<double>(kRows[i]), by_share = change * known_[i].seconds;
    known_[i].seconds += std::abs(by_rows) < std::abs(by_share) ? by_rows : by_share;
  }
}

double RideCost::seconds_alone(std::int64_t rows, const Time& time) const {
  return alone.known() ? alone.seconds(rows) : along.seconds(rows) + time.layer();
}

bool RideCost::rides_whole(std::int64_t rows, const Time& time) const {
  return along.seconds(rows) * static_cast<double>(time.n_layers) <= time.for_riding();
}

double RideCost::rate(std::int64_t rows, const Time& time) const {
  const double added = along.seconds(rows), own = seconds_alone(rows, time), n = static_cast<double>(rows), n_layers = static_cast<double>(time.n_layers);
  if (added <= 0 || own <= 0) return 0;
  if (rides_whole(rows, time)) {
    const double more = std::floor((time.limit - time.own - n_layers * added) / (n_layers * own));
    return n * (1 + more) / (time.own + n_layers * (added + more * own));
  }
  const double along_layers = std::max(0.0, time.for_riding() / added);
  // The last layer that is begun has to end in time: half of one is lost on the average.
  const double alone_layers = std::max(0.0, (time.limit - time.own - along_layers * added) / own - .5);
  return along_layers + alone_layers < 1 ? 0 : n * (along_layers + alone_layers) / n_layers / time.limit;
}

std::int64_t RideCost::best_rows(const Time& time, std::int64_t most) const {
  std::int64_t best = std::min(most, LayerCost::kRows.front());
  double best_rate = 0;
  for (const std::int64_t rows : LayerCost::kRows) {
    if (rows > most) break;
    if (!along.measured(rows)) return along.seconds(rows) <= time.for_riding() ? rows : best;
    const double value = rate(rows, time);
    if (value > best_rate) best = rows, best_rate = value;
  }
  return best;
}

}  // namespace foreword::engine
