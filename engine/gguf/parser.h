#pragma once
// One GGUF file's bytes, checked and taken apart. Private to engine/gguf.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"

namespace foreword::engine {

inline constexpr char kGgufMagic[4] = {'G', 'G', 'U', 'F'};

/// Type ids of metadata values.
enum class MetaType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
inline constexpr std::uint32_t kMetaTypes = 13;

struct GgufPart {
  std::uint32_t version = 0;
  Metadata metadata;
  std::vector<RawEntry> raw_metadata;  // the same, as views of the file's bytes
  std::vector<TensorInfo> tensors;  // part = 0; all within the file, none overlapping
};

/// `name` stands in the sentences. `corrupt` or `unsupported`. Takes time and memory in proportion to the header.
Result<GgufPart> parse_part(std::span<const std::byte> bytes, std::string_view name);

}  // namespace foreword::engine
