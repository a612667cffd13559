#pragma once
// One message, laid out: its documents, its height, and places in it. A streamed token lays out the end of the last block
// only. Coordinates are relative to the message's top left corner; the owner keeps the text. Places count bytes of what is
// shown, not of the source: first those of the reasoning, if there is any, then those of the answer.

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/reasoning.h"
#include "ui/frame.h"
#include "ui/text/boxes.h"
#include "ui/text/markdown_stream.h"

namespace foreword::ui {

/// A part of a message that is selected, as places.
using text::Range;
inline constexpr std::size_t kMessageEnd = std::numeric_limits<std::size_t>::max();

enum class CopyAs : std::uint8_t { plain, markdown };

/// The selected part of a message. Reasoning is left out unless nothing else is selected; a whole answer as markdown is its
/// source.
std::string copy_message(const MessageRow& message, Range places, CopyAs as);

/// Appends the places where a text stands in what is said; not in reasoning, which is folded.
void find_in_message(const MessageRow& message, std::string_view needle, std::vector<Range>& places);

/// What is marked in a message, as places.
struct Marks {
  Range selection;
  std::span<const Range> found;  // by a search, in order
  Range found_here;              // one of them
};

class MessageCard {
 public:
  /// Brings the layout up to date with the message and the column's width (pixels). Cheap when nothing changed.
  void lay_out(Frame& frame, const MessageRow& message, float width);
  bool laid_out_for(const MessageRow& message, float width, float scale) const;
  float height() const { return height_; }
  /// A guess without laying out.
  static float estimate_height(const Frame& frame, const MessageRow& message, float width);

  /// Lays out what is between two heights; the height may change. Long messages are guessed where nobody looks. What grows
  /// and begins above `anchor` is told.
  text::Boxes::Moved prepare(Frame& frame, const MessageRow& message, float top, float bottom, float anchor);
  /// `id` prefixes its items ("messages/7"). Sends what its buttons ask for; copies to the clipboard. True: it was folded or unfolded.
  bool draw(Frame& frame, const MessageRow& message, std::string_view id, Vec origin, const Marks& marks, bool last);
  /// The caret place nearest to a point.
  std::size_t place_at(Frame& frame, Vec point);
  /// The word or the paragraph around a place.
  Range word_at(std::size_t place) const;
  Range paragraph_at(std::size_t place) const;
  /// The place beside one; nothing beyond the first and the last.
  std::optional<std::size_t> beside(std::size_t place, bool forwards, bool by_word) const;
  /// Where a caret would stand, and the height of its line.
  text::Boxes::Spot spot_of(Frame& frame, std::size_t place);
  std::size_t last_place() const { return answer_begin() + answer_.size(); }
  /// The wheel was turned sideways over a point; false: nothing there scrolls.
  bool scroll_sideways(Vec point, float dx);

  /// For tests: texts laid out anew, and texts of which the end was laid out.
  std::size_t n_fresh() const { return reasoning_.boxes.n_fresh() + answer_.boxes.n_fresh(); }
  std::size_t n_edited() const { return reasoning_.boxes.n_edited() + answer_.boxes.n_edited(); }

 private:
  static constexpr float kNameHeight = 26, kFooterHeight = 36;  // logical

  struct Part {
    text::MarkdownStream stream;
    std::vector<text::Block> plain;  // what the user says, instead of the stream
    bool user = false;
    text::Boxes boxes;
    Range source;   // of the message's text
    Vec top;        // of the document, within the message

    const std::vector<text::Block>& blocks() const { return user ? plain : stream.blocks(); }
    std::size_t size() const { return boxes.size(blocks()); }
  };
  struct FileRange {
    Range name, text;  // of the message's text
  };
  void place_parts(Frame& frame, const MessageRow& message);
  void update(Frame& frame, Part& part, std::string_view text, Range source, bool grown, const text::Sheet& sheet, float width);
  bool draw_reasoning(Frame& frame, const MessageRow& message, std::string_view id, Vec origin, Range selection);
  void draw_files(Frame& frame, const MessageRow& message, std::string_view id, Vec origin);
  float files_width(Frame& frame, const MessageRow& message) const;
  void draw_footer(Frame& frame, const MessageRow& message, std::string_view id, Vec origin, bool last);
  void draw_ending(Frame& frame, const MessageRow& message, Rect rect);
  /// The part of a place, and the place within it.
  std::pair<const Part*, std::size_t> part_of(std::size_t place) const;
  std::size_t answer_begin() const { return has_reasoning_ ? reasoning_.size() + 1 : 0; }
  Range block_range(std::size_t place, Range (*find)(std::string_view, std::size_t)) const;

  Part reasoning_, answer_;
  bool has_reasoning_ = false, thinking_ = false, unfolded_ = false;
  std::uint64_t revision_ = 0;
  std::size_t text_size_ = 0;
  MessageState state_ = MessageState::complete;
  float width_ = -1, scale_ = 0, height_ = 0;
  float bubble_left_ = 0, bubble_bottom_ = 0;  // of the user's words
  std::vector<FileRange> files_;               // that came with them
};

}  // namespace foreword::ui
