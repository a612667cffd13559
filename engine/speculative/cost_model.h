#pragma once
// T(n): seconds of a pass of n rows, as measured on this machine with this model: monotone and linear between the row counts
// that were measured. Passes of real work keep it true while the context grows or the machine is busy.

#include <span>
#include <vector>

namespace foreword::engine {

class CostModel {
 public:
  /// Row counts to measure when a model is loaded, rising from 1: those up to max_rows. Median of a few passes each.
  static std::vector<int> row_counts(int max_rows);

  /// What a pass of so many rows takes; any order, n >= 1, replaces an earlier value of the same n.
  void measure(int n, double seconds);
  /// A pass of real work took so long: moves the curve as a whole by a twentieth of the error, and the nearest points by a
  /// little more. Does nothing before the first measure().
  void observe(int n, double seconds);

  bool known() const { return !points_.empty(); }
  /// The largest n that seconds() knows by measurement.
  int max_rows() const { return points_.empty() ? 0 : points_.back().n; }
  /// Whether passes of exactly n rows were measured: between such counts there may be steps that nobody has seen.
  bool measured(int n) const;
  /// Needs known(). Beyond max_rows() a row costs what it does on the average up to there.
  double seconds(int n) const;

 private:
  struct Point {
    int n;
    double measured, fitted;  // fitted: made to rise
  };
  void fit();

  std::vector<Point> points_;  // rising n
  double scale_ = 1;
};

}  // namespace foreword::engine
