#include "gpu/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/check.h"
#include "gpu/cpu/host_memory.h"
#include "gpu/cpu/scratch.h"

namespace foreword::gpu {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

// What one row sees: positions [begin, end), those from `prefix` on in the slots extra[position - prefix].
struct Sight {
  std::int64_t begin = 0, prefix = 0, end = 0;
  const std::int32_t* extra = nullptr;
  const std::int32_t* table = nullptr;

  std::int64_t slot(std::int64_t position) const {
    return position < prefix ? position : extra[position - prefix];
  }
};

// The part of a page that a row sees.
struct Part {
  std::int64_t first = 0, last = 0;
  bool own = false;  // has slots that lie elsewhere

  bool operator==(const Part&) const = default;
};

Part part_of(const Sight& sight, std::int64_t page) {
  const std::int64_t at = page * kPageSlots;
  const std::int64_t first = std::clamp(sight.begin - at, std::int64_t{0}, kPageSlots);
  const std::int64_t last = std::clamp(sight.end - at, std::int64_t{0}, kPageSlots);
  return {first, std::max(first, last), last > first && at + last > sight.prefix};
}

// The work of one kv head on some rows of one sequence. Vector v is head v % group of row v / group.
class Tile {
 public:
  Tile(const AttentionTask& task, std::int64_t kv_head, std::byte* memory)
      : task_(task), kernels_(*task.kernels), kv_head_(kv_head), group_(task.group()), dim_(task.layer.head_dim) {
    const std::int64_t vectors = task.tile_rows() * group_;
    Scratch scratch(memory);
    sights_ = scratch.take<Sight>(task.tile_rows());
    q_ = scratch.take<float>(vectors * dim_);
    logits_ = scratch.take<float>(vectors * kPageSlots);
    fresh_ = scratch.take<float>(vectors * dim_);
    sum_ = scratch.take<float>(vectors * dim_);
    largest_ = scratch.take<float>(vectors);
    weight_ = scratch.take<float>(vectors);
    gathered_ = scratch.take<std::byte>(task.layer.page_bytes());
  }

  static std::size_t bytes(const AttentionTask& task) {
    const std::int64_t vectors = task.tile_rows() * task.group(), dim = task.layer.head_dim;
    return Scratch::rounded(task.tile_rows() * static_cast<std::int64_t>(sizeof(Sight))) +
           3 * Scratch::rounded(vectors * dim * 4) + Scratch::rounded(vectors * kPageSlots * 4) +
           2 * Scratch::rounded(vectors * 4) + Scratch::rounded(task.layer.page_bytes());
  }

  void run(std::int64_t first, std::int64_t last) {
    const std::int64_t n = last - first;
    start(first, n);
    std::int64_t begin = std::numeric_limits<std::int64_t>::max(), end = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      begin = std::min(begin, sights_[i].begin);
      end = std::max(end, sights_[i].end);
    }
    for (std::int64_t page = begin / kPageSlots; page * kPageSlots < end; ++page) {
      for (std::int64_t i = 0; i < n;) {
        const Part part = part_of(sights_[i], page);
        std::int64_t next = i + 1;
        while (!part.own && next < n && part_of(sights_[next], page) == part) ++next;
        if (part.first < part.last) add_page(part.own ? gather(sights_[i], page, part) : shared(page), part, i, next);
        i = next;
      }
    }
    finish(first, n);
  }

 private:
  void start(std::int64_t first, std::int64_t n) {
    const AttentionRows& rows = task_.rows;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t r = first + i;
      Sight& sight = sights_[i];
      const std::int32_t begin = *row_of<std::int32_t>(rows.extra_begin, r), end = *row_of<std::int32_t>(rows.extra_begin, r + 1);
      sight.table = row_of<std::int32_t>(rows.table, *row_of<std::int32_t>(rows.sequence, r));
      sight.prefix = *row_of<std::int32_t>(rows.prefix_slots, r);
      sight.end = sight.prefix + end - begin;
      sight.extra = end > begin ? row_of<std::int32_t>(rows.extra_slots, begin) : nullptr;
      check(sight.end <= rows.table.cols * kPageSlots, "attention: slots lie in the table");
      const std::int64_t position = *row_of<std::int32_t>(rows.position, r);
      sight.begin = task_.params.window > 0 ? std::max(std::int64_t{0}, position - task_.params.window + 1) : 0;
      std::memcpy(q_ + i * group_ * dim_, row_of<float>(task_.q, r) + kv_head_ * group_ * dim_,
                  static_cast<std::size_t>(group_ * dim_) * sizeof(float));
    }
    std::fill_n(sum_, n * group_ * dim_, 0.0F);
    std::fill_n(largest_, n * group_, kNothing);
    std::fill_n(weight_, n * group_, 0.0F);
  }

  const std::byte* page_at(std::int64_t block) const {
    check(block >= 0 && block < task_.layer.n_blocks, "attention: block in range");
    return task_.layer.buffer->host() + task_.layer.offset +
           (block * task_.layer.n_kv_heads + kv_head_) * task_.layer.page_bytes();
  }
  // Rows of a run share their sequence.
  const std::byte* shared(std::int64_t page) const { return page_at(sights_[0].table[page]); }

  // A page of our own with the slots that this row sees, at the places of their positions.
  const std::byte* gather(const Sight& sight, std::int64_t page, const Part& part) {
    const std::int64_t size = dim_ * bytes_of(task_.layer.dtype);
    for (std::int64_t t = part.first; t < part.last; ++t) {
      const std::int64_t slot = sight.slot(page * kPageSlots + t);
      check(slot >= 0 && slot < task_.rows.table.cols * kPageSlots, "attention: ancestor in range");
      const std::byte* from = page_at(sight.table[slot / kPageSlots]) + slot % kPageSlots * size;
      std::memcpy(gathered_ + t * size, from, static_cast<std::size_t>(size));
      std::memcpy(gathered_ + (kPageSlots + t) * size, from + kPageSlots * size, static_cast<std::size_t>(size));
    }
    return gathered_;
  }

  // The partial result of one page for the rows [i, next) of the tile, merged.
  void add_page(const std::byte* page, const Part& part, std::int64_t i, std::int64_t next) {
    const bool half = task_.layer.dtype == DType::f16;
    const std::int64_t v = i * group_, n = (next - i) * group_, size = dim_ * bytes_of(task_.layer.dtype);
    float* logits = logits_ + v * kPageSlots;
    const DotFn dot = half ? kernels_.dot_f16 : kernels_.dot_f32;
    dot(page + part.first * size, size, part.last - part.first, q_ + v * dim_, dim_, nullptr, n, dim_,
        logits + part.first, kPageSlots);
    float largest[kMaxVectors], sum[kMaxVectors];
    for (std::int64_t j = 0; j < n; ++j) {
      kernels_.softmax_page(logits + j * kPageSlots, static_cast<int>(part.first), static_cast<int>(part.last),
                            task_.params.scale, task_.params.softcap, &largest[j], &sum[j]);
    }
    const WeightedSumFn weighted_sum = half ? kernels_.weighted_sum_f16 : kernels_.weighted_sum_f32;
    weighted_sum(logits, kPageSlots, n, page + kPageSlots * size, part.first, part.last, dim_, fresh_ + v * dim_);
    for (std::int64_t j = 0; j < n; ++j) merge(v + j, largest[j], sum[j]);
  }

  void merge(std::int64_t v, float largest, float sum) {
    if (largest == kNothing) return;
    const float most = std::max(largest_[v], largest);
    const float old = std::exp(largest_[v] - most), fresh = std::exp(largest - most);
    kernels_.blend(sum_ + v * dim_, old, fresh_ + v * dim_, fresh, dim_);
    weight_[v] = weight_[v] * old + sum * fresh;
    largest_[v] = most;
  }

  void finish(std::int64_t first, std::int64_t n) {
    for (std::int64_t v = 0; v < n * group_; ++v) {
      const std::int64_t head = kv_head_ * group_ + v % group_;
      float factor = 1, weight = weight_[v];
      if (task_.params.sinks) {
        const float sink = row_of<float>(task_.params.sinks, 0)[head];
        const float most = std::max(largest_[v], sink);
        factor = std::exp(largest_[v] - most);
        weight = weight * factor + std::exp(sink - most);
      }
      kernels_.scale(sum_ + v * dim_, weight > 0 ? factor / weight : weight, dim_,
                     row_of<float>(task_.out, first + v / group_) + head * dim_);
    }
  }

  static constexpr std::int64_t kMaxVectors = 256;

  const AttentionTask& task_;
  const Kernels& kernels_;
  std::int64_t kv_head_, group_, dim_;
  Sight* sights_;
  float *q_, *logits_, *fresh_, *sum_, *largest_, *weight_;
  std::byte* gathered_;
};

}  // namespace

std::int64_t AttentionTask::tile_rows() const {
  constexpr std::int64_t kVectors = 32;
  check(group() <= 256, "attention: at most 256 heads share a kv head");
  return std::clamp(kVectors / group(), std::int64_t{1}, std::int64_t{16});
}

std::size_t AttentionTask::scratch_bytes() const { return Tile::bytes(*this); }

void attend(const AttentionTask& task, std::int64_t kv_head, std::int64_t first, std::int64_t last,
            std::byte* scratch) {
  Tile tile(task, kv_head, scratch);
  const auto sequence = [&](std::int64_t r) { return *row_of<std::int32_t>(task.rows.sequence, r); };
  while (first < last) {
    std::int64_t next = first + 1;
    while (next < last && sequence(next) == sequence(first)) ++next;
    tile.run(first, next);
    first = next;
  }
}

}  // namespace foreword::gpu
