#include "engine/base/chance.h"

#include <random>

namespace foreword {

std::uint64_t any_number() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace foreword
