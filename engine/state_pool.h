#pragma once
// One vector for a text out of what its tokens' last layer says, for searching texts by meaning. Pure.

#include <cstdint>
#include <span>
#include <vector>

namespace foreword::engine {

/// How a model's file would have it; mean where it says nothing.
enum class Pooling : std::uint8_t { mean, last };

class StatePool {
 public:
  explicit StatePool(Pooling pooling) : pooling_(pooling) {}

  /// The next token's state, all of one size.
  void add(std::span<const float> state);
  /// What was added until now stays; what is added later is forgotten by take_back().
  void keep() { kept_ = now_; }
  void take_back() { now_ = kept_; }
  /// As if nothing had been added.
  void clear() { now_ = kept_ = {}; }
  /// Of length 1 (Euclid); zeros where nothing else came.
  std::vector<float> pooled() const;

 private:
  Pooling pooling_;
  std::vector<double> now_, kept_;
};

}  // namespace foreword::engine
