#include "ui/png.h"

#include <png.h>

#include "engine/base/check.h"

namespace foreword::ui {

Result<void> write_png(const std::filesystem::path& path, int width, int height, std::span<const std::uint8_t> rgb) {
  check(width > 0 && height > 0 && rgb.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3,
        "a picture's bytes match its size");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), 0, rgb.data(), 0, nullptr) == 0) {
    return Error{ErrorCode::io, path.string() + " cannot be written: " + image.message + "."};
  }
  return {};
}

Result<Picture> read_png(const std::filesystem::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto failed = [&] { return Error{ErrorCode::io, path.string() + " cannot be read: " + image.message + "."}; };
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) return failed();
  image.format = PNG_FORMAT_RGB;
  Picture picture{static_cast<int>(image.width), static_cast<int>(image.height), std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  if (png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr) == 0) return failed();
  return picture;
}

}  // namespace foreword::ui
