#pragma once
// Attached files as chips: one a row, with the file's name and size.

#include <string_view>

#include "ui/frame.h"

namespace foreword::ui {

inline constexpr float kChipHeight = 30, kChipGap = 6;  // logical

/// "1,204 characters", "3.1 MB".
std::string_view text_size_words(Frame& frame, std::string_view text);
float chip_width(Frame& frame, std::string_view name, std::string_view size, bool removable);
/// `id`: of its item, which says name and size; with "/remove" that of its cross. Returns what was pressed.
enum class ChipPress : std::uint8_t { none, open, remove };
ChipPress draw_chip(Frame& frame, std::string_view id, std::string_view name, std::string_view size, Rect rect, bool removable);

}  // namespace foreword::ui
