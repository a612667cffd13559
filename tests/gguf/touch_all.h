#pragma once
// Uses everything that a reader offers, so that sanitizers see each access. Shared with the fuzz target.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/gguf/gguf.h"

namespace foreword::test {

/// Returns a number that depends on all that was read, so that no compiler leaves it out.
inline std::uint64_t touch_all(const engine::GgufFile& file) {
  std::uint64_t sum = file.version() + file.total_bytes() + file.name().size();
  for (const auto& [key, value] : file.metadata().all()) {
    sum += key.size() + value.value.index();
    const engine::Metadata& metadata = file.metadata();
    const auto count = [&](const auto& result) { sum += result ? 1 : result.error().message.size(); };
    count(metadata.integer(key));
    count(metadata.real(key));
    count(metadata.boolean(key));
    count(metadata.string(key));
    count(metadata.integers(key));
    count(metadata.require_integer(key));
    count(metadata.require_real(key));
    count(metadata.require_string(key));
    count(metadata.reals(key));
    count(metadata.integer_array(key));
    const auto strings = metadata.strings(key);
    count(strings);
    if (strings && *strings != nullptr) {
      for (const std::string& text : **strings) sum += text.size();
    }
  }
  for (const engine::TensorInfo& tensor : file.tensors()) {
    const std::span<const std::byte> data = file.data(tensor);
    sum += static_cast<std::uint64_t>(tensor.n_values()) + (file.find(tensor.name) == &tensor ? 1 : 0);
    sum += static_cast<std::uint64_t>(data.front()) + static_cast<std::uint64_t>(data.back());
    const gpu::FormatInfo& row = gpu::info(tensor.format);
    if (row.decode == nullptr) continue;
    const std::int64_t n_blocks = std::min<std::int64_t>(4, static_cast<std::int64_t>(data.size()) / row.block_bytes);
    std::vector<float> values(static_cast<std::size_t>(n_blocks * row.block_length));
    row.decode(data.data(), n_blocks, values.data());
    sum += values.empty() || values[0] != values[0] ? 0 : 1;
  }
  return sum;
}

}  // namespace foreword::test
