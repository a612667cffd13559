#pragma once
// What a pass says about the token after one of its rows, as far as it is at hand. On the processor all of a row is. Other devices
// send back the best of it, which is nearly always enough, and the rest when it is asked for.

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace foreword::engine {

/// A token and its logit.
struct Candidate {
  float logit;
  std::int32_t token;
};

/// Falling logit, ties to the lower id: a total order, so every selection by it is deterministic.
inline constexpr auto kBetter = [](const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; };

/// What somebody wants of a row at first: nothing, all of it, so many of the best, or its state. Only what it costs depends on it.
class LogitWish {
 public:
  template <std::same_as<bool> T>
  constexpr LogitWish(T whole) : n_best_(whole ? kAll : 0) {}
  static constexpr LogitWish best(std::size_t n) {
    LogitWish wish(false);
    wish.n_best_ = static_cast<std::int32_t>(std::min<std::size_t>(n, kAll));
    return wish;
  }

  /// No logits but what they are made of: the row's state behind the last norm.
  static constexpr LogitWish state() {
    LogitWish wish(false);
    wish.n_best_ = kState;
    return wish;
  }

  constexpr bool any() const { return n_best_ != 0; }
  constexpr bool wants_state() const { return n_best_ == kState; }
  constexpr bool all() const { return n_best_ == kAll; }
  constexpr std::int32_t n_best() const { return n_best_; }
  constexpr bool operator==(const LogitWish&) const = default;

 private:
  static constexpr std::int32_t kAll = INT32_MAX, kState = -1;
  std::int32_t n_best_;
};

/// A row of logits; valid as long as what it is made of.
class LogitRow {
 public:
  LogitRow(std::span<const float> all) : size_(all.size()), all_(all) {}
  LogitRow(const std::vector<float>& all) : LogitRow(std::span(all)) {}
  /// best: by kBetter, no NaN; what is not in it is worse than its last, or NaN. whole: gets all `size` logits.
  LogitRow(std::span<const Candidate> best, std::size_t size, const std::function<std::span<const float>()>& whole)
      : size_(size), best_(best), whole_(&whole) {}

  /// Of a state alone; it has no logits.
  static LogitRow of_state(std::span<const float> state) {
    LogitRow row{std::span<const float>()};
    row.state_ = state;
    return row;
  }
  std::span<const float> state() const { return state_; }

  /// Of the vocabulary.
  std::size_t size() const { return size_; }
  /// The same for a smaller vocabulary. best() may then name tokens that are not in it.
  LogitRow first(std::size_t n) const {
    LogitRow row = *this;
    row.size_ = std::min(n, size_);
    return row;
  }
  /// Those that are at hand; none where the whole row is.
  std::span<const Candidate> best() const { return best_; }
  std::span<const float> all() const { return (whole_ != nullptr ? (*whole_)() : all_).first(size_); }
  operator std::span<const float>() const { return all(); }

 private:
  std::size_t size_;
  std::span<const float> all_, state_;
  std::span<const Candidate> best_;
  const std::function<std::span<const float>()>* whole_ = nullptr;
};

}  // namespace foreword::engine
