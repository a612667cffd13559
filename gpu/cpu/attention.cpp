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

// A page of one kv head: its two tiles.
struct Page {
  const std::byte *keys = nullptr, *values = nullptr;
  KvEncoding encoding;
};

// The work of one kv head on some rows of one sequence. Vector v is head v % group of row v / group.
class Tile {
 public:
  Tile(const AttentionTask& task, std::int64_t kv_head, std::byte* memory)
      : task_(task), kernels_(*task.kernels), kv_head_(kv_head), group_(task.group()), dim_(task.layer.head_dim),
        vectors_(task.tile_rows() * group_) {
    Scratch scratch(memory);
    sights_ = scratch.take<Sight>(task.tile_rows());
    q_ = scratch.take<float>(vectors_ * dim_);
    logits_ = scratch.take<float>(vectors_ * kPageSlots);
    fresh_ = scratch.take<float>(vectors_ * dim_);
    sum_ = scratch.take<float>(vectors_ * dim_);
    largest_ = scratch.take<float>(vectors_);
    weight_ = scratch.take<float>(vectors_);
    keys_ = scratch.take<float>(kPageSlots * dim_);
    values_ = scratch.take<float>(kPageSlots * dim_);
    if (reads_codes(task)) quantised_ = scratch.take<QuantBlock>(2 * vectors_ * blocks(dim_));
  }

  static std::size_t bytes(const AttentionTask& task) {
    const std::int64_t vectors = task.tile_rows() * task.group(), dim = task.layer.head_dim;
    return Scratch::rounded(task.tile_rows() * static_cast<std::int64_t>(sizeof(Sight))) +
           3 * Scratch::rounded(vectors * dim * 4) + Scratch::rounded(vectors * kPageSlots * 4) +
           2 * Scratch::rounded(vectors * 4) + 2 * Scratch::rounded(kPageSlots * dim * 4) +
           (reads_codes(task) ? Scratch::rounded(2 * vectors * blocks(dim) * static_cast<std::int64_t>(sizeof(QuantBlock))) : 0);
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
        next_ = (page + 1) * kPageSlots < end ? shared(page + 1) : Page{};
        if (part.first < part.last) add_page(part.own ? gather(sights_[i], page, part) : shared(page), part, i, next);
        i = next;
      }
    }
    finish(first, n);
  }

 private:
  static bool reads_codes(const AttentionTask& task) {
    return task.layer.head_dim % 32 == 0 && std::ranges::any_of(task.layer.closed, [](const KvPool& pool) { return pool.buffer != nullptr; });
  }
  static std::int64_t blocks(std::int64_t dim) { return dim / kQuantCols; }

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
    kernels_.rotate(q_, n * group_ * dim_, task_.layer.basis.k);
    for (std::int64_t v = 0; quantised_ != nullptr && v < n * group_; ++v) {
      kernels_.quantise(q_ + v * dim_, dim_, quantised_ + v, vectors_, vectors_ * blocks(dim_));
    }
    std::fill_n(sum_, n * group_ * dim_, 0.0F);
    std::fill_n(largest_, n * group_, kNothing);
    std::fill_n(weight_, n * group_, 0.0F);
  }

  // Rows of a run share their sequence.
  Page shared(std::int64_t page) const { return page_at(sights_[0].table[page]); }
  Page page_at(std::int32_t block) const {
    const KvEncoding encoding = task_.layer.pool(pool_of(block)).encoding;
    const std::byte* keys = page_of(task_.layer, block, kv_head_);
    return {keys, keys + kv_tile_bytes(encoding.k, dim_), encoding};
  }

  // A page of our own with the slots that this row sees, at the places of their positions. As floats: the same bits as
  // products with the halves that they may come from.
  Page gather(const Sight& sight, std::int64_t page, const Part& part) {
    for (std::int64_t t = part.first; t < part.last; ++t) {
      const std::int64_t slot = sight.slot(page * kPageSlots + t);
      check(slot >= 0 && slot < task_.rows.table.cols * kPageSlots, "attention: ancestor in range");
      const Page from = page_at(sight.table[slot / kPageSlots]);
      decode(from.encoding.k, from.keys, slot % kPageSlots, 1, keys_ + t * dim_);
      decode(from.encoding.v, from.values, slot % kPageSlots, 1, values_ + t * dim_);
    }
    return {reinterpret_cast<const std::byte*>(keys_), reinterpret_cast<const std::byte*>(values_), {KvFormat::f32, KvFormat::f32}};
  }

  void decode(KvFormat format, const std::byte* tile, std::int64_t first, std::int64_t n, float* out) const {
    const std::int64_t row_bytes = kv_row_bytes(format, dim_);
    const std::byte* codes = tile + first * row_bytes;
    if (format == KvFormat::f32) {
      std::memcpy(out, codes, static_cast<std::size_t>(n * row_bytes));
    } else if (format == KvFormat::f16) {
      kernels_.from_half(reinterpret_cast<const std::uint16_t*>(codes), n * dim_, out);
    } else {
      const std::int64_t group = kv_group(dim_), groups = dim_ / group;
      kernel_of(format).decode(codes_of(codes), scales_of(format, tile) + first * groups, group, n * groups, out);
    }
  }

  const KvKernel& kernel_of(KvFormat format) const { return kernels_.kv[static_cast<std::size_t>(format)]; }
  const std::uint8_t* codes_of(const std::byte* tile) const { return reinterpret_cast<const std::uint8_t*>(tile); }
  const std::uint16_t* scales_of(KvFormat format, const std::byte* tile) const {
    return reinterpret_cast<const std::uint16_t*>(tile + kPageSlots * kv_row_bytes(format, dim_));
  }
  // Whether a tile is used as it lies: groups of 16 are decoded first.
  bool by_codes(KvFormat format) const { return info(format).scaled && dim_ % 32 == 0; }

  // A tile as rows of floats or halves, where it lies or decoded into `room`.
  const std::byte* readable(KvFormat& format, const std::byte* tile, const Part& part, float* room) const {
    if (!info(format).scaled) return tile;
    decode(format, tile, part.first, part.last - part.first, room + part.first * dim_);
    format = KvFormat::f32;
    return reinterpret_cast<const std::byte*>(room);
  }

  // Asks for the share of a tile that falls to some of the 64 slots.
  static void fetch(const std::byte* tile, std::int64_t bytes, std::int64_t slot, std::int64_t n_slots) {
    const std::byte* end = tile + bytes * std::min(slot + n_slots, kPageSlots) / kPageSlots;
    for (tile += bytes * slot / kPageSlots / 64 * 64; tile < end; tile += 64) __builtin_prefetch(tile);
  }

  // logits[j][t] = q_(v + j) . key t
  void dot_keys(const Page& page, const Part& part, std::int64_t v, std::int64_t n, float* logits) {
    KvFormat format = page.encoding.k;
    const std::byte* keys = page.keys;
    if (by_codes(format)) {
      const Ahead ahead{codes_of(page.values), kv_tile_bytes(page.encoding.v, dim_)};
      kernels_.transpose_scales(scales_of(format, keys), dim_ / 32, keys_);
      kernel_of(format).dot(codes_of(keys), keys_, dim_, quantised_ + v, vectors_, vectors_ * blocks(dim_), n, logits, ahead);
      return;
    }
    keys = readable(format, keys, part, keys_);
    const DotFn dot = format == KvFormat::f16 ? kernels_.dot_f16 : kernels_.dot_f32;
    // A few keys at a time, and between them a call for what comes next: at depth 4096 the memory's speed instead of half.
    constexpr std::int64_t kKeys = 4;
    const std::int64_t size = kv_row_bytes(format, dim_);
    for (std::int64_t t = part.first; t < part.last; t += kKeys) {
      fetch(page.values, kv_tile_bytes(page.encoding.v, dim_), t, kKeys);
      if (next_.keys != nullptr) fetch(next_.keys, kv_tile_bytes(next_.encoding.k, dim_), t, kKeys);
      dot(keys + t * size, size, std::min(kKeys, part.last - t), q_ + v * dim_, dim_, nullptr, n, dim_, logits + t, kPageSlots);
    }
  }

  // fresh_(v + j) = sum of weights[j][t] * value t
  void sum_values(const Page& page, const Part& part, std::int64_t v, std::int64_t n, const float* weights) {
    KvFormat format = page.encoding.v;
    const std::byte* values = page.values;
    if (by_codes(format)) {
      kernels_.transpose_scales(scales_of(format, values), dim_ / 32, values_);
      const Ahead ahead{codes_of(next_.keys), next_.keys == nullptr ? 0 : kv_tile_bytes(next_.encoding.k, dim_)};
      kernel_of(format).weighted_sum(weights, n, codes_of(values), values_, part.first, part.last, dim_, fresh_ + v * dim_, ahead);
      return;
    }
    values = readable(format, values, part, values_);
    const WeightedSumFn sum = format == KvFormat::f16 ? kernels_.weighted_sum_f16 : kernels_.weighted_sum_f32;
    sum(weights, kPageSlots, n, values, part.first, part.last, dim_, fresh_ + v * dim_);
  }

  // The partial result of one page for the rows [i, next) of the tile, merged.
  void add_page(const Page& page, const Part& part, std::int64_t i, std::int64_t next) {
    const std::int64_t v = i * group_, n = (next - i) * group_;
    float* logits = logits_ + v * kPageSlots;
    dot_keys(page, part, v, n, logits);
    float largest[kMaxVectors], sum[kMaxVectors];
    for (std::int64_t j = 0; j < n; ++j) {
      kernels_.softmax_page(logits + j * kPageSlots, static_cast<int>(part.first), static_cast<int>(part.last),
                            task_.params.scale, task_.params.softcap, &largest[j], &sum[j]);
    }
    sum_values(page, part, v, n, logits);
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
      float* out = row_of<float>(task_.out, first + v / group_) + head * dim_;
      kernels_.scale(sum_ + v * dim_, weight > 0 ? factor / weight : weight, dim_, out);
      kernels_.rotate(out, dim_, task_.layer.basis.v);
    }
  }

  static constexpr std::int64_t kMaxVectors = 256;

  const AttentionTask& task_;
  const Kernels& kernels_;
  std::int64_t kv_head_, group_, dim_, vectors_;
  Sight* sights_;
  float *q_, *logits_, *fresh_, *sum_, *largest_, *weight_;
  float *keys_, *values_;  // [64, dim] of a page that is gathered or decoded, or its scales [dim / 32, 64]
  Page next_;              // what comes after the page in hand, if anything
  QuantBlock* quantised_ = nullptr;  // q_ in two terms of 8 bits, for keys in few bits
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
