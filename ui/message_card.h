#pragma once
// One message, laid out: its blocks, its height, and places in it. A streamed token lays out the end of the last block
// only. Coordinates are relative to the message's top left corner; the owner keeps the text.

#include <vector>

#include "ui/frame.h"
#include "ui/text/fences.h"
#include "ui/text/layout.h"

namespace foreword::ui {

/// A part of a message that is selected, as bytes of its text.
using text::Range;

class MessageCard {
 public:
  /// Brings the layout up to date with the message and the column's width (pixels). Cheap when nothing changed.
  void lay_out(Frame& frame, const MessageRow& message, float width);
  bool laid_out_for(const MessageRow& message, float width, float scale) const;
  float height() const { return height_; }
  /// A guess without laying out.
  static float estimate_height(const Frame& frame, const MessageRow& message, float width);

  /// `id` prefixes its items ("messages/7"). Sends Regenerate; copies to the clipboard.
  void draw(Frame& frame, const MessageRow& message, const std::string& id, Vec origin, Range selection, bool last);
  /// The caret place nearest to a point.
  std::size_t offset_at(Frame& frame, const MessageRow& message, Vec point);

 private:
  struct Placed {
    text::FencedPart block;
    text::Layout layout;
    float left = 0, top = 0;  // of its text
    float line_height = 0;
    text::Span span;  // all of the block
  };
  void place_blocks(Frame& frame, const MessageRow& message);
  void draw_block(Frame& frame, const MessageRow& message, const std::string& id, Placed& placed, Vec origin, Range selection);
  void draw_footer(Frame& frame, const MessageRow& message, const std::string& id, Vec origin, bool last);

  std::vector<Placed> blocks_;
  std::uint64_t revision_ = 0;
  std::size_t text_size_ = 0;
  MessageState state_ = MessageState::complete;
  float width_ = -1, scale_ = 0, height_ = 0;
  float bubble_left_ = 0, bubble_bottom_ = 0;  // of the user's words
};

}  // namespace foreword::ui
