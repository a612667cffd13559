#pragma once
// Markdown to blocks, by md4c: CommonMark with tables, task lists, strikethrough and plain links (D61). HTML is text, images
// are links, TeX is shown as code in its source (D67). Pure.

#include <string_view>
#include <vector>

#include "ui/text/document.h"

namespace foreword::ui::text {

struct Markdown {
  std::vector<Block> blocks;
  std::size_t last_begin = 0;    // byte of the source where the last top-level block surely begins, whatever follows; or 0
  std::size_t last_index = 0;    // its first block
  bool defines_links = false;    // which reaches everything, before it too
};

/// Any bytes. What would cost too much is one paragraph of the source as it is.
Markdown parse_markdown(std::string_view source);

/// Text as it was written, parted into paragraphs and fenced code only: what the user says.
std::vector<Block> parse_plain(std::string_view source);

}  // namespace foreword::ui::text
