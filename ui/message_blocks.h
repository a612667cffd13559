#pragma once
// Parts a message into blocks: prose, and code between fences. A block is a range of the message's text, so a selection
// is a range too. Pure.

#include <string_view>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui {

struct Block {
  enum class Kind { prose, code };
  Kind kind = Kind::prose;
  text::Range range;         // what is shown; fences and the line end before them are not
  text::Range language;      // of code: the word after the fence
  bool operator==(const Block&) const = default;
};

/// At least one block for any text but the empty one. A fence that is still open goes to the end.
std::vector<Block> split_blocks(std::string_view text);

}  // namespace foreword::ui
