#pragma once
// Names of stored pages: a chain of 128-bit hashes (XXH3), each of the one before and of the tokens of a page. The first
// one, the root, stands for everything else that keys and values depend on. Tokens are stored and compared, so two texts with
// the same hash cost time, never a wrong answer.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace foreword::engine {

struct PrefixId {
  std::array<std::byte, 16> bytes{};
  auto operator<=>(const PrefixId&) const = default;
};

/// The hash of an id and of bytes that follow it.
PrefixId mix(const PrefixId& id, std::span<const std::byte> bytes);
/// The id of a page of 1 to 64 tokens behind that of the page before it.
PrefixId page_id(const PrefixId& parent, std::span<const std::int32_t> tokens);
/// The ids of all pages of a text, the last of which need not be full.
std::vector<PrefixId> page_ids(const PrefixId& root, std::span<const std::int32_t> tokens);
/// XXH3, 64 bits.
std::uint64_t checksum(std::span<const std::byte> bytes);

}  // namespace foreword::engine
