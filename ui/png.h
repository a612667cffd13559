#pragma once
// Pictures of the window as files.

#include <cstdint>
#include <filesystem>
#include <span>

#include "engine/base/result.h"
#include "ui/raster.h"

namespace foreword::ui {

/// `rgb`: width * height * 3 bytes, rows from top to bottom. Errors: io.
Result<void> write_png(const std::filesystem::path& path, int width, int height, std::span<const std::uint8_t> rgb);

/// The same back; any picture is read as RGB. Errors: io.
Result<Picture> read_png(const std::filesystem::path& path);

}  // namespace foreword::ui
