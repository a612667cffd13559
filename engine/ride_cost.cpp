#include "engine/ride_cost.h"

#include <algorithm>
#include <cmath>

namespace foreword::engine {
namespace {

constexpr double kLevelRate = .05, kOthersRate = .01, kDepthRate = .2, kMostChange = 2;
constexpr double kCallWeight = 4;    // a call is looked for as if it were so many rows
constexpr double kShallow = 256;     // behind fewer tokens what a layer takes says little of attention
// What is tried before anything is decided; the rest lies in between.
constexpr std::array<std::int64_t, 6> kTried{4, 8, 16, 32, 64, 120};
// What others take changes, too, and is guessed from what was chosen: every so many chunks one that promises nearly as much is looked at.
constexpr std::int64_t kLookAgain = 12;
constexpr double kNearly = .85;

/// Where this number is among those of kRows; behind them all where it is none.
std::size_t place_of(std::int64_t rows) { return static_cast<std::size_t>(std::ranges::find(LayerCost::kRows, rows) - LayerCost::kRows.begin()); }

}  // namespace

bool LayerCost::known() const {
  return std::ranges::any_of(levels_, [](const Level& one) { return one.seconds > 0; });
}

bool LayerCost::measured(std::int64_t rows) const {
  const std::size_t place = place_of(rows);
  return place < kRows.size() && levels_[place].seconds > 0;
}

double LayerCost::level(std::int64_t rows) const {
  // Fewer rows take no more than many: what says otherwise was measured while the machine did something else.
  std::array<double, kRows.size()> least{};
  double least_so_far = 0;
  for (std::size_t i = kRows.size(); i-- > 0;) {
    if (levels_[i].seconds == 0) continue;
    least[i] = least_so_far = least_so_far == 0 ? levels_[i].seconds : std::min(least_so_far, levels_[i].seconds);
  }
  double below = 0, rows_below = 0;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const double here = least[i], rows_here = static_cast<double>(kRows[i]);
    if (here == 0) continue;
    if (kRows[i] >= rows) return below == 0 ? here : below + (here - below) * (static_cast<double>(rows) - rows_below) / (rows_here - rows_below);
    below = here, rows_below = rows_here;
  }
  return below == 0 ? 0 : below / rows_below * static_cast<double>(rows);
}

double LayerCost::of_depth(std::int64_t rows, std::int64_t depth) const {
  return static_cast<double>(depth) * (static_cast<double>(rows) * of_row_ + of_call_);
}

double LayerCost::seconds(std::int64_t rows, std::int64_t depth) const { return known() ? level(rows) + of_depth(rows, depth) : 0; }

void LayerCost::observe(std::int64_t rows, std::int64_t depth, double seconds) {
  const std::size_t place = place_of(rows);
  if (place == kRows.size() || seconds <= 0) return;
  Level& level = levels_[place];
  if (level.n < level.first.size()) {
    // What the machine does beside it makes single ones longer.
    level.first[level.n++] = std::max(seconds - of_depth(rows, depth), .1 * seconds);
    std::ranges::sort(level.first.begin(), level.first.begin() + static_cast<std::ptrdiff_t>(level.n));
    level.seconds = level.first[(level.n - 1) / 2];
    return;
  }
  // One layer that the machine interrupted says little.
  const double expected = this->seconds(rows, depth), error = (std::clamp(seconds / expected, 1 / kMostChange, kMostChange) - 1) * expected;
  for (Level& one : levels_) one.seconds *= 1 + (&one == &level ? kLevelRate : kOthersRate) * error / expected;
  const double by_row = static_cast<double>(rows * depth), by_call = kCallWeight * static_cast<double>(depth), shallow = kShallow * static_cast<double>(rows);
  const double step = kDepthRate * error / (by_row * by_row + by_call * by_call + shallow * shallow);
  of_row_ = std::max(0.0, of_row_ + step * by_row);
  of_call_ = std::max(0.0, of_call_ + step * by_call * kCallWeight);
}

double RideCost::seconds_alone(std::int64_t rows, const Time& time) const {
  const double with_others = along.seconds(rows, time.depth) + time.layer();
  return alone.known() ? std::min(alone.seconds(rows, time.depth), with_others) : with_others;
}

bool RideCost::rides_whole(std::int64_t rows, const Time& time) const {
  return along.seconds(rows, time.depth) * static_cast<double>(time.n_layers) <= time.for_riding();
}

double RideCost::rate(std::int64_t rows, const Time& time) const {
  const double added = along.seconds(rows, time.depth), own = seconds_alone(rows, time), n = static_cast<double>(rows), n_layers = static_cast<double>(time.n_layers);
  if (added <= 0 || own <= 0) return 0;
  if (rides_whole(rows, time)) {
    const double more = std::floor((time.limit - time.own - n_layers * added) / (n_layers * own));
    return n * (1 + more) / (time.own + n_layers * (added + more * own));
  }
  // Step by step: a chunk boards where it got off, so in its last step there may be fewer layers left for it than there is time for. In what
  // time is left it goes on alone, and the next chunk behind it; the last layer that is begun has to end in time.
  const double most_along = std::floor(std::max(0.0, time.for_riding() / added));
  double layers = 0, steps = 0;
  while (layers < n_layers) {
    const double along_layers = std::min(most_along, n_layers - layers);
    const double alone_layers = std::floor(std::max(0.0, (time.limit - time.own - along_layers * added) / own - .5));
    if (along_layers + alone_layers < std::min(2.0, n_layers - layers)) return 0;
    layers += along_layers + alone_layers;
    ++steps;
  }
  return n * layers / n_layers / (steps * time.limit);
}

std::int64_t RideCost::best_rows(const Time& time, std::int64_t most) const {
  std::int64_t best = std::min(most, kTried.front());
  double best_rate = 0;
  for (const std::int64_t rows : LayerCost::kRows) {
    if (rows > most) break;
    if (std::ranges::find(kTried, rows) != kTried.end() && !along.measured(rows)) {
      return along.seconds(rows, time.depth) <= time.for_riding() ? rows : best;
    }
    const double value = rate(rows, time);
    if (value > best_rate) best = rows, best_rate = value;
  }
  return best;
}

std::int64_t RideCost::choose_rows(const Time& time, std::int64_t most) {
  const std::int64_t best = best_rows(time, most);
  std::size_t chosen = place_of(best);
  if (++n_chosen_ % kLookAgain == 0) {
    const double least = kNearly * rate(best, time);
    std::int64_t longest_ago = n_chosen_;
    for (std::size_t i = 0; i < LayerCost::kRows.size() && LayerCost::kRows[i] <= most; ++i) {
      if (LayerCost::kRows[i] == best || chosen_at_[i] >= longest_ago || rate(LayerCost::kRows[i], time) < least) continue;
      longest_ago = chosen_at_[i];
      chosen = i;
    }
  }
  if (chosen == LayerCost::kRows.size()) return best;
  chosen_at_[chosen] = n_chosen_;
  return LayerCost::kRows[chosen];
}

}  // namespace foreword::engine
