#include "engine/kv/page_policy.h"

#include <limits>

namespace foreword::engine {

PagePolicy close_everything(gpu::KvEncoding old) { return {old, 0, 0}; }

bool closes(const PagePolicy& policy, std::int64_t page, std::int64_t length) {
  const std::int64_t n_full = length / gpu::kPageSlots, n_pages = (length + gpu::kPageSlots - 1) / gpu::kPageSlots;
  return policy.closes_pages() && page >= policy.n_sinks && page < n_full && page < n_pages - policy.n_recent;
}

std::int64_t steady_tokens(const PagePolicy& policy, std::int64_t length) {
  if (!policy.closes_pages()) return std::numeric_limits<std::int64_t>::max();
  const auto n_closed = [&](std::int64_t at) {
    std::int64_t n = 0;
    for (std::int64_t page = 0; page * gpu::kPageSlots < at; ++page) n += closes(policy, page, at) ? 1 : 0;
    return n;
  };
  // Pages close when a length passes a multiple of 64, or reaches one.
  const std::int64_t next = length - length % gpu::kPageSlots + gpu::kPageSlots;
  const std::int64_t now = n_closed(length);
  std::int64_t last = length;
  while (last < next && n_closed(last + 1) == now) ++last;
  return last - length + 1;
}

}  // namespace foreword::engine
