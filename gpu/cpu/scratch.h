#pragma once
// Hands out pieces of one thread's scratch memory, each 64-byte aligned. The owner sizes it with rounded().

#include <cstddef>
#include <cstdint>

namespace foreword::gpu {

class Scratch {
 public:
  explicit Scratch(std::byte* memory) : next_(memory) {}

  static constexpr std::size_t rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
  static constexpr std::size_t rounded(std::int64_t bytes) { return rounded(static_cast<std::size_t>(bytes)); }

  template <class T>
  T* take(std::int64_t n) {
    T* piece = reinterpret_cast<T*>(next_);
    next_ += rounded(n * static_cast<std::int64_t>(sizeof(T)));
    return piece;
  }

 private:
  std::byte* next_;
};

}  // namespace foreword::gpu
