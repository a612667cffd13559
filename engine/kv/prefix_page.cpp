#include "engine/kv/prefix_page.h"

#include <algorithm>
#include <cstring>

namespace foreword::engine {
namespace {

// Little endian, as all machines are that we run on.
struct Header {
  char magic[4] = {'F', 'W', 'K', 'V'};
  std::uint16_t version = 1;
  std::uint8_t k = 0, v = 0;  // KvFormat
  std::uint16_t n_layers = 0, n_kv_heads = 0, k_dim = 0, v_dim = 0, n_tokens = 0, flags = 0;
  std::uint32_t reserved = 0;
  std::uint64_t payload_bytes = 0;
  PrefixId id;
  std::uint64_t payload_checksum = 0;
  std::uint64_t header_checksum = 0;  // of all before it
};
static_assert(sizeof(Header) == 64 && offsetof(Header, id) == 32 && offsetof(Header, header_checksum) == 56);

Header header_of(const KvShape& shape, gpu::KvEncoding encoding, const PrefixId& id, std::int64_t n, std::span<const std::byte> payload) {
  Header header;
  header.k = static_cast<std::uint8_t>(encoding.k);
  header.v = static_cast<std::uint8_t>(encoding.v);
  header.n_layers = static_cast<std::uint16_t>(shape.n_layers);
  header.n_kv_heads = static_cast<std::uint16_t>(shape.n_kv_heads);
  header.k_dim = header.v_dim = static_cast<std::uint16_t>(shape.head_dim);
  header.n_tokens = static_cast<std::uint16_t>(n);
  header.payload_bytes = payload.size();
  header.id = id;
  header.payload_checksum = checksum(payload);
  header.header_checksum = checksum(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, header_checksum)));
  return header;
}

}  // namespace

Result<std::vector<std::byte>> pack_page(KvCache& cache, std::int32_t block, const PrefixId& id, std::int64_t n) {
  const gpu::KvEncoding encoding = cache.encoding_of(block);
  std::vector<std::byte> bytes(sizeof(Header) + static_cast<std::size_t>(cache.page_bytes(encoding, n)));
  const std::span<std::byte> payload = std::span(bytes).subspan(sizeof(Header));
  FW_TRY(cache.read_page(block, n, payload));
  const Header header = header_of(cache.shape(), encoding, id, n, payload);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::optional<UnpackedPage> unpack_page(const KvCache& cache, const StoredPage& page, const PrefixId& id,
                                        std::span<const std::int32_t> tokens) {
  if (page.id != id || !std::ranges::equal(page.tokens, tokens) || page.bytes.size() < sizeof(Header)) return std::nullopt;
  const std::span<const std::byte> payload = std::span(page.bytes).subspan(sizeof(Header));
  const auto k = std::to_integer<std::uint8_t>(page.bytes[offsetof(Header, k)]), v = std::to_integer<std::uint8_t>(page.bytes[offsetof(Header, v)]);
  if (std::max(k, v) >= gpu::kv_formats().size()) return std::nullopt;
  // The header has to be, byte for byte, what such a page would have been given.
  const gpu::KvEncoding encoding{static_cast<gpu::KvFormat>(k), static_cast<gpu::KvFormat>(v)};
  const Header expected = header_of(cache.shape(), encoding, id, std::ssize(tokens), payload);
  if (std::memcmp(page.bytes.data(), &expected, sizeof expected) != 0) return std::nullopt;
  return UnpackedPage{encoding, payload};
}

}  // namespace foreword::engine
