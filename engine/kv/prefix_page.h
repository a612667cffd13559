#pragma once
// A page's bytes as they are stored: a header of 64 bytes and KvCache::read_page()'s bytes. What comes back is not trusted.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/kv/kv_cache.h"
#include "engine/kv/prefix_store.h"

namespace foreword::engine {

/// n tokens of a block. Nothing may be pending on the backend. An error of the device.
Result<std::vector<std::byte>> pack_page(KvCache& cache, std::int32_t block, const PrefixId& id, std::int64_t n);

struct UnpackedPage {
  gpu::KvEncoding encoding;
  std::span<const std::byte> bytes;  // of the stored page, for KvCache::append_page()
};
/// Nothing if the page is not `id` with these tokens, does not fit the cache, or is damaged.
std::optional<UnpackedPage> unpack_page(const KvCache& cache, const StoredPage& page, const PrefixId& id,
                                        std::span<const std::int32_t> tokens);

}  // namespace foreword::engine
