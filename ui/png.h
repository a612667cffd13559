#pragma once
// Writes a picture of the window.

#include <cstdint>
#include <filesystem>
#include <span>

#include "engine/base/result.h"

namespace foreword::ui {

/// `rgb`: width * height * 3 bytes, rows from top to bottom. Errors: io.
Result<void> write_png(const std::filesystem::path& path, int width, int height, std::span<const std::uint8_t> rgb);

}  // namespace foreword::ui
