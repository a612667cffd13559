#pragma once
// What the engine desk has been sent, in order, and whether anything has come for which a pass under way should not be finished.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "engine/base/mailbox.h"
#include "engine/kv/prefix_keeper.h"
#include "engine/session.h"

namespace foreword::engine {

/// The store has (not) kept a page.
struct PageSettled {
  std::uint64_t model = 0;  // number of the loading that the page belongs to
  PrefixKeeper::Ticket ticket;
  bool kept = false;
};

class Inbox {
 public:
  using Clock = std::chrono::steady_clock;
  struct Letter {
    std::variant<Command, PageSettled> content;
    Clock::time_point arrived;
    std::uint64_t n_other_models = 0;  // asked for so far, with this
  };
  /// How often something has come that ends what runs, and what runs for somebody who types.
  struct Calls {
    std::uint64_t all = 0, typing = 0;
  };

  // Any thread.
  void send(Command command);
  void settle(PageSettled page);
  void close() { letters_.close(); }

  // The desk.
  bool closed() const { return letters_.closed(); }
  std::optional<Letter> try_take() { return letters_.try_take(); }
  /// Waits; nothing: closed and empty.
  std::optional<Letter> take() { return letters_.take(); }
  std::optional<Letter> take_until(Clock::time_point deadline) { return letters_.take_until(deadline); }
  Calls calls() const { return {n_end_all_, n_end_typing_}; }
  /// Whether nobody called since, and it is still open. gives_way: calls of who types or asks count too.
  bool quiet_since(const Calls& then, bool gives_way) const { return n_end_all_ == then.all && (!gives_way || n_end_typing_ == then.typing) && !closed(); }
  /// How often another model, or none, was asked for.
  std::uint64_t n_other_models() const { return n_other_models_; }

 private:
  Mailbox<Letter> letters_;
  std::atomic<std::uint64_t> n_end_all_ = 0, n_end_typing_ = 0, n_other_models_ = 0;
};

template <class... Commands>
bool holds_any_of(const Command& command) {
  return (std::holds_alternative<Commands>(command) || ...);
}

}  // namespace foreword::engine
