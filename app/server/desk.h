#pragma once
// Between those who answer HTTP requests, each on a thread of its own, and the engine's desk: requests go down as letters, events come up and are
// dealt to whoever they belong to. A desk of its own, so that nothing is shared.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "engine/base/mailbox.h"
#include "engine/session.h"

namespace foreword::app {

/// Ids of the server's requests, so that whoever shares the engine with it knows its own.
inline constexpr std::uint64_t kFirstServerRequest = 1ULL << 62;

/// Requests that run at the same time; more wait (engine/session.h).
inline constexpr int kServerPlaces = 4;

/// Since the desk began.
struct ServerTotals {
  std::int64_t running = 0;  // now
  std::int64_t answers = 0, prompt_tokens = 0, known_tokens = 0, answer_tokens = 0;
  double prompt_seconds = 0, answer_seconds = 0;
};

/// The request that this event is about, if it is the server's.
std::optional<std::uint64_t> server_request(const engine::Event& event);

class ServerDesk {
  struct Shared;

 public:
  /// One request, or several that belong together, until it is destroyed: what has not ended then is stopped.
  class Call {
   public:
    Call(std::shared_ptr<Shared> desk, std::shared_ptr<Mailbox<engine::Event>> events, std::uint64_t first, std::size_t count);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    /// Of the first one; those of the others follow.
    std::uint64_t first() const { return first_; }
    std::size_t count() const { return count_; }
    /// The next event of one of them; nothing: none came in time, or none comes any more (over()).
    std::optional<engine::Event> next(std::chrono::milliseconds wait) { return events_->take_until(std::chrono::steady_clock::now() + wait); }
    bool over() const { return events_->closed(); }
    /// What has not ended does, with what there is.
    void stop();

   private:
    std::shared_ptr<Shared> desk_;
    std::shared_ptr<Mailbox<engine::Event>> events_;
    std::uint64_t first_;
    std::size_t count_;
  };

  struct Options {
    bool for_others = false;  // as Generate::for_others
    bool awaits_model = false;  // one is about to be opened; else there is none until the engine says so
    std::function<void(int)> on_running = {};  // on the desk's thread, whenever another number of requests are being answered
  };
  /// `send` gives the engine a command, on any thread. What the engine says of its model must be delivered from the first LoadModel on.
  /// It begins without accepting anything.
  explicit ServerDesk(std::function<void(engine::Command)> send, Options options);
  /// As close().
  ~ServerDesk();
  ServerDesk(const ServerDesk&) = delete;
  ServerDesk& operator=(const ServerDesk&) = delete;

  /// Any thread: what the engine said. Events of others are let be.
  void deliver(engine::Event event);
  /// Any thread: the open model. Waits while one is being opened. An error: there is none.
  Result<engine::ModelSummary> model();
  /// Any thread.
  ServerTotals totals();
  /// Any thread. Where nothing is accepted, what runs ends, and what is asked is over at once.
  void accept(bool on);
  /// Any thread. Their ids are set here.
  std::unique_ptr<Call> ask(std::vector<engine::Generate> requests);
  /// Its owner's: every call ends, no new one begins, and the engine gets no command any more. What is delivered then goes nowhere.
  void close();

 private:
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace foreword::app
