#pragma once
// When a page leaves the open pool, and how coarse it becomes: pure functions of counts, and the table of modes that a user
// chooses from. The cache obeys. docs/kv.md says why.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gpu/kv_format.h"

namespace foreword::engine {

/// Where a page lies, the number of its pool: a page only ever goes up in this order.
enum class PageStep : std::int32_t { open = 0, old = 1, coarse = 2 };

struct PagePolicy {
  gpu::KvEncoding old;         // of pages that closed; what has no scales (f16, f32) means that none ever closes
  std::int64_t n_sinks = 1;    // first pages that stay exact (attention sinks; Xiao et al. 2023)
  std::int64_t n_recent = 2;   // newest pages that stay exact, the one being filled included: 65 to 128 tokens
  std::optional<gpu::KvEncoding> coarse = {};  // one step further down; none: old pages stay what they are
  std::int64_t coarse_after = 0;               // tokens behind the end at which that step is taken; 0: only for want of memory

  bool closes_pages() const { return gpu::info(old.k).scaled || gpu::info(old.v).scaled; }
};

/// Every page as soon as it is full: for measuring.
PagePolicy close_everything(gpu::KvEncoding old);

/// What page `page` of a sequence of `length` accepted tokens is to be at least: open until it is full and neither a sink
/// nor recent.
PageStep step_of(const PagePolicy& policy, std::int64_t page, std::int64_t length);
/// Whether rows from position `length` on, which see `window` positions, themselves included, see nothing of the page.
/// window 0: they see all.
bool out_of_sight(std::int64_t window, std::int64_t page, std::int64_t length);

/// What a user chooses. `automatic` is the coarsest up to balanced that the model's self-test allows; exact before it.
enum class KvMode : std::uint8_t { automatic, exact, fast, balanced, roomy, memory };

struct KvModeRow {
  KvMode mode;
  std::string_view name;  // "balanced"
  PagePolicy policy;
};
/// All but automatic, each no finer than the one before it.
std::span<const KvModeRow> kv_modes();
const KvModeRow& row_of(KvMode mode);

/// The largest n such that lengths length .. length + n - 1 have the same pages closed.
std::int64_t steady_tokens(const PagePolicy& policy, std::int64_t length);

}  // namespace foreword::engine
