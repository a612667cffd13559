#pragma once
// Finds a text in the messages of a chat, some of them in each frame, and again in those that have changed. No drawing.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/text/utf8.h"
#include "ui/view_state.h"

namespace foreword::ui {

class MessageFinder {
 public:
  /// As places of a message (message_card.h).
  struct Match {
    std::size_t message = 0;
    text::Range places;
  };

  /// Empty: nothing is looked for.
  void look_for(std::string_view query);
  const std::string& query() const { return query_; }
  /// Reads on; true: all messages have been read. The current match is the first one from message `from` on.
  bool advance(const std::vector<MessageRow>& messages, std::size_t from);

  std::size_t n_matches() const { return n_matches_; }
  /// From 1; 0: there is none.
  std::size_t current_number() const;
  /// Null: there is none.
  const Match* current() const { return has_current_ ? &current_ : nullptr; }
  /// To the next match or the one before, round the ends.
  void step(bool forwards);
  std::span<const text::Range> matches_in(std::size_t message) const;

 private:
  static constexpr std::size_t kBytesAFrame = 128 << 10;

  struct Read {  // of one message, and which state of it
    std::int64_t id = 0;
    std::uint64_t revision = 0;
    std::size_t size = 0;
    bool done = false;
    std::vector<text::Range> places;
  };
  void make_current(std::size_t message, std::size_t index);
  void check_current();

  std::string query_;
  std::vector<Read> read_;
  std::size_t n_matches_ = 0;
  bool has_current_ = false;
  Match current_;
};

}  // namespace foreword::ui
