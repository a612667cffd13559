#pragma once
// The drafts at hand: those whose text still begins with what was typed. One of them is the ghost's. Slots are used again, so
// that following the typist allocates nothing. One thread.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/autocomplete/draft_cache.h"
#include "ui/autocomplete/letters.h"

namespace foreword::ui::autocomplete {

class Survivors {
 public:
  struct Survivor {
    DraftId id = 0;
    std::string text;
    std::size_t used = 0;  // bytes of the text that the caret has passed
    bool ended = false;
    double mean_log_prob = 0;
    std::string_view rest() const { return std::string_view(text).substr(used); }
  };

  /// Those with something left; they come first. Behind them are those that the typist has caught up with, and that may go on.
  std::size_t size() const { return n_left_; }
  bool empty() const { return n_left_ == 0; }
  bool alive() const { return n_ > 0; }
  const Survivor& operator[](std::size_t i) const { return slots_[i]; }
  std::span<const Survivor> all() const { return {slots_.data(), n_}; }

  /// The one that the ghost shows, of those with something left: 0 at first.
  std::size_t chosen() const { return chosen_; }
  void choose(std::size_t i) { chosen_ = i; }

  void clear() { n_ = n_left_ = chosen_ = 0; }
  /// `typed` came in at the caret: what does not begin with it, or has ended with it, is gone. False: the chosen one has nothing
  /// left, and another one took its place, if there is any.
  bool follow(std::string_view typed);
  /// Instead of all: the drafts that go on behind `typed`. False, and nothing is changed: there is none.
  bool load(std::span<const Draft> drafts, std::string_view typed, std::size_t most);
  /// What a job says, with `typed` since its beginning, while a ghost is visible: those known by their id, or by their words,
  /// grow by whole words and change in no other way; new ones with another first word are taken behind them, up to `most`.
  void merge(std::span<const Draft> drafts, std::string_view typed, std::size_t most);

  /// Words left in the draft that has the fewest of those that can go on, no more than `at_most`.
  int fewest_words(int at_most) const;

 private:
  Survivor* known(const Draft& draft, std::string_view rest);
  void push(const Draft& draft, std::string_view typed);
  bool settle();

  std::vector<Survivor> slots_;  // the first n_ count
  std::size_t n_ = 0, n_left_ = 0, chosen_ = 0;
};

}  // namespace foreword::ui::autocomplete
