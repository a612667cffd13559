#include "tests/bench/allocations.h"

#include <imgui.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> n_asked{0};

void* asked(std::size_t size) {
  n_asked.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = asked(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace foreword::bench {

std::uint64_t n_allocations() { return n_asked.load(std::memory_order_relaxed); }

void count_imgui() {
  ImGui::SetAllocatorFunctions([](std::size_t size, void*) { return asked(size); }, [](void* memory, void*) { std::free(memory); });
}

}  // namespace foreword::bench
