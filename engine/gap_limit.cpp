#include "engine/gap_limit.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr double kRate = .1, kMostChange = .25;
// Where one step in a hundred takes too long, the share of the limit stays as it is.
constexpr double kShrink = .9, kGrow = 1 + (1 / kShrink - 1) / 99, kLeastShare = .6;

}  // namespace

double GapLimit::measure(double expected) const { return std::max(kUnnoticedSeconds / kStretch, alone_ > 0 ? alone_ : expected); }

double GapLimit::seconds(double expected) const { return share_ * kStretch * measure(expected); }

void GapLimit::observe_alone(double seconds) {
  alone_ = alone_ == 0 ? seconds : alone_ + kRate * (std::clamp(seconds, (1 - kMostChange) * alone_, (1 + kMostChange) * alone_) - alone_);
}

void GapLimit::observe_beside(double seconds) {
  if (!known()) return;
  share_ = std::clamp(share_ * (seconds > kTolerated * measure(0) ? kShrink : kGrow), kLeastShare, 1.0);
}

}  // namespace foreword::engine
