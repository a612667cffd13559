#include "ui/text/markdown_stream.h"

#include <algorithm>
#include <iterator>

#include "ui/text/markdown.h"

namespace foreword::ui::text {
namespace {

// Long sources are parsed in portions, so that what costs too much to parse spoils no more than its portion.
constexpr std::size_t kPortion = 64 << 10;
// A single block of more is shown as it was written, and links that are defined in a text of more reach its portion only.
constexpr std::size_t kLargest = 384 << 10;

}  // namespace

void MarkdownStream::update(std::string_view source, bool grown) {
  if (!grown || (whole_ && source.size() > kLargest)) open_begin_ = open_index_ = 0, whole_ = false;
  std::vector<Block> before(std::make_move_iterator(blocks_.begin() + static_cast<std::ptrdiff_t>(open_index_)), std::make_move_iterator(blocks_.end()));
  blocks_.resize(open_index_);
  std::size_t first = open_index_;
  if (!parse_open(source)) {
    before.insert(before.begin(), std::make_move_iterator(blocks_.begin()), std::make_move_iterator(blocks_.begin() + static_cast<std::ptrdiff_t>(first)));
    blocks_.clear();
    open_begin_ = open_index_ = first = 0;
    whole_ = true;
    parse_open(source);
  }
  std::size_t same = 0;
  while (same < before.size() && first + same < blocks_.size() && before[same] == blocks_[first + same]) ++same;
  first_changed_ = first + same;
  n_same_bytes_ = 0;
  if (same == before.size() || first_changed_ == blocks_.size() || before[same].kind != blocks_[first_changed_].kind) return;
  const std::string &old_text = before[same].text, &new_text = blocks_[first_changed_].text;
  const auto n = static_cast<std::ptrdiff_t>(std::min(old_text.size(), new_text.size()));
  n_same_bytes_ = static_cast<std::size_t>(std::mismatch(old_text.begin(), old_text.begin() + n, new_text.begin()).first - old_text.begin());
}

bool MarkdownStream::parse_open(std::string_view source) {
  for (std::size_t size = whole_ ? kLargest : kPortion;;) {
    std::string_view rest = source.substr(open_begin_);
    const bool all = rest.size() <= size;
    if (!all && size >= kLargest) {
      for (Block& block : parse_plain(rest)) blocks_.push_back(std::move(block));
      return true;
    }
    if (!all) rest = rest.substr(0, size);
    Markdown part = parse_markdown(rest);
    n_parsed_bytes_ += rest.size();
    if (part.defines_links && !whole_ && source.size() <= kLargest) return false;
    if (!all && part.last_begin == 0) {
      size = std::min(2 * size, kLargest);
      continue;
    }
    const std::size_t n_kept = all ? part.blocks.size() : part.last_index, n_before = blocks_.size();
    std::move(part.blocks.begin(), part.blocks.begin() + static_cast<std::ptrdiff_t>(n_kept), std::back_inserter(blocks_));
    if (!whole_) {
      open_begin_ += part.last_begin;
      open_index_ = n_before + part.last_index;
    }
    if (all) return true;
    size = kPortion;
  }
}

}  // namespace foreword::ui::text
