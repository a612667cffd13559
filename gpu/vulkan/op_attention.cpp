// Attention over KV pages. Few rows go one by one, many in tiles that read a page once. Where no row of few can see more than one
// segment of pages, one dispatch; else each segment by itself and a merge, some rows at a time so that what lies between them stays
// small. All ways give the same bits.

#include <algorithm>

#include "gpu/vulkan/kv.h"
#include "gpu/vulkan/lowering.h"
#include "gpu/vulkan/products.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::int64_t kSegmentPages = 8;              // attention.glsl
constexpr std::int64_t kMostPartialBytes = 16 << 20;   // of the segments' sums at once
constexpr std::int64_t kMostHeadDim = 512;
constexpr std::int64_t kTileVectors = 16, kMostTileHeadDim = 256;  // attention_tile.comp
// Rows and slots, fewer of which are better off row by row.
constexpr std::int64_t kLeastTileRows = 16, kLeastTileSlots = 2 * kPageSlots;

struct Shape {
  std::int64_t heads = 1;  // in a workgroup
  std::int64_t tiles = 1;  // of heads of a kv head
  std::int64_t rows = 1;   // in a workgroup
};

Shape shape_of(const AttentionRecord& r) {
  const std::int64_t group = r.params.n_heads / r.layer.n_kv_heads, most = r.layer.head_dim > 256 ? 2 : 4;
  const std::int64_t heads = std::min(group, most);
  const bool in_tiles = r.q.rows >= kLeastTileRows && r.rows.max_slots > kLeastTileSlots && r.layer.head_dim % 4 == 0 && r.layer.head_dim <= kMostTileHeadDim;
  return {heads, divide_up(group, heads), in_tiles ? kTileVectors / heads : 1};
}

struct RowsPush {
  std::uint32_t pool_at[KvLayer::kPools];
  std::uint32_t table_at, table_stride, sequence_at, position_at, prefix_at, extra_begin_at, extra_slots_at, watch_at;
  std::uint32_t first_row, window, n_blocks;
  float scale, softcap;
};

// Binds the pools and what says which slots each row sees: bindings 2 to 12.
RowsPush bind_rows(const AttentionRecord& r, std::int64_t first_row, Lowering& to) {
  RowsPush push{};
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) push.pool_at[i] = to.bind(pool_range(r.layer, i), 4).offset;
  const View table = to.bind(r.rows.table);
  push.table_at = table.offset;
  push.table_stride = table.stride;
  push.sequence_at = to.bind(r.rows.sequence).offset;
  push.position_at = to.bind(r.rows.position).offset;
  push.prefix_at = to.bind(r.rows.prefix_slots).offset;
  push.extra_begin_at = to.bind(r.rows.extra_begin).offset;
  push.extra_slots_at = to.bind(r.rows.extra_slots).offset;
  push.watch_at = place_of(r.rows.watch, to.bind(r.rows.watch));
  push.first_row = u32(first_row);
  push.window = u32(r.params.window);
  push.n_blocks = u32(r.rows.table.cols);
  push.scale = r.params.scale;
  push.softcap = r.params.softcap;
  return push;
}

std::uint32_t pools_of(const KvLayer& layer) {
  std::uint32_t bits = 0;
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) bits |= layer.pool(i).buffer != nullptr ? 1U << i : 0;
  return bits;
}

void use_attention(ShaderId shader, const AttentionRecord& r, const Shape& shape, Lowering& to) {
  const KvLayer& layer = r.layer;
  const std::uint32_t dim = u32(layer.head_dim), kv_heads = u32(layer.n_kv_heads), group = u32(r.params.n_heads / layer.n_kv_heads), heads = u32(shape.heads);
  const std::uint32_t basis_k = u32(layer.basis.k), basis_v = u32(layer.basis.v), factor_k = factor_bits(layer.basis.k), factor_v = factor_bits(layer.basis.v);
  if (shape.rows == 1) to.use(shader, {dim, kv_heads, group, heads, basis_v, factor_v, basis_k, factor_k, pools_of(layer), packed_encodings(layer)});
  else to.use(shader, {dim, kv_heads, group, heads, basis_v, factor_v, basis_k, factor_k, pools_of(layer), packed_encodings(layer), u32(shape.rows)});
}

// The queries as the tiles want them: in the basis of the keys.
Range turned_queries(const AttentionRecord& r, const Shape& shape, Lowering& to) {
  struct Push {
    View q, out;
  } push;
  const KvLayer& layer = r.layer;
  const Range range = to.scratch(static_cast<std::uint64_t>(value_bytes(r.q)));
  to.use(ShaderId::attention_queries, {u32(layer.head_dim), u32(layer.n_kv_heads), u32(r.params.n_heads / layer.n_kv_heads), u32(shape.heads), u32(layer.basis.k),
                                       factor_bits(layer.basis.k)});
  push.q = to.bind(r.q);
  push.out = to.bind(range, 4);
  push.out.stride = u32(r.q.cols);
  to.push(push);
  to.dispatch(layer.n_kv_heads * shape.tiles, r.q.rows, 1, {"attention", {}, 2 * value_bytes(r.q)});
  return range;
}

OpCost cost_of(const AttentionRecord& r, std::int64_t rows) {
  const std::int64_t slots = r.rows.max_slots;
  return {"attention", {}, rows * slots * r.layer.n_kv_heads * r.layer.page_bytes() / kPageSlots, 4 * rows * slots * r.q.cols};
}

void in_one(const AttentionRecord& r, const Shape& shape, Lowering& to) {
  struct Push {
    View q, out;
    RowsPush rows;
    std::uint32_t sinks_at, shares_at, shares_stride;
  } push;
  use_attention(ShaderId::attention, r, shape, to);
  push.q = to.bind(r.q);
  push.out = to.bind(r.out);
  push.rows = bind_rows(r, 0, to);
  push.sinks_at = place_of(r.params.sinks, to.bind(r.params.sinks));
  const View shares = r.rows.shares ? to.bind(r.rows.shares) : to.bind(to.scratch(4), 4);
  push.shares_at = shares.offset;
  push.shares_stride = shares.stride;
  to.push(push);
  to.dispatch(r.layer.n_kv_heads * shape.tiles, r.q.rows, 1, cost_of(r, r.q.rows));
}

void in_segments(const AttentionRecord& r, const Shape& shape, std::int64_t n_segments, Lowering& to) {
  struct SplitPush {
    View q, out;
    RowsPush rows;
    std::uint32_t page_weights_at, n_rows;
  } split;
  struct MergePush {
    std::uint32_t partial_at, n_segments;
    View out;
    std::uint32_t sinks_at, watch_at, page_weights_at, n_blocks;
    View shares;
    std::uint32_t prefix_at, extra_begin_at, position_at, first_row, window;
  } merge;
  const std::int64_t row_bytes = r.params.n_heads * n_segments * (r.layer.head_dim + 2) * 4;
  const std::int64_t most = std::clamp<std::int64_t>(kMostPartialBytes / row_bytes, 1, r.q.rows);
  const Range partial = to.scratch(static_cast<std::uint64_t>(most * row_bytes));
  const std::int64_t n_watched = r.rows.watch ? r.rows.shares.rows / r.layer.n_kv_heads : 0;
  const Range page_weights = to.scratch(static_cast<std::uint64_t>(std::max<std::int64_t>(1, n_watched * r.params.n_heads * r.rows.table.cols) * 8));
  std::optional<Range> queries;  // none: as they come
  if (shape.rows > 1 && r.layer.basis.k > 1) queries = turned_queries(r, shape, to);
  for (std::int64_t first = 0; first < r.q.rows; first += most) {
    const std::int64_t n = std::min(most, r.q.rows - first);
    use_attention(shape.rows > 1 ? ShaderId::attention_tile : ShaderId::attention_split, r, shape, to);
    split.q = queries ? to.bind(*queries, 4) : to.bind(r.q);
    if (queries) split.q.stride = u32(r.q.cols);
    split.out = to.bind(partial, 4);
    split.out.stride = u32(n_segments);
    split.rows = bind_rows(r, first, to);
    split.page_weights_at = to.bind(page_weights, 8).offset;
    split.n_rows = u32(n);
    to.push(split);
    to.dispatch(r.layer.n_kv_heads * shape.tiles, divide_up(n, shape.rows), n_segments, cost_of(r, n));

    to.use(ShaderId::attention_merge, {u32(r.layer.head_dim), u32(r.layer.n_kv_heads), u32(r.params.n_heads / r.layer.n_kv_heads), u32(shape.heads),
                                       u32(r.layer.basis.v), factor_bits(r.layer.basis.v)});
    merge.partial_at = to.bind(partial, 4).offset;
    merge.n_segments = u32(n_segments);
    merge.out = to.bind(r.out);
    merge.sinks_at = place_of(r.params.sinks, to.bind(r.params.sinks));
    merge.watch_at = place_of(r.rows.watch, to.bind(r.rows.watch));
    merge.page_weights_at = to.bind(page_weights, 8).offset;
    merge.n_blocks = u32(r.rows.table.cols);
    merge.shares = r.rows.shares ? to.bind(r.rows.shares) : to.bind(to.scratch(4), 4);
    merge.prefix_at = to.bind(r.rows.prefix_slots).offset;
    merge.extra_begin_at = to.bind(r.rows.extra_begin).offset;
    merge.position_at = to.bind(r.rows.position).offset;
    merge.first_row = u32(first);
    merge.window = u32(r.params.window);
    to.push(merge);
    to.dispatch(r.layer.n_kv_heads * shape.tiles, n, 1, {"attention_merge", {}, n * row_bytes});
  }
}

}  // namespace

void lower(const AttentionRecord& r, Lowering& to) {
  if (r.q.rows == 0) return;
  check(r.layer.head_dim <= kMostHeadDim, "attention: heads of at most 512 columns");
  const Shape shape = shape_of(r);
  const std::int64_t n_segments = divide_up(r.rows.max_slots, kSegmentPages * kPageSlots);
  if (n_segments <= 1 && shape.rows == 1) in_one(r, shape, to);
  else in_segments(r, shape, n_segments, to);
}

}  // namespace foreword::gpu::vulkan
