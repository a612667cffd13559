#pragma once
// How long a step may take while texts are written and something else is read: what a reader of those texts does not notice.

namespace foreword::engine {

/// A picture of the screen: what nobody notices.
inline constexpr double kUnnoticedSeconds = 1.0 / 60;

/// kStretch times what steps took in which nothing was read, or what nobody notices, whichever is longer. Of the steps that are
/// planned by it one in a hundred may take more than kTolerated times what is the measure of that: if more do, whatever the reason,
/// the limit shrinks until they do not.
class GapLimit {
 public:
  static constexpr double kStretch = 1.85, kTolerated = 1.97;
  /// expected: seconds of a step that reads nothing, for as long as there was none.
  double seconds(double expected) const;
  bool known() const { return alone_ > 0; }
  /// Seconds of a step that writes and does not read, about the median; 0: there was none.
  double alone() const { return alone_; }
  void observe_alone(double seconds);
  void observe_beside(double seconds);

 private:
  double measure(double expected) const;  // seconds of a step of which a gap is a multiple
  double alone_ = 0;
  double share_ = 1;                      // of the limit, as far as steps keep to it
};

}  // namespace foreword::engine
