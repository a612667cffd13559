#pragma once
// The pause before the first paint of a ghost (section 7): from the typist's own rhythm, the place in the text and what was
// rejected before; and what a rejection does (backoff). Pure: the clock is an argument.

#include <array>
#include <cstddef>

#include "ui/autocomplete/letters.h"

namespace foreword::ui::autocomplete {

/// The gate for a base, a place and a backoff factor. All in milliseconds.
Ms gate_of(Ms base, bool at_boundary, double backoff);

/// Learns how fast somebody types.
class Rhythm {
 public:
  /// A key that changed the text.
  void key(Ms now);
  Ms last_key() const { return last_key_; }
  /// The base: a share of the median gap.
  Ms base() const;

 private:
  static constexpr std::size_t kMost = 20;  // gap_keys
  std::array<Ms, kMost> gaps_{};            // a ring
  std::size_t n_gaps_ = 0, next_ = 0;
  bool has_key_ = false;
  Ms last_key_ = 0;
};

/// Grows with rejections, shrinks with acceptances, and goes back to 1 with time.
class Backoff {
 public:
  double factor(Ms now) const;
  void rejected(Ms now);
  void accepted(Ms now);
  /// So many rejections without an acceptance between them that suggestions keep silent until the next message.
  bool silent() const { return silent_; }
  void message_sent() { silent_ = false, in_a_row_ = 0; }
  int rejections_in_a_row() const { return in_a_row_; }

 private:
  void set(double factor, Ms now);
  double factor_ = 1;  // at since_
  Ms since_ = 0;
  int in_a_row_ = 0;
  bool silent_ = false;
};

}  // namespace foreword::ui::autocomplete
