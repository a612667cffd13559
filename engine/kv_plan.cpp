#include "engine/kv_plan.h"

#include <algorithm>

#include "engine/gguf/fingerprint.h"
#include "engine/self_test.h"

namespace foreword::engine {

KvPlan plan_kv(const GgufFile& file, const Config& config, const ModelOptions& options) {
  KvPlan plan;
  plan.quality.most_kl = most_kv_cost(file);
  if (options.kv_book) {
    plan.fingerprint = fingerprint(file);
    plan.quality.costs = options.kv_book->find(plan.fingerprint);
  }
  plan.choice = choose_kv(options.kv, plan.quality);
  plan.shape = kv_shape_for(config, plan.choice, options.kv_every_page);
  return plan;
}

KvShape kv_shape_for(const Config& config, KvChoice& choice, bool every_page) {
  KvShape shape{config.n_layers, config.n_kv_heads, config.head_dim, gpu::DType::f16};
  if (choice.policy.old.k == gpu::KvFormat::f32) shape.dtype = gpu::DType::f32;
  shape.window = std::ranges::find(config.is_local, true) != config.is_local.end() ? config.window : 0;
  shape.windowed = config.is_local;
  if (choice.policy.closes_pages() && gpu::kv_group(config.head_dim) == 0) {
    choice.policy = row_of(KvMode::exact).policy;
    if (choice.mode) choice.mode = KvMode::exact;
    choice.warning = "Heads of " + std::to_string(config.head_dim) + " columns cannot be stored in few bits; the KV cache stays exact.";
  }
  shape.policy = every_page ? close_everything(choice.policy.old) : choice.policy;
  return shape;
}

}  // namespace foreword::engine
