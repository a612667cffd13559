#pragma once
// Numbers that nobody can foresee, from the system: seeds, keys, names of answers. What has to come out the same twice takes its own from a seed.

#include <cstdint>

namespace foreword {

std::uint64_t any_number();

}  // namespace foreword
