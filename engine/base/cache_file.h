#pragma once
// Files that may be lost but never half written: measurements, compiled pipelines.

#include <filesystem>
#include <string_view>

namespace foreword {

/// Takes the place of `file` when it is written whole; makes its folder. Whoever else writes it meanwhile, in this program or another, the
/// last one's stays. Where it cannot be written, what was there stays, and nobody is told. Any thread.
void write_cache_file(const std::filesystem::path& file, std::string_view bytes);

}  // namespace foreword
