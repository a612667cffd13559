#pragma once
// A growing message as blocks: when text is added, only what the last block can still become is parsed again (D61). The
// blocks equal those of the whole text at every length. One thread.

#include <string_view>
#include <vector>

#include "ui/text/document.h"

namespace foreword::ui::text {

class MarkdownStream {
 public:
  /// Blocks of `source`. `grown`: it begins with the source of the last call. Finished blocks keep their places.
  void update(std::string_view source, bool grown);

  const std::vector<Block>& blocks() const { return blocks_; }
  /// Blocks before this one are the same as before the last update.
  std::size_t first_changed() const { return first_changed_; }
  /// Bytes at the beginning of that block's text that are the same as before.
  std::size_t n_same_bytes() const { return n_same_bytes_; }
  /// Bytes given to the parser so far.
  std::size_t n_parsed_bytes() const { return n_parsed_bytes_; }

 private:
  /// False: links are defined, and everything must be parsed at once.
  bool parse_open(std::string_view source);

  std::vector<Block> blocks_;
  std::size_t open_begin_ = 0;  // byte of the source from which it is parsed again ...
  std::size_t open_index_ = 0;  // ... and the first block that comes from there
  bool whole_ = false;          // links are defined somewhere: all of it is parsed each time
  std::size_t first_changed_ = 0, n_same_bytes_ = 0;
  std::size_t n_parsed_bytes_ = 0;
};

}  // namespace foreword::ui::text
