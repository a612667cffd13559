#include "engine/kv/prefix_key.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "gpu/kv_format.h"

namespace foreword::engine {

PrefixId mix(const PrefixId& id, std::span<const std::byte> bytes) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, id.bytes.data(), id.bytes.size());
  XXH3_128bits_update(&state, bytes.data(), bytes.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
  PrefixId mixed;
  std::ranges::copy(std::as_bytes(std::span(canonical.digest)), mixed.bytes.begin());
  return mixed;
}

PrefixId page_id(const PrefixId& parent, std::span<const std::int32_t> tokens) { return mix(parent, std::as_bytes(tokens)); }

std::vector<PrefixId> page_ids(const PrefixId& root, std::span<const std::int32_t> tokens) {
  std::vector<PrefixId> ids;
  for (std::size_t first = 0; first < tokens.size(); first += gpu::kPageSlots) {
    const auto n = std::min(tokens.size() - first, static_cast<std::size_t>(gpu::kPageSlots));
    ids.push_back(page_id(ids.empty() ? root : ids.back(), tokens.subspan(first, n)));
  }
  return ids;
}

std::uint64_t checksum(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace foreword::engine
