#include "engine/kv/page_policy.h"

namespace foreword::engine {

PagePolicy close_everything(gpu::KvEncoding old) { return {old, 0, 0}; }

bool closes(const PagePolicy& policy, std::int64_t page, std::int64_t length) {
  const std::int64_t n_full = length / gpu::kPageSlots, n_pages = (length + gpu::kPageSlots - 1) / gpu::kPageSlots;
  return policy.closes_pages() && page >= policy.n_sinks && page < n_full && page < n_pages - policy.n_recent;
}

}  // namespace foreword::engine
