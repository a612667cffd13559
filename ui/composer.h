#pragma once
// Where the user writes. Enter sends, Shift+Enter starts a line; it grows with its text to a share of the window. Text
// files come with the message as chips; Up in the empty composer brings back what was sent.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ui/attachments.h"
#include "ui/suggester.h"
#include "ui/text_field.h"

namespace foreword::ui {

class Composer {
 public:
  static constexpr const char* kFieldId = "composer/text";
  static constexpr std::size_t kLongPaste = 4000;  // characters; a longer one may rather be a file

  /// Why something could not be sent.
  enum class Obstacle : std::uint8_t { none, no_model, loading, answering, context };

  /// At the start of a frame, when the text is what it will be shown as.
  void begin(Frame& frame);
  /// Height it wants for a column of `width` pixels, at most 40 % of `window_height`.
  float wanted_height(Frame& frame, float width, float window_height);
  /// Sends SendMessage, EditMessage and StopGenerating.
  Obstacle draw(Frame& frame, Rect rect);

  const std::string& text() const { return field_.text(); }
  Suggester& suggester() { return suggester_; }
  const Suggester& suggester() const { return suggester_; }
  /// A whole message, files and all. Also ends editing.
  void set_text(std::string_view message);
  /// Takes up a message to be written anew, with what was cancelled of that before, which Ctrl+Z takes out again; what stood
  /// here comes back afterwards.
  void edit(Frame& frame, const MessageRow& message);
  /// No cancelled edit comes back any more.
  void forget_cancelled() { cancelled_.clear(); }
  void attach(Attachment file);
  /// What the user has written for a message of its own, editing or not, files and all.
  std::string draft() const { return editing_ == 0 ? whole() : draft_; }
  /// All that would be lost with the composer: the draft, and before it what has been changed of a message that is edited.
  std::string kept() const;
  /// Grows with every change of kept().
  std::uint64_t kept_revision() const { return own_revision_ + field_.revision(); }
  /// A message that was sent and came back: before what has been written since.
  void take_back(std::string_view message);
  /// Grows with every change of draft().
  std::uint64_t draft_revision() const { return editing_ == 0 ? own_revision_ + field_.revision() : edit_revision_; }
  bool empty() const { return field_.text().empty() && files_.empty(); }
  /// Why what stands here was not sent, as long as that is so and nothing of it has changed; empty: nothing to say.
  std::string_view refusal(Phrases& phrases, const ViewState& state) const;

 private:
  TextField::Options options(const Frame& frame);
  float text_width(const Frame& frame, float width) const;
  float buttons_width(const Frame& frame) const;
  float head_height(Frame& frame, float width) const;
  void draw_editing_head(Frame& frame, Rect rect);
  void draw_files(Frame& frame, Rect rect);
  void draw_offer(Frame& frame, Rect rect);
  bool draw_button(Frame& frame, Rect rect, bool enabled);
  void draw_attach(Frame& frame, Rect rect);
  void take_paste(Frame& frame, const TextField::Result& result);
  void recall(Frame& frame, bool was_recallable);
  bool is_recallable();
  std::string_view take_files(std::string_view message);
  void stop_editing();
  void cancel_editing();
  std::string whole() const { return with_attachments(files_, field_.text()); }
  Obstacle send(Frame& frame);

  TextField field_{TextField::Lines::many};
  Suggester suggester_;
  std::vector<Attachment> files_;
  std::uint64_t own_revision_ = 0, edit_revision_ = 0;
  std::int64_t editing_ = 0;   // the message; 0: a new one
  bool edits_answer_ = false;
  std::string original_;       // of that message
  std::map<std::int64_t, std::string> cancelled_;  // by message: what was written when its edit was cancelled
  std::string draft_;          // of the new one, while another is edited
  std::optional<std::string> long_paste_;  // stands in the text, and could be a file
  std::uint64_t paste_revision_ = 0;       // of the field, as long as the offer holds
  std::size_t recalled_ = 0;   // how many messages of the user back; 0: none
  std::string recalled_text_;
  Obstacle refused_ = Obstacle::none;
  std::uint64_t refused_revision_ = 0;  // of kept()
};

}  // namespace foreword::ui
