#pragma once
// The conversation: thousands of messages, of which only the visible ones are laid out (the others' heights are guesses
// that are corrected without a jump), selection across messages, and following the end only while the reader is there.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ui/message_card.h"
#include "ui/message_finder.h"

namespace foreword::ui {

class MessageView {
 public:
  void draw(Frame& frame, Rect area);
  /// Follow the end again (after sending).
  void go_to_end() { following_ = true, selecting_ = false; }
  bool following() const { return following_; }
  /// The selected text, messages parted by an empty line.
  std::string selected_text(const ViewState& state, CopyAs as) const;
  /// Marks where a text stands, and shows the first place from here on; empty: nothing.
  void look_for(std::string_view query);
  /// The same, and goes to the message with this id, and there to the first place from it on.
  void look_from(std::int64_t message, std::string_view query);
  /// Goes to the place found after or before this one.
  void show_match(bool forwards);
  const MessageFinder& finder() const { return finder_; }
  bool finder_done() const { return finder_done_; }
  /// Null: not laid out. For tests.
  const MessageCard* card(std::size_t message) const { return message < entries_.size() && entries_[message].exact ? &entries_[message].card : nullptr; }

 private:
  static constexpr std::string_view kId = "messages";

  struct Entry {
    std::int64_t id = 0;
    MessageCard card;
    float height = 0;  // exact once laid out, with the lead above and the gap below
    float lead = 0;    // room of the cut line
    bool exact = false;
  };
  struct Place {
    std::size_t message = 0, offset = 0;
    auto operator<=>(const Place&) const = default;
  };

  void sync(Frame& frame, float width);
  void lay_out(Frame& frame, std::size_t i);
  void update_tops(std::size_t from);
  float card_top(std::size_t i) const { return tops_[i] + entries_[i].lead; }
  float cut_lead(const Frame& frame, std::size_t i) const;
  void draw_cut_line(Frame& frame, Rect rect);
  void settle(Frame& frame, float view_height, float moved);
  bool prepare_visible(Frame& frame, float view_height, float moved);
  float scroll() const;
  void set_scroll(float scroll, float view_height);
  void handle_input(Frame& frame, Rect area, float& moved);
  void handle_key(Frame& frame, const KeyPress& press, Rect area, float& moved);
  void show_sibling(Frame& frame, int step);
  void handle_wheel(Frame& frame, const Wheel& wheel, float& moved);
  void handle_press(Frame& frame, const MouseButton& button);
  void select_all(const ViewState& state);
  bool extend_selection(Frame& frame, const KeyPress& press, Rect area, float& moved);
  void scroll_while_dragging(Frame& frame, Rect area, float& moved);
  Place place_at(Frame& frame, Vec point);
  Range selection_in(std::size_t message) const;
  void find(Frame& frame, Rect view);
  void show_place(Frame& frame, Place place, Rect view);
  Marks marks_of(std::size_t message) const;
  bool at_end(const Frame& frame, float view_height) const;
  void see_all(const std::vector<MessageRow>& messages);
  void draw_end_button(Frame& frame, Rect area);

  std::int64_t chat_ = -1;
  std::vector<Entry> entries_;
  std::vector<float> tops_;       // prefix sums of the heights; one more than entries
  float width_ = 0, scale_ = 0;
  Rect column_;                   // where messages stand, in pixels of the window; its top is scrolled
  std::size_t anchor_ = 0;        // the message at the top of the view ...
  float anchor_offset_ = 0;       // ... and how much of it is above
  bool following_ = true;
  bool selecting_ = false;        // a selection exists
  Place from_, to_;
  Range clicked_;                 // what a double or triple click took; a drag keeps it
  double last_click_ = -1;
  Vec last_click_at_;
  int n_clicks_ = 0;
  MessageFinder finder_;
  bool finder_done_ = true, match_shown_ = true;
  std::int64_t from_message_ = 0;  // where the first match is wanted; 0: where the reader is
  std::size_t seen_messages_ = 0, seen_bytes_ = 0;  // how much there was when the reader last saw the end
};

}  // namespace foreword::ui
