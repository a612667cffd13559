#pragma once
// When a page leaves the open pool. Pure functions of counts; the cache obeys. docs/kv.md says why.

#include <cstdint>

#include "gpu/kv_format.h"

namespace foreword::engine {

struct PagePolicy {
  gpu::KvEncoding old;         // of pages that closed; what has no scales (f16, f32) means that none ever closes
  std::int64_t n_sinks = 1;    // first pages that stay exact (attention sinks; Xiao et al. 2023)
  std::int64_t n_recent = 2;   // newest pages that stay exact, the one being filled included: 65 to 128 tokens

  bool closes_pages() const { return gpu::info(old.k).scaled || gpu::info(old.v).scaled; }
};

/// Every page as soon as it is full: for measuring.
PagePolicy close_everything(gpu::KvEncoding old);

/// Whether page `page` of a sequence of `length` accepted tokens is old: it is full, and neither a sink nor recent.
bool closes(const PagePolicy& policy, std::int64_t page, std::int64_t length);

/// The largest n such that lengths length .. length + n - 1 have the same pages closed.
std::int64_t steady_tokens(const PagePolicy& policy, std::int64_t length);

}  // namespace foreword::engine
