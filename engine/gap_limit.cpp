#include "engine/gap_limit.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr double kRate = .1, kMostChange = .25;
constexpr double kMostSince = 2;
constexpr double kOwnRate = .05, kMostOwn = 1.5, kMuchLonger = 1.2;
// Where one step in two hundred takes too long, the share of the limit stays as it is.
constexpr double kShrink = .9, kGrow = 1 + (1 / kShrink - 1) / 199, kLeastShare = .62;

}  // namespace

double GapLimit::since_then(double plain) const { return plain > 0 && plain_ > 0 ? std::clamp(plain / plain_, 1 / kMostSince, kMostSince) : 1; }

double GapLimit::measure(double plain) const { return std::max(kUnnoticedSeconds / kStretch, alone_ > 0 ? alone_ * since_then(plain) : plain); }

double GapLimit::seconds(double plain) const { return share_ * kStretch * measure(plain); }

void GapLimit::observe_alone(double seconds, double plain) {
  own_ = 0;
  alone_ *= since_then(plain);
  plain_ = plain;
  alone_ = alone_ == 0 ? seconds : alone_ + kRate * (std::clamp(seconds, (1 - kMostChange) * alone_, (1 + kMostChange) * alone_) - alone_);
}

void GapLimit::observe_own(double seconds, double plain) {
  if (!known()) return;
  own_ = own_ == 0 ? alone_ : own_ + kOwnRate * (std::min(seconds / since_then(plain), kMostOwn * alone_) - own_);
  if (own_ > kMuchLonger * alone_) alone_ = own_, share_ = 1;
}

void GapLimit::observe_beside(double seconds, double plain) {
  if (!known()) return;
  share_ = std::clamp(share_ * (seconds > kTolerated * measure(plain) ? kShrink : kGrow), kLeastShare, 1.0);
}

}  // namespace foreword::engine
