#pragma once
// Suggestions in the composer: tells the advisor (ui/autocomplete) what hands and engine do, obeys it in the field's buffer,
// and paints the strip of alternatives. Sends Suggesting, SuggestionsCounted, ChangeSetting. Main thread.

#include <cstdint>
#include <memory>
#include <string>

#include "ui/autocomplete/advisor.h"
#include "ui/text_watcher.h"

namespace foreword::ui {

class Suggester final : public TextWatcher {
 public:
  static constexpr float kStrip = 36;  // logical height of its row

  Suggester();

  /// What the composer knows of the frame.
  struct Situation {
    bool focused = false;
    std::int64_t rewrites = 0;   // the message that is written anew; 0: a new one
    bool for_user = true;        // what is written is said by the user
  };
  /// At the start of a frame, before the field hears of anything: what has changed, what the engine has said, what time it is.
  void begin(Frame& frame, const Situation& situation, const text::EditBuffer& buffer);
  /// An alternative was clicked; true: the buffer has it now, before the field hears of it.
  bool take_click(Frame& frame, text::EditBuffer& buffer);
  /// After the field: letters for the engine, and when a frame is wanted next.
  void end(Frame& frame);

  /// On, and with a model that suggests: then the strip's row is there, be it empty.
  bool is_present() const { return present_; }
  /// Of keys that would otherwise not come to the field.
  bool takes_tab() const;
  bool takes_escape() const;
  bool takes_choices() const { return present_; }

  void draw_strip(Frame& frame, Rect rect, bool empty);
  /// The message is being sent, and the buffer will be emptied.
  void sent(Frame& frame, std::string_view message);

  const autocomplete::Advisor& advisor() const { return *advisor_; }
  void forget_counts(Frame& frame);

  bool take_key(Frame& frame, const KeyPress& press, text::EditBuffer& buffer) override;
  void text_changed(autocomplete::Origin origin, const text::EditBuffer& buffer, text::Change change) override;
  void caret_moved(const text::EditBuffer& buffer, bool by_key) override;
  void composing(bool active) override;
  float ghost_opacity() const override { return opacity_; }
  std::string_view ghost() const override { return advisor_->view().ghost; }
  void ghost_painted(Rect place) override { ghost_place_ = place; }
  bool wants_room() const override { return present_ && situation_.focused; }

 private:
  void take_state(Frame& frame);
  void learn(const Frame& frame);
  void fade(Frame& frame);
  void tell(const text::EditBuffer& buffer);
  void insert(const autocomplete::KeyOutcome& outcome, text::EditBuffer& buffer);
  void draw_offer(Frame& frame, Rect rect);
  void draw_drafts(Frame& frame, Rect rect);
  void draw_draft(Frame& frame, std::size_t index, std::string_view words, Rect rect);
  float draw_keys(Frame& frame, Rect rect);
  void say_counts(Frame& frame);

  std::unique_ptr<autocomplete::Advisor> advisor_;
  autocomplete::Situation situation_;
  bool present_ = false, learns_ = true;
  bool offers_ = false;           // the snooze menu is open
  bool code_ = false;             // the caret is in a fenced code block
  std::int64_t rewrites_ = 0;
  autocomplete::Ms now_ = 0, snoozed_until_ = 0;
  std::string device_;            // which the advisor's tier is of
  std::uint64_t seen_ = 0;        // the serial of the last news
  std::uint64_t decoded_ = 0, dropped_ = 0;  // tokens, counted so far
  bool counters_known_ = false;   // those of before were taken over
  std::uint64_t learned_ = 0;     // the context whose words are known
  std::int64_t learned_row_ = 0;  // and its last whole message
  float opacity_ = 1;             // of the ghost and the strip
  Rect ghost_place_;
};

}  // namespace foreword::ui
