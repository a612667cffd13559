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

// What one vector found in one page.
struct PageShare {
  float largest = kNothing, sum = 0;
};

// A page of one kv head: its two tiles.
struct Page {
  const std::byte *keys = nullptr, *values = nullptr;
  KvEncoding encoding;
};

// Rows that go by a page together.
struct Run {
  std::int64_t begin = 0, end = 0;
  Part part;  // what they see of it, all together
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
    rows_ = scratch.take<float>(kPageSlots * dim_);
    keys_ = scratch.take<float>(kPageSlots * dim_);
    values_ = scratch.take<float>(kPageSlots * dim_);
    if (task.rows.watch) page_shares_ = scratch.take<PageShare>(group_ * task.rows.table.cols);
    if (reads_codes(task)) quantised_ = scratch.take<QuantBlock>(2 * vectors_ * blocks(dim_));
  }

  static std::size_t bytes(const AttentionTask& task) {
    const std::int64_t vectors = task.tile_rows() * task.group(), dim = task.layer.head_dim;
    return Scratch::rounded(task.tile_rows() * static_cast<std::int64_t>(sizeof(Sight))) +
           3 * Scratch::rounded(vectors * dim * 4) + Scratch::rounded(vectors * kPageSlots * 4) +
           2 * Scratch::rounded(vectors * 4) + 3 * Scratch::rounded(kPageSlots * dim * 4) +
           (task.rows.watch ? Scratch::rounded(task.group() * task.rows.table.cols * static_cast<std::int64_t>(sizeof(PageShare))) : 0) +
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
    for (page_ = begin / kPageSlots; page_ * kPageSlots < end; ++page_) {
      next_ = (page_ + 1) * kPageSlots < end ? shared(page_ + 1) : Page{};
      for (Run run = run_from(0, n); run.begin < n; run = run_from(run.end, n)) {
        if (run.part.first < run.part.last) add_page(run.part.own ? gather(sights_[run.begin], run.part) : shared(page_), run);
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
    watched_ = -1;
    for (std::int64_t i = 0; rows.watch && i < n; ++i) {
      if (*row_of<std::int32_t>(rows.watch, first + i) >= 0) watched_ = i;
    }
    if (watched_ >= 0) std::fill_n(page_shares_, group_ * rows.table.cols, PageShare{});
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

  // Rows from `begin` on that see something of the page in hand and have no slots of their own there; or one row.
  Run run_from(std::int64_t begin, std::int64_t n) const {
    Run run{begin, begin + 1, begin < n ? part_of(sights_[begin], page_) : Part{}};
    const auto takes_part = [](const Part& part) { return !part.own && part.first < part.last; };
    for (; takes_part(run.part) && run.end < n; ++run.end) {
      const Part part = part_of(sights_[run.end], page_);
      if (!takes_part(part)) break;
      run.part.first = std::min(run.part.first, part.first);
      run.part.last = std::max(run.part.last, part.last);
    }
    return run;
  }

  // A page of our own with the slots that this row sees, at the places of their positions. As floats: the same bits as
  // products with the halves that they may come from.
  Page gather(const Sight& sight, const Part& part) {
    for (std::int64_t t = part.first, n = 1; t < part.last; t += n) {
      const std::int64_t position = page_ * kPageSlots + t, slot = sight.slot(position);
      check(slot >= 0 && slot < task_.rows.table.cols * kPageSlots, "attention: ancestor in range");
      n = std::clamp(sight.prefix - position, std::int64_t{1}, part.last - t);  // slots of the prefix lie side by side
      const Page from = page_at(sight.table[slot / kPageSlots]);
      decode(from.encoding.k, from.keys, slot % kPageSlots, n, rows_ + t * dim_);
      decode(from.encoding.v, from.values, slot % kPageSlots, n, values_ + t * dim_);
    }
    return {reinterpret_cast<const std::byte*>(rows_), reinterpret_cast<const std::byte*>(values_), {KvFormat::f32, KvFormat::f32}};
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

  // Rows of a tile as floats, from slot part.first on, in `room`.
  const std::byte* as_floats(KvFormat& format, const std::byte* tile, const Part& part, float* room) const {
    decode(format, tile, part.first, part.last - part.first, room + part.first * dim_);
    format = KvFormat::f32;
    return reinterpret_cast<const std::byte*>(room);
  }

  // logits[j][t] = q_(v + j) . key t, for the slots of the part at least
  void dot_keys(const Page& page, const Part& part, std::int64_t v, std::int64_t n, float* logits) {
    KvFormat format = page.encoding.k;
    const std::byte* keys = page.keys;
    const Ahead ahead{codes_of(page.values), kv_tile_bytes(page.encoding.v, dim_)};
    if (by_codes(format)) {
      kernels_.transpose_scales(scales_of(format, keys), dim_ / 32, keys_);
      kernel_of(format).dot(codes_of(keys), keys_, dim_, quantised_ + v, vectors_, vectors_ * blocks(dim_), n, logits, ahead);
      return;
    }
    if (info(format).scaled) keys = as_floats(format, keys, part, rows_);
    const TransposeSlotsFn transpose = format == KvFormat::f16 ? kernels_.transpose_slots_f16 : kernels_.transpose_slots_f32;
    // Half a page at a time, for it stays in the first cache beside the queries.
    for (std::int64_t t = part.first / kKeySlots * kKeySlots; t < part.last; t += kKeySlots) {
      const std::int64_t n_slots = std::min(kKeySlots, part.last - t), lanes = kernels_.lanes;
      transpose(keys + t * kv_row_bytes(format, dim_), n_slots, dim_, keys_,
                {ahead.bytes + ahead.n * t / kPageSlots, ahead.n * kKeySlots / kPageSlots});
      kernels_.weighted_sum_f32(q_ + v * dim_, dim_, n, keys_, kKeySlots, 0, dim_, (n_slots + lanes - 1) / lanes * lanes, logits + t,
                                kPageSlots, {});
    }
  }

  // The values of a page made ready for n vectors.
  Page with_values(Page page, const Part& part, std::int64_t n) const {
    KvFormat& format = page.encoding.v;
    if (by_codes(format)) {
      kernels_.transpose_scales(scales_of(format, page.values), dim_ / 32, values_);
    } else if (info(format).scaled || (format == KvFormat::f16 && n > kManyVectors)) {
      page.values = as_floats(format, page.values, part, values_);
    }
    return page;
  }

  // fresh_(v + j) = sum of weights[j][t] * value t
  void sum_values(const Page& page, const Part& part, std::int64_t v, std::int64_t n, const float* weights) {
    const KvFormat format = page.encoding.v;
    const Ahead ahead{codes_of(next_.keys), next_.keys == nullptr ? 0 : kv_tile_bytes(next_.encoding.k, dim_)};
    if (by_codes(format)) {
      kernel_of(format).weighted_sum(weights, n, codes_of(page.values), values_, part.first, part.last, dim_, fresh_ + v * dim_, ahead);
      return;
    }
    const WeightedSumFn sum = format == KvFormat::f16 ? kernels_.weighted_sum_f16 : kernels_.weighted_sum_f32;
    sum(weights, kPageSlots, n, page.values, dim_, part.first, part.last, dim_, fresh_ + v * dim_, dim_, ahead);
  }

  // The partial results of one page for the rows of a run, merged.
  void add_page(const Page& page, const Run& run) {
    dot_keys(page, run.part, run.begin * group_, (run.end - run.begin) * group_, logits_);
    const Page ready = with_values(page, run.part, (run.end - run.begin) * group_);
    float* logits = logits_;
    for (std::int64_t i = run.begin, next = i; i < run.end; i = next) {
      const Part part = part_of(sights_[i], page_);
      while (next < run.end && part_of(sights_[next], page_) == part) ++next;
      add_rows(ready, part, i, next, logits);
      logits += (next - i) * group_ * kPageSlots;
    }
  }

  // The same for rows that see the same part of it.
  void add_rows(const Page& page, const Part& part, std::int64_t i, std::int64_t next, float* logits) {
    const std::int64_t v = i * group_, n = (next - i) * group_;
    float largest[kMaxVectors], sum[kMaxVectors];
    for (std::int64_t j = 0; j < n; ++j) {
      kernels_.softmax_page(logits + j * kPageSlots, static_cast<int>(part.first), static_cast<int>(part.last),
                            task_.params.scale, task_.params.softcap, &largest[j], &sum[j]);
    }
    sum_values(page, part, v, n, logits);
    for (std::int64_t j = 0; j < n; ++j) {
      merge(v + j, largest[j], sum[j]);
      if ((v + j) / group_ == watched_) page_shares_[(v + j) % group_ * task_.rows.table.cols + page_] = {largest[j], sum[j]};
    }
  }

  void merge(std::int64_t v, float largest, float sum) {
    if (largest == kNothing) return;
    const float most = std::max(largest_[v], largest);
    const auto relative = [&](float size) { return size == most ? 1.0F : std::exp(size - most); };
    const float old = relative(largest_[v]), fresh = relative(largest);
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
      if (v / group_ == watched_ && weight > 0) tell_shares(*row_of<std::int32_t>(task_.rows.watch, first + watched_), v, factor / weight);
      float* out = row_of<float>(task_.out, first + v / group_) + head * dim_;
      kernels_.scale(sum_ + v * dim_, weight > 0 ? factor / weight : weight, dim_, out);
      kernels_.rotate(out, dim_, task_.layer.basis.v);
    }
  }

  // factor: of weights relative to largest_[v].
  void tell_shares(std::int32_t watch, std::int64_t v, float factor) {
    float* shares = row_of<float>(task_.rows.shares, watch * task_.layer.n_kv_heads + kv_head_);
    const PageShare* pages = page_shares_ + v % group_ * task_.rows.table.cols;
    for (std::int64_t b = 0; b < task_.rows.table.cols; ++b) {
      if (pages[b].sum > 0) shares[b] = std::max(shares[b], pages[b].sum * std::exp(pages[b].largest - largest_[v]) * factor);
    }
  }

  static constexpr std::int64_t kMaxVectors = 256;
  static constexpr std::int64_t kManyVectors = 4;  // beyond, halves become floats once for all

  const AttentionTask& task_;
  const Kernels& kernels_;
  std::int64_t kv_head_, group_, dim_, vectors_;
  Sight* sights_;
  float *q_, *logits_, *fresh_, *sum_, *largest_, *weight_;
  float *rows_, *keys_;  // keys of a page that is gathered or decoded [64, dim]; 32 keys side by side [dim, 32], or scales [dim / 32, 64]
  float* values_;        // [64, dim] where they are not used as they lie, or their scales
  Page next_;              // what comes after the page in hand, if anything
  std::int64_t page_ = 0, watched_ = -1;  // the page in hand; the row of the run whose shares are wanted, or -1
  PageShare* page_shares_ = nullptr;      // [group, blocks] of that row
  QuantBlock* quantised_ = nullptr;  // q_ in two terms of 8 bits, for keys in few bits
};

}  // namespace

std::int64_t AttentionTask::tile_rows() const {
  constexpr std::int64_t kVectors = 64;
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
