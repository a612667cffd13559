// The choice of experts, by itself or with the router's product and the norm before it.

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"
#include "gpu/vulkan/products.h"

namespace foreword::gpu::vulkan {
namespace {

static_assert(Backend::kMostExperts <= 1024);  // what route.glsl has room for

void choose(const RouteRecord& r, Lowering& to) {
  struct Push {
    View logits, experts, weights;
    std::uint32_t n_experts, chosen, routing;
  } push;
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

// False: the router does not fit one binding.
bool multiply_and_choose(const RouteRecord& r, Lowering& to) {
  struct Push {
    std::uint32_t weights_at, row_bytes, n_experts;
    InputPush x;
    std::uint32_t bias_at, norm_weight_at, norm_bias_at;
    View norm_out, logits, experts, weights;
    std::uint32_t chosen, routing;
    float eps;
  } push;
  const WeightMatrix& w = r.router.weight;
  const auto windows = to.windows(w);
  if (windows.size() != 1) return false;
  const bool normed = bool(r.norm.x);
  const Tensor& x = normed ? r.norm.x : r.x;
  to.use(ShaderId::router, {in_fours(x, w), format_id(w), normed ? 1U : 0U, norm_lanes(w.cols), r.norm.centre ? 1U : 0U, norm_at_once(w.cols)});
  to.bind(to.constant_table("codebooks", codebook_words()), 4);
  push.x = {u32(w.cols), to.bind(x), u32(x.rows)};
  push.weights_at = to.bind(windows.front().range, 1).offset;
  push.row_bytes = u32(row_bytes(w.format, w.cols));
  push.n_experts = u32(w.rows);
  push.bias_at = place_of(r.router.bias, to.bind(r.router.bias));
  push.norm_weight_at = to.bind(r.norm.weight).offset;
  push.norm_bias_at = place_of(r.norm.bias, to.bind(r.norm.bias));
  push.norm_out = to.bind(normed ? r.norm.out : r.logits);
  push.logits = to.bind(r.logits);
  push.experts = to.bind(r.experts);
  push.weights = to.bind(r.weights);
  push.chosen = u32(r.weights.cols);
  push.routing = static_cast<std::uint32_t>(r.routing);
  push.eps = r.norm.eps;
  to.push(push);
  const std::int64_t bytes = w.rows * row_bytes(w.format, w.cols) + 2 * value_bytes(x) + value_bytes(r.logits);
  to.dispatch(x.rows, 1, 1, {"route", info(w.format).name, bytes, 2 * w.rows * w.cols * x.rows});
  return true;
}

}  // namespace

void lower(const RouteRecord& r, Lowering& to) {
  if (!r.x) return choose(r, to);
  if (multiply_and_choose(r, to)) return;
  if (r.norm.x) lower(r.norm, to);
  LinearRecord router;
  router.x = r.x;
  router.parts[0] = r.router;
  lower(router, to);
  choose(r, to);
}

}  // namespace foreword::gpu::vulkan
