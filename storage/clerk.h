#pragma once
// Clerk: what the storage desk does, without its thread and its clock, so that tests can turn both. Answers
// commands from a ChatStore, gathers the text of growing answers and writes it in few, evenly spaced
// transactions, and keeps chats and texts that the disk refused until it takes them. One thread at a time.

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "storage/chat_store.h"
#include "storage/letters.h"

namespace foreword::storage {

/// Time as the clerk sees it: only differences matter.
using Moment = std::chrono::steady_clock::time_point;

class Clerk {
 public:
  /// New text waits at most this long before it is written: what a power cut can cost, and two writes a second.
  static constexpr std::chrono::milliseconds kFlushInterval{500};
  /// Pause before the next attempt after the disk refused.
  static constexpr std::chrono::milliseconds kRetryInterval{1000};

  /// Both must outlive the clerk.
  Clerk(ChatStore& store, EventSink& sink) : store_(store), sink_(sink) {}

  void handle(Command command, Moment now);
  /// Writes what is due.
  void tick(Moment now);
  /// When tick() has something to do next; nothing while no text waits.
  std::optional<Moment> next_due() const;
  /// The program ends: writes everything now; answers without an end become `interrupted`. False: some text could not
  /// be written (its Failed events say why).
  bool close(Moment now);

 private:
  /// A message, or a chat, on its way to the disk.
  struct Draft {
    std::optional<NewChat> chat;  // instead of a message
    NewMessage message;           // the text as it stands
    Id id = 0;                    // of the message; 0: not there yet
    Id resumes = 0;               // a message that is still to be made streaming again; the text goes behind its own
    std::optional<MessageEnd> end;
    std::optional<Moment> due;  // nothing: the disk has it all
    bool refused = false;       // Failed was told, MessageSaved was not yet
  };
  using Drafts = std::map<Request, Draft>;

  struct Visitor;
  Drafts::iterator write(Drafts::iterator draft, Moment now);
  Result<std::optional<Event>> save(Request request, Draft& draft);
  Result<std::optional<Message>> save_message(Draft& draft);

  ChatStore& store_;
  EventSink& sink_;
  Drafts drafts_;
};

}  // namespace foreword::storage
