#pragma once
// What the beginning of a GGUF file says of it, for lists of many: some kilobytes are read, nothing is mapped, no tensor is looked at. Whether
// the file is whole only GgufFile::open() tells.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "engine/base/result.h"

namespace foreword::engine {

struct GgufGlance {
  std::uint64_t n_tensors = 0;  // of this file
  std::string architecture;     // general.architecture; empty: it does not stand at the beginning
  std::string type;             // general.type: "model", "adapter", "mmproj"; likewise
};

/// Of a regular file, or a link to one. `not_found`, `io`; `corrupt`: no GGUF; `unsupported`: another version, or no regular file.
Result<GgufGlance> glance_at(const std::filesystem::path& path);
/// The same of a file's first bytes, of which there are `bytes` or more in the file.
Result<GgufGlance> glance_at(std::span<const std::byte> bytes, const std::string& name);

}  // namespace foreword::engine
