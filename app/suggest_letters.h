#pragma once
// What the window desk and the engine desk say to each other about suggestions, translated: letters of the policies
// (ui/autocomplete/letters.h) to commands of the engine, and its events back. One of it for each pair of desks; one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/session.h"
#include "ui/autocomplete/letters.h"

namespace foreword::app {

/// What is known outside of the composer: the messages before the user's open turn or plain text, and whose they are. A question at
/// their end that nobody has answered is one turn with what is being written, as it will be sent.
struct SuggestContext {
  std::variant<std::vector<engine::ChatMessage>, std::string> text;
  std::int64_t most_tokens = engine::Suggest{}.most_context;  // of the messages
  engine::TextOwner chat = 0;
  bool own_texts = true;  // what the user wrote elsewhere counts
  std::optional<bool> thinking = {};  // as the turn's answer will be asked for
};

class SuggestLetters {
 public:
  /// The engine's ids are those of the letters, and `base` more: advisors that follow each other at one engine differ in it.
  explicit SuggestLetters(std::uint64_t base = 0) : base_(base) {}

  /// `context` is looked at for a new job alone. Nothing: the engine need not know.
  std::optional<engine::Command> command_of(const ui::autocomplete::Letter& letter, const SuggestContext& context) const;
  /// Of a job of these letters: its id is above `base`.
  ui::autocomplete::DraftsEvent event_of(const engine::Drafts& drafts);

 private:
  engine::Suggest suggest_of(const ui::autocomplete::Letter& letter, const SuggestContext& context) const;
  engine::AdjustDrafts adjust_of(const ui::autocomplete::Letter& letter) const;
  std::uint64_t base_;
  std::uint64_t request_ = 0;        // of the newest event
  std::uint64_t decoded_ = 0, dropped_ = 0;  // of it, as told so far
};

}  // namespace foreword::app
