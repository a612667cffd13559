#pragma once
// The life of a ghost, from its first paint to how it ends: was it accepted, typed through, rejected after it was read, rejected
// before it could be read, or is nobody to blame? Pure: the clock is an argument.

#include <cstddef>
#include <cstdint>

#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/letters.h"

namespace foreword::ui::autocomplete {

enum class Farewell : std::uint8_t { seen_rejection, blind_rejection, neutral };

class Ghost {
 public:
  bool visible() const { return visible_; }
  /// Since its first paint. Typing through it and extensions do not make it younger.
  Ms age(Ms now) const { return now - painted_; }

  void paint(Ms now) { visible_ = true, typed_ = 0, painted_ = now; }
  /// Its own next characters were typed or accepted.
  void typed_through(std::size_t bytes) { typed_ += bytes; }
  /// The last of them were deleted again.
  void typed_back(std::size_t bytes) { typed_ -= bytes < typed_ ? bytes : typed_; }
  std::size_t bytes_typed() const { return typed_; }
  /// It goes. `judged`: for a key that does not follow it; else nobody is to blame. Nor if a word of it was used (A22).
  Farewell leave(bool judged, int words_used, Ms now) {
    visible_ = false;
    if (!judged || words_used > 0) return Farewell::neutral;
    return age(now) < tuned("blind") ? Farewell::blind_rejection : Farewell::seen_rejection;
  }

 private:
  bool visible_ = false;
  std::size_t typed_ = 0;
  Ms painted_ = 0;
};

/// How much of the pauses show something, and what follows from it: the least mean log-prob of a draft (A31).
class Coverage {
 public:
  /// tau: what earlier runs came to; 0: nothing yet.
  explicit Coverage(double tau = 0) : tau_(tau < 0 ? kept(tau) : tuned("tau_start")) {}
  void pause(bool shown) {
    share_ += ((shown ? 1 : 0) - share_) / tuned("coverage_pauses");
    if (share_ < tuned("coverage_min")) tau_ -= tuned("tau_step");
    if (share_ > tuned("coverage_max")) tau_ += tuned("tau_step");
    tau_ = kept(tau_);
  }
  double share() const { return share_; }
  double tau() const { return tau_; }

 private:
  static double kept(double tau) { return tau < tuned("tau_min") ? tuned("tau_min") : tau > tuned("tau_max") ? tuned("tau_max") : tau; }
  double share_ = (tuned("coverage_min") + tuned("coverage_max")) / 2;
  double tau_;
};

}  // namespace foreword::ui::autocomplete
