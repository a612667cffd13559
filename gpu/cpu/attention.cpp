#include "gpu/cpu/attention.h"

#include <algorithm>
#include <atomic>
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

// The part [first, last) of a page that a row sees. From `own` on its slots lie elsewhere, and are nobody else's.
struct Part {
  std::int64_t first = 0, own = 0, last = 0;

  bool sees_nothing() const { return first >= last; }
  bool has_own() const { return own < last; }
};

Part part_of(const Sight& sight, std::int64_t page) {
  const std::int64_t at = page * kPageSlots;
  const std::int64_t first = std::clamp(sight.begin - at, std::int64_t{0}, kPageSlots);
  const std::int64_t last = std::max(first, std::clamp(sight.end - at, std::int64_t{0}, kPageSlots));
  return {first, std::clamp(sight.prefix - at, first, last), last};
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
  std::int64_t first = 0, last = 0;  // what they see of it that lies there, all together
  bool own = false;                  // one of them at least has slots of its own
};

// The work of a part of the heads of one kv head on some rows of one sequence. Vector v is the part's head v % group of row v / group.
class Tile {
 public:
  Tile(const AttentionTask& task, std::int64_t kv_head, std::int64_t part, std::byte* memory)
      : task_(task), kernels_(*task.kernels), kv_head_(kv_head), first_head_(kv_head * task.group() + task.group() * part / task.parts),
        group_(task.group() * (part + 1) / task.parts - task.group() * part / task.parts), dim_(task.layer.head_dim),
        vectors_(task.tile_rows() * group_) {
    Scratch scratch(memory);
    sights_ = scratch.take<Sight>(task.tile_rows());
    q_ = scratch.take<float>(vectors_ * dim_);
    logits_ = scratch.take<float>(vectors_ * kPageSlots);
    fresh_ = scratch.take<float>(vectors_ * dim_);
    sum_ = scratch.take<float>(vectors_ * dim_);
    largest_ = scratch.take<float>(vectors_);
    weight_ = scratch.take<float>(vectors_);
    own_ = scratch.take<float>(group_ * kKeySlots);
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
           2 * Scratch::rounded(vectors * 4) + Scratch::rounded(task.group() * kKeySlots * 4) + 3 * Scratch::rounded(kPageSlots * dim * 4) +
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
        if (!part_of(sights_[run.begin], page_).sees_nothing()) add_page(run);
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
      std::memcpy(q_ + i * group_ * dim_, row_of<float>(task_.q, r) + first_head_ * dim_,
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

  // Rows from `begin` on that see something of the page in hand, or one row that does not. Where the page is in few bits, those with
  // slots of their own go apart: for them it becomes floats, as their own slots are.
  Run run_from(std::int64_t begin, std::int64_t n) const {
    Run run{begin, begin, kPageSlots, 0};
    while (run.end < n) {
      const Part part = part_of(sights_[run.end], page_);
      if (run.end > begin && (part.sees_nothing() || (part.has_own() != run.own && in_few_bits(page_)))) break;
      ++run.end;
      run.own = run.own || part.has_own();
      if (part.first < part.own) run.first = std::min(run.first, part.first), run.last = std::max(run.last, part.own);
      if (part.sees_nothing()) break;
    }
    return run;
  }
  bool in_few_bits(std::int64_t page) const {
    const KvEncoding encoding = shared(page).encoding;
    return info(encoding.k).scaled || info(encoding.v).scaled;
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
  // Whether a tile is used as it lies: groups of 16 are decoded first, and so is what is beside slots that lie elsewhere.
  bool by_codes(KvFormat format) const { return info(format).scaled && dim_ % 32 == 0 && !beside_own_; }

  // Slots [first, last) of a tile as floats, at their places in `room`.
  const std::byte* as_floats(KvFormat& format, const std::byte* tile, std::int64_t first, std::int64_t last, float* room) const {
    decode(format, tile, first, last - first, room + first * dim_);
    format = KvFormat::f32;
    return reinterpret_cast<const std::byte*>(room);
  }

  // logits[j][t] = q_(v + j) . key t, for the slots [first, last) at least
  void dot_keys(const Page& page, std::int64_t first, std::int64_t last, std::int64_t v, std::int64_t n, float* logits) {
    KvFormat format = page.encoding.k;
    const std::byte* keys = page.keys;
    const Ahead ahead{codes_of(page.values), kv_tile_bytes(page.encoding.v, dim_)};
    if (by_codes(format)) {
      kernels_.transpose_scales(scales_of(format, keys), dim_ / 32, keys_);
      kernel_of(format).dot(codes_of(keys), keys_, dim_, quantised_ + v, vectors_, vectors_ * blocks(dim_), n, logits, ahead);
      return;
    }
    if (info(format).scaled) keys = as_floats(format, keys, first, last, rows_);
    const TransposeSlotsFn transpose = format == KvFormat::f16 ? kernels_.transpose_slots_f16 : kernels_.transpose_slots_f32;
    // Half a page at a time, for it stays in the first cache beside the queries.
    for (std::int64_t t = first / kKeySlots * kKeySlots; t < last; t += kKeySlots) {
      const std::int64_t n_slots = std::min(kKeySlots, last - t), lanes = kernels_.lanes;
      transpose(keys + t * kv_row_bytes(format, dim_), n_slots, dim_, keys_,
                {ahead.bytes + ahead.n * t / kPageSlots, ahead.n * kKeySlots / kPageSlots});
      kernels_.weighted_sum_f32(q_ + v * dim_, dim_, n, keys_, kKeySlots, 0, dim_, (n_slots + lanes - 1) / lanes * lanes, logits + t,
                                kPageSlots, {});
    }
  }

  // Values [first, last) of a page made ready for n vectors.
  Page with_values(Page page, std::int64_t first, std::int64_t last, std::int64_t n) const {
    KvFormat& format = page.encoding.v;
    if (by_codes(format)) {
      kernels_.transpose_scales(scales_of(format, page.values), dim_ / 32, values_);
    } else if (info(format).scaled || (format == KvFormat::f16 && n > kManyVectors)) {
      page.values = as_floats(format, page.values, first, last, values_);
    }
    return page;
  }

  // fresh_(v + j) = sum of weights[j][t] * value t, t in [first, last)
  void sum_values(const Page& page, std::int64_t first, std::int64_t last, std::int64_t v, std::int64_t n, const float* weights) {
    const KvFormat format = page.encoding.v;
    const Ahead ahead{codes_of(next_.keys), next_.keys == nullptr ? 0 : kv_tile_bytes(next_.encoding.k, dim_)};
    if (by_codes(format)) {
      kernel_of(format).weighted_sum(weights, n, codes_of(page.values), values_, first, last, dim_, fresh_ + v * dim_, ahead);
      return;
    }
    const WeightedSumFn sum = format == KvFormat::f16 ? kernels_.weighted_sum_f16 : kernels_.weighted_sum_f32;
    sum(weights, kPageSlots, n, page.values, dim_, first, last, dim_, fresh_ + v * dim_, dim_, ahead);
  }

  // A slot of the page in hand that is the row's own, as floats in rows_[at].
  void fetch_own(const Sight& sight, std::int64_t t, bool value, std::int64_t at) {
    const std::int64_t slot = sight.slot(page_ * kPageSlots + t);
    check(slot >= 0 && slot < task_.rows.table.cols * kPageSlots, "attention: ancestor in range");
    const Page from = page_at(sight.table[slot / kPageSlots]);
    decode(value ? from.encoding.v : from.encoding.k, value ? from.values : from.keys, slot % kPageSlots, 1, rows_ + at * dim_);
  }

  // The logits of a row's own slots, to their places among those of the page. A slot is a lane, so it is the same wherever it lies.
  void dot_own(std::int64_t i, const Part& part, float* logits) {
    for (std::int64_t t = part.own, n = 0; t < part.last; t += n) {
      n = std::min(kKeySlots, part.last - t);
      for (std::int64_t k = 0; k < n; ++k) fetch_own(sights_[i], t + k, false, k);
      kernels_.transpose_slots_f32(rows_, n, dim_, keys_, {});
      const std::int64_t lanes = kernels_.lanes;
      kernels_.weighted_sum_f32(q_ + i * group_ * dim_, dim_, group_, keys_, kKeySlots, 0, dim_, (n + lanes - 1) / lanes * lanes, own_, kKeySlots, {});
      for (std::int64_t j = 0; j < group_; ++j) std::copy_n(own_ + j * kKeySlots, n, logits + j * kPageSlots + t);
    }
  }

  // Their values, behind those that lie in the page: the order of a chain.
  void add_own(std::int64_t i, const Part& part, const float* weights) {
    for (std::int64_t t = part.own; t < part.last; ++t) {
      fetch_own(sights_[i], t, true, 0);
      for (std::int64_t j = 0; j < group_; ++j) kernels_.add_weighted(fresh_ + (i * group_ + j) * dim_, weights[j * kPageSlots + t], rows_, dim_);
    }
  }

  // The partial results of one page for the rows of a run, merged.
  void add_page(const Run& run) {
    beside_own_ = run.own;
    const std::int64_t v = run.begin * group_, n = (run.end - run.begin) * group_;
    Page page;
    if (run.first < run.last) {
      dot_keys(shared(page_), run.first, run.last, v, n, logits_ + v * kPageSlots);
      page = with_values(shared(page_), run.first, run.last, n);
    }
    for (std::int64_t i = run.begin, next = i; i < run.end; i = next) {
      const Part part = part_of(sights_[i], page_);
      const auto same = [&](const Part& other) { return other.first == part.first && other.own == part.own; };
      while (next < run.end && same(part_of(sights_[next], page_))) ++next;
      add_rows(page, part.first, part.own, i, next);
    }
  }

  // The same for rows that see the same part [first, last) of what lies there.
  void add_rows(const Page& page, std::int64_t first, std::int64_t last, std::int64_t i, std::int64_t next) {
    const std::int64_t v = i * group_, n = (next - i) * group_;
    float* logits = logits_ + v * kPageSlots;
    float largest[kMaxVectors], sum[kMaxVectors];
    for (std::int64_t row = i; row < next; ++row) {
      const Part part = part_of(sights_[row], page_);
      if (part.has_own()) dot_own(row, part, logits_ + row * group_ * kPageSlots);
      for (std::int64_t j = (row - i) * group_; j < (row - i + 1) * group_; ++j) {
        kernels_.softmax_page(logits + j * kPageSlots, static_cast<int>(part.first), static_cast<int>(part.last),
                              task_.params.scale, task_.params.softcap, &largest[j], &sum[j]);
      }
    }
    if (first < last) sum_values(page, first, last, v, n, logits);
    else std::fill_n(fresh_ + v * dim_, n * dim_, 0.0F);
    for (std::int64_t row = i; row < next; ++row) {
      const Part part = part_of(sights_[row], page_);
      if (part.has_own()) add_own(row, part, logits_ + row * group_ * kPageSlots);
    }
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
      const std::int64_t head = first_head_ + v % group_;
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

  // factor: of weights relative to largest_[v]. Other parts of these heads tell theirs at the same time.
  void tell_shares(std::int32_t watch, std::int64_t v, float factor) {
    float* shares = row_of<float>(task_.rows.shares, watch * task_.layer.n_kv_heads + kv_head_);
    const PageShare* pages = page_shares_ + v % group_ * task_.rows.table.cols;
    for (std::int64_t b = 0; b < task_.rows.table.cols; ++b) {
      if (pages[b].sum > 0) raise(shares[b], pages[b].sum * std::exp(pages[b].largest - largest_[v]) * factor);
    }
  }

  static void raise(float& share, float value) {
    std::atomic_ref<float> shared(share);
    for (float old = shared.load(std::memory_order_relaxed); old < value && !shared.compare_exchange_weak(old, value, std::memory_order_relaxed);) {
    }
  }

  static constexpr std::int64_t kMaxVectors = 256;
  static constexpr std::int64_t kManyVectors = 4;  // beyond, halves become floats once for all

  const AttentionTask& task_;
  const Kernels& kernels_;
  std::int64_t kv_head_, first_head_, group_, dim_, vectors_;
  Sight* sights_;
  float *q_, *logits_, *fresh_, *sum_, *largest_, *weight_;
  float* own_;           // logits of a row's own slots [group, 32]
  float *rows_, *keys_;  // slots as floats [64, dim]; 32 keys side by side [dim, 32], or scales [dim / 32, 64]
  float* values_;        // [64, dim] where they are not used as they lie, or their scales
  Page next_;              // what comes after the page in hand, if anything
  bool beside_own_ = false;  // a row of the run has slots of its own
  std::int64_t page_ = 0, watched_ = -1;  // the page in hand; the row of the run whose shares are wanted, or -1
  PageShare* page_shares_ = nullptr;      // [group, blocks] of that row
  QuantBlock* quantised_ = nullptr;  // q_ in two terms of 8 bits, for keys in few bits
};

}  // namespace

std::int64_t AttentionTask::tile_rows() const {
  constexpr std::int64_t kVectors = 64;
  return std::clamp(kVectors / group(), std::int64_t{1}, std::int64_t{16});
}

std::int64_t AttentionTask::parts_worth(int n_threads) const {
  // Of a part: with fewer heads reading weighs too much, half of the work with 2; with less to do waiting for each other does.
  constexpr std::int64_t kLeastHeads = 4, kLeastOperations = 1 << 20;
  const std::int64_t seen = params.window > 0 ? std::min(rows.max_slots, params.window + kPageSlots) : rows.max_slots;
  const std::int64_t operations = 4 * std::min(q.rows, tile_rows()) * group() * layer.head_dim * seen;
  const std::int64_t most = std::max(std::min(group() / kLeastHeads, operations / kLeastOperations), std::int64_t{1});
  const std::int64_t n_units = (q.rows + tile_rows() - 1) / tile_rows() * layer.n_kv_heads;
  return n_units == 0 ? 1 : std::clamp((n_threads + n_units - 1) / n_units, std::int64_t{1}, most);
}

std::size_t AttentionTask::scratch_bytes() const { return Tile::bytes(*this); }

void attend(const AttentionTask& task, std::int64_t kv_head, std::int64_t part, std::int64_t first, std::int64_t last, std::byte* scratch) {
  Tile tile(task, kv_head, part, scratch);
  const auto sequence = [&](std::int64_t r) { return *row_of<std::int32_t>(task.rows.sequence, r); };
  while (first < last) {
    std::int64_t next = first + 1;
    while (next < last && sequence(next) == sequence(first)) ++next;
    tile.run(first, next);
    first = next;
  }
}

}  // namespace foreword::gpu
