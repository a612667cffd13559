// Products of experts, their choice and their sum.

#include <algorithm>

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"
#include "gpu/vulkan/products.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::int64_t kFewRows = 16;  // of the result, for which sorting them by expert does not pay
constexpr std::int64_t kMostExperts = 1024;  // of a choice (route.comp)

}  // namespace

void lower(const LinearExpertsRecord& r, Lowering& to) {
  struct Tail {
    std::uint32_t chosen, expert_rows, bias_stride, scale_stride, rows_per_id;
  };
  struct RowsPush {
    PartPush part;
    InputPush x;
    std::uint32_t scale_at, ids_at, ids_stride;
    Tail tail;
  };
  struct TilesPush {
    PartPush part;
    InputPush x;
    std::uint32_t scale_at, lists_at, n_experts;
    Tail tail;
  };
  struct CollectPush {
    View ids;
    std::uint32_t chosen, n_rows, lists_at, n_experts;
  };
  const WeightMatrix& w = r.weight;
  const std::int64_t rows = r.out.rows, chosen = r.experts.cols;
  if (rows == 0) return;
  const bool few = rows <= kFewRows, codes = by_codes(w, to.features());
  Range lists;
  if (!few) {
    lists = to.scratch(static_cast<std::uint64_t>(w.n_experts + 1 + rows) * 4);
    to.use(ShaderId::experts_collect, {});
    const View ids = to.bind(r.experts), at = to.bind(lists, 4);
    to.push(CollectPush{ids, u32(chosen), u32(rows), at.offset, u32(w.n_experts)});
    to.dispatch(1, 1, 1, {"collect", {}, 4 * rows});
  }
  const std::int64_t n_read = std::min(w.n_experts, rows);
  const OpCost cost{"linear_experts", info(w.format).name, n_read * w.rows * row_bytes(w.format, w.cols), 2 * w.rows * w.cols * rows};
  for (const WeightWindow& window : to.windows(w, kFileLayout)) {
    if (few) to.use(codes ? ShaderId::product_codes_experts : ShaderId::product_rows_experts, {in_fours(r.x, w), id_of(w.format), 1});
    else to.use(codes ? ShaderId::product_code_tiles_experts : ShaderId::product_tiles_experts, {in_fours(r.x, w), id_of(w.format)});
    to.bind(to.constant_table("codebooks", codebook_words()), 4);
    const InputPush x{u32(w.cols), to.bind(r.x), u32(r.x.rows)};
    const PartPush part = bind_part(w, window, r.bias, r.out, to);
    const std::uint32_t scale_at = place_of(w.scale, to.bind(w.scale));
    const Tail tail{u32(chosen), u32(w.rows), u32(r.bias.stride), w.scale && w.scale.cols > 1 ? 1U : 0U, r.x.rows == r.experts.rows ? u32(chosen) : 1};
    if (few) {
      const View ids = to.bind(r.experts);
      to.push(RowsPush{part, x, scale_at, ids.offset, ids.stride, tail});
      to.dispatch(divide_up(w.rows, kGroupRows), rows, 1, cost);
    } else {
      const View at = to.bind(lists, 4);
      to.push(TilesPush{part, x, scale_at, at.offset, u32(w.n_experts), tail});
      to.dispatch(divide_up(w.rows, kTileRows), divide_up(rows, kTileRows), w.n_experts, cost);
    }
  }
}

void lower(const RouteRecord& r, Lowering& to) {
  struct Push {
    View logits, experts, weights;
    std::uint32_t n_experts, chosen, routing;
  } push;
  check(r.logits.cols <= kMostExperts, "route: at most 1024 experts");
  to.use(ShaderId::route, {});
  push.logits = to.bind(r.logits);
  push.experts = to.bind(r.experts);
  push.weights = to.bind(r.weights);
  push.n_experts = u32(r.logits.cols);
  push.chosen = u32(r.weights.cols);
  push.routing = static_cast<std::uint32_t>(r.routing);
  to.push(push);
  to.dispatch(r.logits.rows, 1, 1, {"route", {}, value_bytes(r.logits) + 2 * value_bytes(r.weights)});
}

void lower(const CombineExpertsRecord& r, Lowering& to) {
  struct Push {
    View y, weights, out;
    std::uint32_t cols, chosen;
  } push;
  constexpr std::int64_t kGroup = 256;
  to.use(ShaderId::combine_experts, {});
  push.y = to.bind(r.y);
  push.weights = to.bind(r.weights);
  push.out = to.bind(r.out);
  push.cols = u32(r.out.cols);
  push.chosen = u32(r.weights.cols);
  to.push(push);
  to.dispatch(divide_up(r.out.cols, kGroup), r.out.rows, 1, {"combine_experts", {}, value_bytes(r.y) + value_bytes(r.out)});
}

}  // namespace foreword::gpu::vulkan
