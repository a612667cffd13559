#pragma once
// What it costs to read a prompt beside texts that are written, layer by layer, and so how many of its rows should go together: few
// on a device that computes, where they go through some of the layers in each step, and many where the weights are what takes time.

#include <array>
#include <cstdint>

namespace foreword::engine {

/// Seconds that a layer takes for the rows of a chunk behind so many tokens, learned from layer to layer:
///   level(rows) + depth x (rows x a + b),
/// of which the levels are measured for some numbers of rows; a and b, which all of them share, are what attention takes.
class LayerCost {
 public:
  static constexpr std::array<std::int64_t, 19> kRows{2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64, 96, 120};

  bool known() const;
  /// Only for one of kRows.
  bool measured(std::int64_t rows) const;
  /// For any number of rows: levels lie on straight lines between those measured, are below all as for the fewest rows, above all in
  /// proportion; 0: nothing was measured.
  double seconds(std::int64_t rows, std::int64_t depth) const;
  /// Other numbers of rows than kRows are passed over.
  void observe(std::int64_t rows, std::int64_t depth, double seconds);

 private:
  struct Level {
    double seconds = 0;  // 0: not measured
    std::array<double, 5> first{};
    std::size_t n = 0;   // of those
  };
  double level(std::int64_t rows) const;
  double of_depth(std::int64_t rows, std::int64_t depth) const;

  std::array<Level, kRows.size()> levels_{};
  double of_row_ = 0, of_call_ = 0;  // a and b
};

struct RideCost {
  LayerCost along;  // what rows add to a layer that others go through, too
  LayerCost alone;  // a layer for these rows alone

  /// Of a step.
  struct Time {
    double own = 0, limit = 0;  // seconds that the others' pass takes; that all of it may take
    double spare = 0;           // of the limit, not planned for riding along: where that pass takes longer than expected, it takes them; else they go to the rows alone
    std::int64_t n_layers = 1;
    double layers_share = 1;    // of that pass
    std::int64_t depth = 0;     // tokens before the chunk

    double layer() const { return layers_share * own / static_cast<double>(n_layers); }
    double for_riding() const { return limit - own - spare; }
  };
  double seconds_alone(std::int64_t rows, const Time& time) const;
  /// Whether chunks of so many rows go through all layers in one such step. Then nothing is won by beginning one behind the pass
  /// unless it also ends there: the next pass would have taken it along for less.
  bool rides_whole(std::int64_t rows, const Time& time) const;
  /// Tokens a second that are read in such steps on the average, in chunks of so many rows; 0: not even a layer of them fits.
  double rate(std::int64_t rows, const Time& time) const;
  /// The number of rows, of kRows or `most` where that is less, that reads the most; one that was not tried yet first, if a layer of
  /// it fits in any case.
  std::int64_t best_rows(const Time& time, std::int64_t most) const;
  /// That, or now and then another one that promises nearly as much.
  std::int64_t choose_rows(const Time& time, std::int64_t most);

 private:
  std::int64_t n_chosen_ = 0;
  std::array<std::int64_t, LayerCost::kRows.size()> chosen_at_{};
};

}  // namespace foreword::engine
