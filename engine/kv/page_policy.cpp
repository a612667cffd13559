#include "engine/kv/page_policy.h"

#include <algorithm>
#include <limits>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

using gpu::KvEncoding, gpu::KvFormat;

constexpr KvEncoding kF16{KvFormat::f16, KvFormat::f16}, kQ8{KvFormat::q8, KvFormat::q8}, kK8V4{KvFormat::q8, KvFormat::q4h},
    kQ4{KvFormat::q4h, KvFormat::q4h}, kQ2{KvFormat::q2h, KvFormat::q2h};

constexpr KvModeRow kModes[] = {
    {KvMode::exact, "exact", {.old = kF16}},
    {KvMode::fast, "fast", {.old = kQ8, .coarse = kQ4}},
    {KvMode::balanced, "balanced", {.old = kK8V4, .coarse = kQ4}},
    {KvMode::roomy, "long", {.old = kQ4, .coarse = kQ2}},
    {KvMode::memory, "memory", {.old = kQ4, .coarse = kQ2, .coarse_after = 8192}},
};

}  // namespace

PagePolicy close_everything(KvEncoding old) { return {.old = old, .n_sinks = 0, .n_recent = 0}; }

PageStep step_of(const PagePolicy& policy, std::int64_t page, std::int64_t length) {
  const std::int64_t n_full = length / gpu::kPageSlots, n_pages = (length + gpu::kPageSlots - 1) / gpu::kPageSlots;
  const bool old = policy.closes_pages() && page >= policy.n_sinks && page < n_full && page < n_pages - policy.n_recent;
  if (!old) return PageStep::open;
  const std::int64_t behind = length - (page + 1) * gpu::kPageSlots;
  return policy.coarse && policy.coarse_after > 0 && behind >= policy.coarse_after ? PageStep::coarse : PageStep::old;
}

std::int64_t steady_tokens(const PagePolicy& policy, std::int64_t length) {
  if (!policy.closes_pages()) return std::numeric_limits<std::int64_t>::max();
  const auto n_steps = [&](std::int64_t at) {
    std::int64_t n = 0;
    for (std::int64_t page = 0; page * gpu::kPageSlots < at; ++page) n += static_cast<std::int64_t>(step_of(policy, page, at));
    return n;
  };
  // Pages take a step when a length passes a multiple of 64, or reaches one.
  const std::int64_t next = length - length % gpu::kPageSlots + gpu::kPageSlots;
  const std::int64_t now = n_steps(length);
  std::int64_t last = length;
  while (last < next && n_steps(last + 1) == now) ++last;
  return last - length + 1;
}

bool out_of_sight(std::int64_t window, std::int64_t page, std::int64_t length) {
  return window > 0 && (page + 1) * gpu::kPageSlots <= length - window + 1;
}

std::span<const KvModeRow> kv_modes() { return kModes; }

const KvModeRow& row_of(KvMode mode) {
  const auto row = std::ranges::find(kModes, mode, &KvModeRow::mode);
  check(row != std::end(kModes), "a mode of the KV cache with a row");
  return *row;
}

}  // namespace foreword::engine
