// Any bytes as an answer's markdown: read piece by piece as it comes, the blocks are those of the whole; their runs and
// cells lie within their texts. Input: byte 0 says how long the pieces are.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ui/text/markdown.h"
#include "ui/text/markdown_stream.h"

namespace {

using namespace foreword::ui::text;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const std::vector<Block>& blocks) {
  for (const Block& block : blocks) {
    std::size_t end = 0;
    for (const InlineRun& run : block.runs) {
      require(run.end >= end && run.end <= block.text.size());
      require((run.marks & kLink) == 0 || run.link < block.links.size());
      end = run.end;
    }
    for (const Range& cell : block.cells) require(cell.begin <= cell.end && cell.end <= block.text.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 1 << 14) return 0;
  const std::string_view source(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0] % 64;
  MarkdownStream stream;
  for (std::size_t n = 0; n < source.size();) {
    const bool grown = n > 0;
    n = std::min(n + piece, source.size());
    stream.update(source.substr(0, n), grown);
  }
  MarkdownStream whole;
  whole.update(source, false);
  check(whole.blocks());
  require(source.empty() || stream.blocks() == whole.blocks());
  check(parse_plain(source));
  return 0;
}
