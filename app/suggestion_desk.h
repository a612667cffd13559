#pragma once
// Between the window's advisor and the engine desk: letters become commands, and the engine's drafts become events of the
// advisor. Knows which job the engine still has, so that one that is gone is asked for anew. Main thread; sends nothing itself.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "app/suggest_letters.h"
#include "engine/session.h"
#include "ui/view_state.h"

namespace foreword::app {

class SuggestionDesk {
 public:
  /// Of a chat, what is worth reading before the text that is being written; the last ones.
  struct Chat {
    std::vector<engine::ChatMessage> messages;
    engine::TextOwner owner = 0;
    bool own_texts = true;  // what the user wrote elsewhere counts
    std::optional<bool> thinking = {};  // as its next answer will be asked for
  };

  /// What the engine shall do for a letter; none: nothing. `chat` is called only for a new job.
  std::optional<engine::Command> command_of(const ui::autocomplete::Letter& letter, const std::function<Chat()>& chat);
  /// What the engine says, into the view.
  void on(const engine::Drafts& drafts, ui::SuggestionsView& view);
  /// The engine was given something else to do, or another model: it no longer has the drafts of before.
  void job_lost() { job_alive_ = false; }

 private:
  std::optional<engine::Command> begin(Chat chat, int tokens);

  SuggestLetters letters_;
  ui::autocomplete::Letter job_;  // which the engine was asked last
  bool job_alive_ = false;
  std::uint64_t serial_ = 0;
};

}  // namespace foreword::app
