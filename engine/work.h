#pragma once
// What takes part in the passes of the model: the seam between the scheduler, which decides how many rows each may have, and
// whoever reads or writes a text. A step: need() of all, add_rows() of those that take part, one pass with take() for every row
// that wants logits, end_step() of those that added rows. A pass may be given up: then nothing but add_rows() has happened, and
// it comes again. Engine desk only.

#include <cstdint>
#include <functional>
#include <span>

#include "engine/model/forward.h"
#include "engine/speculative/controller.h"

namespace foreword::engine {

/// Who goes first: somebody who is typing, somebody who reads an answer, nobody.
enum class Urgency : std::uint8_t { typing, answer, background };

class Work {
 public:
  struct Need {
    Urgency urgency = Urgency::answer;
    std::int64_t roots = 0;   // rows of a text that is being written: without them it stands still
    std::int64_t unread = 0;  // tokens of a prompt, as many of which as there is room for; 0 while roots > 0
    std::int64_t depth = 0;   // tokens that these rows look back at
  };
  struct Room {
    std::int64_t rows = 1;  // at most; never fewer than the roots, never 0
    Load beside = {};       // what runs in the same pass and is worth waiting for
    std::function<bool()> go_on = {};  // asked where rows are long in coming; false: those that are there have to do
  };
  struct Pass {
    int rows = 0;
    double seconds = 0;  // 0 where it says nothing about texts alone, since a prompt was read in it
  };

  virtual ~Work() = default;
  /// Neither roots nor unread tokens: nothing to do in this step.
  virtual Need need() const = 0;
  virtual void add_rows(Batch& batch, const Room& room) = 0;
  /// row: of the batch.
  virtual void take(std::int64_t row, const LogitRow& logits) = 0;
  virtual void end_step(const Pass& pass) = 0;
};

}  // namespace foreword::engine
