#pragma once
// A selected part of a document as text to be pasted elsewhere. Places are those of Boxes: bytes of the blocks' texts with
// one place between two blocks. Pure.

#include <string>
#include <vector>

#include "ui/text/document.h"

namespace foreword::ui::text {

/// As it reads: list markers and indents, tables with tabs.
std::string copy_plain(const std::vector<Block>& blocks, Range places);
/// As markdown that means the same: marks are closed where the selection ends.
std::string copy_markdown(const std::vector<Block>& blocks, Range places);

}  // namespace foreword::ui::text
