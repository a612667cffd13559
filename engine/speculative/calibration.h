#pragma once
// What the drafters' own scores are worth: for each drafter and kind of guess ("cell") the share that was taken, counted
// while decoding. A cell is a bin of the score that predicts acceptance: the margin between perturbed scores where the
// drafter shares the choice's noise (there q itself predicts nothing), q where it does not, the length of the match for
// copies.

#include <cstdint>
#include <vector>

#include "engine/speculative/draft_tree.h"
#include "engine/speculative/verify.h"

namespace foreword::engine {

inline constexpr int kCells = 80;

/// A guess of this rank (0 is the best) by scores log q + noise; `noisy` is false at temperature 0, where there is no noise.
/// margin: for rank 0 the best score minus the second, else the best minus this one; infinite without a rival.
std::uint8_t margin_cell(int rank, double margin, bool noisy);
/// A guess that its drafter expects to be taken with this probability.
std::uint8_t chance_cell(double chance);
/// A copy after `match` tokens that agree, on the likeliest or on another continuation.
std::uint8_t copy_cell(int match, bool likeliest);
/// A copy of the source that is being edited, after `agreed` tokens in a row; `likeliest` is false for the guesses that a
/// word was put in or left out.
std::uint8_t source_cell(int agreed, bool likeliest);

class Calibration {
 public:
  /// trust: how often a drafter's guesses will be taken, as a share of a good drafter's; one in [0, 1] for each drafter. It is
  /// counted too, over all cells, so that a drafter that proves useless is believed less in cells that were not tried yet.
  explicit Calibration(std::vector<float> trust);

  /// Probability that such a child is taken once its parent is.
  float chance(std::uint8_t drafter, std::uint8_t cell) const;
  /// That the first of a drafter's guesses for a node is taken, whatever its cell.
  double first_chance(std::uint8_t drafter) const { return static_cast<double>(first_[drafter].share()); }
  /// All that was counted weighs no more than a few claims from here on.
  void soften();
  /// Counts the claims on children of walked nodes, whether they had rows or not.
  void learn(const DraftTree& tree, const VerifyResult& result);
  /// Mean of (chance - taken)^2 over the newest claims; below .2 is good. 0 before the first.
  double brier() const { return brier_; }

 private:
  struct Cell {
    float taken = 0, refused = 0;  // decayed counts
  };
  struct Trust {
    float taken, expected;  // decayed counts: claims that were taken, and that a good drafter's would have been
    float share() const { return taken / expected; }
    void count(float hit, float hoped);
  };
  std::size_t place(std::uint8_t drafter, std::uint8_t cell) const;

  std::vector<Trust> trust_, first_;  // first_: of a drafter's first claims for a node, 1 each
  std::vector<Cell> cells_;  // [drafters, kCells]
  double brier_ = 0;
};

}  // namespace foreword::engine
