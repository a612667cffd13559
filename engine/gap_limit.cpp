#include "engine/gap_limit.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr double kRate = .1, kMostChange = .25;
constexpr double kOwnRate = .05, kMostOwn = 1.5, kMuchLonger = 1.2;
// Where one step in two hundred takes too long, the share of the limit stays as it is.
constexpr double kShrink = .9, kGrow = 1 + (1 / kShrink - 1) / 199, kLeastShare = .62;

}  // namespace

double GapLimit::measure(double expected) const { return std::max(kUnnoticedSeconds / kStretch, alone_ > 0 ? alone_ : expected); }

double GapLimit::seconds(double expected) const { return share_ * kStretch * measure(expected); }

void GapLimit::observe_alone(double seconds) {
  own_ = 0;
  alone_ = alone_ == 0 ? seconds : alone_ + kRate * (std::clamp(seconds, (1 - kMostChange) * alone_, (1 + kMostChange) * alone_) - alone_);
}

void GapLimit::observe_own(double seconds) {
  if (!known()) return;
  own_ = own_ == 0 ? alone_ : own_ + kOwnRate * (std::min(seconds, kMostOwn * alone_) - own_);
  if (own_ > kMuchLonger * alone_) alone_ = own_, share_ = 1;
}

void GapLimit::observe_beside(double seconds) {
  if (!known()) return;
  share_ = std::clamp(share_ * (seconds > kTolerated * measure(0) ? kShrink : kGrow), kLeastShare, 1.0);
}

}  // namespace foreword::engine
