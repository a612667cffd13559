#pragma once
// Where a text stands in another one, whatever the case of its letters. Pure.

#include <string_view>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

/// Appends the places of `needle` in `text`, in order, without overlaps. Letters match in both cases (one code point to
/// one code point); everything else as it is. An empty needle is nowhere.
void find_all(std::string_view text, std::string_view needle, std::vector<Range>& places);

}  // namespace foreword::ui::text
