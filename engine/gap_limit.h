#pragma once
// How long a step may take while texts are written and something else is read: what a reader of those texts does not notice.

namespace foreword::engine {

/// A picture of the screen: what nobody notices.
inline constexpr double kUnnoticedSeconds = 1.0 / 60;

/// kStretch times what steps took in which nothing was read, or what nobody notices, whichever is longer. Of the steps that are
/// planned by it one in two hundred may take more than kTolerated times what is the measure of that: if more do, whatever the reason,
/// the limit shrinks until they do not.
///
/// `plain`: seconds of a step that only writes, without a draft, as far as they are known, else 0. Steps become longer with the texts that are
/// written; what they took alone is that of today by as much as plain has changed since.
class GapLimit {
 public:
  static constexpr double kStretch = 1.8, kTolerated = 1.96;
  /// 0 plain: as of the last step alone. As long as there was none plain stands for it.
  double seconds(double plain) const;
  bool known() const { return alone_ > 0; }
  /// Seconds of a step that writes and does not read, about the median; 0: there was none.
  double alone() const { return alone_; }
  void observe_alone(double seconds, double plain);
  void observe_beside(double seconds, double plain);
  /// Seconds of such a step that writing took, where that can be told: if it comes to take much longer than alone, because the
  /// machine has become slower, the limit follows.
  void observe_own(double seconds, double plain);

 private:
  double since_then(double plain) const;  // how many times as long a step takes as when plain_ was what it takes
  double measure(double plain) const;     // seconds of a step of which a gap is a multiple
  double alone_ = 0, plain_ = 0;          // about the median, and for which plain
  double own_ = 0;                        // what writing took lately beside something else; 0: nothing is known
  double share_ = 1;                      // of the limit, as far as steps keep to it
};

}  // namespace foreword::engine
