#pragma once
// How often memory was asked for, in all of the program: operator new, and Dear ImGui's own allocator once a Headless lives.

#include <cstdint>

namespace foreword::bench {

/// Requests so far.
std::uint64_t n_allocations();
/// From now on Dear ImGui counts, too. Before its first context.
void count_imgui();

}  // namespace foreword::bench
