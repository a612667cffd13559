#include "engine/state_pool.h"

#include <cmath>

namespace foreword::engine {

void StatePool::add(std::span<const float> state) {
  now_.resize(state.size());
  for (std::size_t i = 0; i < state.size(); ++i) now_[i] = (pooling_ == Pooling::mean ? now_[i] : 0) + static_cast<double>(state[i]);
}

std::vector<float> StatePool::pooled() const {
  double squares = 0;
  for (const double value : now_) squares += value * value;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;  // a mean's divisor is lost in it
  std::vector<float> unit;
  for (const double value : now_) unit.push_back(static_cast<float>(value * scale));
  return unit;
}

}  // namespace foreword::engine
