#pragma once
// From a described language to a deterministic automaton: Thompson's network, then its sets of places. Pure.

#include <optional>
#include <vector>

#include "engine/schema/regular.h"

namespace foreword::engine {

/// nullopt: more than `most` states, or work out of proportion.
std::optional<std::vector<Regular::State>> subsets_of(const Expression& expression, std::size_t most);

}  // namespace foreword::engine
