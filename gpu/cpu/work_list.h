#pragma once
// Closures of all sizes, kept one behind the other in memory that is used again and again: what is recorded for a pass, some hundred
// pieces of work that live for a tenth of a millisecond.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace foreword::gpu {

/// A thread that works on a step.
struct Worker {
  int thread = 0;
  std::byte* scratch = nullptr;  // 64-byte aligned, as many bytes as the largest request of the schedule
};

class WorkList {
 public:
  using Item = std::uint32_t;

  WorkList() = default;
  WorkList(const WorkList&) = delete;
  WorkList& operator=(const WorkList&) = delete;
  ~WorkList() { clear(); }

  /// work: called as work(std::int64_t unit, const Worker&), perhaps by several threads at once. Valid until clear().
  template <class Work>
  Item keep(Work work) {
    static_assert(alignof(Work) <= alignof(std::max_align_t));
    void* place = room(sizeof(Work));
    const Work* kept = new (place) Work(std::move(work));
    Entry entry{kept, [](const void* one, std::int64_t unit, const Worker& worker) { (*static_cast<const Work*>(one))(unit, worker); }};
    if constexpr (!std::is_trivially_destructible_v<Work>) entry.destroy = [](const void* one) { static_cast<const Work*>(one)->~Work(); };
    entries_.push_back(entry);
    return static_cast<Item>(entries_.size() - 1);
  }
  void run(Item item, std::int64_t unit, const Worker& worker) const { entries_[item].call(entries_[item].work, unit, worker); }

  /// `follower` comes behind `item`, which had none.
  void chain(Item item, Item follower) { entries_[item].follower = follower; }
  Item follower(Item item) const { return entries_[item].follower; }

  void clear() {
    for (const Entry& entry : entries_) {
      if (entry.destroy != nullptr) entry.destroy(entry.work);
    }
    entries_.clear();
    block_ = used_ = 0;
  }

 private:
  static constexpr std::size_t kBlockBytes = 32 << 10;

  struct Entry {
    const void* work;
    void (*call)(const void*, std::int64_t, const Worker&);
    void (*destroy)(const void*) = nullptr;
    Item follower = 0;
  };

  void* room(std::size_t bytes) {
    constexpr std::size_t kAlign = alignof(std::max_align_t);
    bytes = (bytes + kAlign - 1) / kAlign * kAlign;
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].bytes) ++block_, used_ = 0;
    if (block_ == blocks_.size()) {
      const std::size_t size = bytes > kBlockBytes ? bytes : kBlockBytes;
      blocks_.push_back({std::make_unique<std::byte[]>(size), size});
    }
    void* place = blocks_[block_].memory.get() + used_;
    used_ += bytes;
    return place;
  }

  struct Block {
    std::unique_ptr<std::byte[]> memory;
    std::size_t bytes;
  };
  std::vector<Entry> entries_;
  std::vector<Block> blocks_;
  std::size_t block_ = 0, used_ = 0;  // where the next one goes
};

}  // namespace foreword::gpu
