#include "app/server/desk.h"

#include <utility>

namespace foreword::app {
namespace {

using Answers = Mailbox<engine::Event>;

struct Open {
  std::vector<engine::Generate> requests;
  std::shared_ptr<Answers> answers;
};
struct HangUp {
  std::uint64_t first = 0;
  std::size_t count = 0;
  bool wants_the_end = false;  // what the engine says of it still matters
};
struct AskModel {
  std::shared_ptr<Mailbox<Result<engine::ModelSummary>>> answer;
};
struct AskTotals {
  std::shared_ptr<Mailbox<ServerTotals>> answer;
};
struct Accept {
  bool on = false;
};
using Letter = std::variant<engine::Event, Open, HangUp, AskModel, AskTotals, Accept>;

const Error kNoModel{ErrorCode::not_found, "No model is open; open one in Foreword."};

bool ends(const engine::Event& event) {
  return std::holds_alternative<engine::GenerationDone>(event) || std::holds_alternative<engine::GenerationFailed>(event);
}

}  // namespace

std::optional<std::uint64_t> server_request(const engine::Event& event) {
  return std::visit(
      [](const auto& e) -> std::optional<std::uint64_t> {
        if constexpr (requires { e.id; }) {
          if (e.id >= kFirstServerRequest) return e.id;
        }
        return std::nullopt;
      },
      event);
}

struct ServerDesk::Shared {
  Shared(std::function<void(engine::Command)> to_engine, Options o) : send(std::move(to_engine)), options(std::move(o)) {
    if (!options.awaits_model) model = Result<engine::ModelSummary>(kNoModel);
  }

  void run() {
    while (auto letter = inbox.take()) {
      std::visit([this](auto& l) { handle(l); }, *letter);
      tell();
    }
    end_all();
  }

  void end_all() {
    for (auto& [id, answers] : running) {
      send(engine::Stop{id});
      answers->close();
    }
    running.clear();
    for (const auto& waiting : askers) waiting->close();
    askers.clear();
  }
  void tell() {
    if (options.on_running && std::exchange(told, running.size()) != running.size()) options.on_running(static_cast<int>(running.size()));
  }

  void handle(const Accept& accept) {
    accepts = accept.on;
    if (!accepts) end_all();
  }

  void handle(engine::Event& event) {
    if (const auto id = server_request(event)) {
      const auto found = running.find(*id);
      if (found == running.end()) return;
      const auto answers = found->second;
      if (ends(event)) running.erase(found);
      if (const auto* done = std::get_if<engine::GenerationDone>(&event)) count(done->stats);
      return answers->push(std::move(event));
    }
    if (auto* ready = std::get_if<engine::ModelReady>(&event)) open_model(std::move(ready->model));
    else if (auto* failed = std::get_if<engine::ModelFailed>(&event); failed != nullptr && !failed->kept) open_model(std::move(failed->error));
    else if (std::holds_alternative<engine::ModelUnloaded>(event)) open_model(kNoModel);
    else if (std::holds_alternative<engine::ModelLoading>(event)) model.reset();
  }
  void count(const engine::GenerationStats& stats) {
    ++totals.answers;
    totals.prompt_tokens += stats.prompt_tokens;
    totals.known_tokens += stats.reused_tokens;
    totals.answer_tokens += stats.n_tokens;
    totals.prompt_seconds += stats.prompt_seconds;
    totals.answer_seconds += stats.decode_seconds;
  }
  void handle(AskTotals& ask) {
    totals.running = std::ssize(running);
    ask.answer->push(totals);
  }
  void open_model(Result<engine::ModelSummary> now) {
    model = std::move(now);
    for (const auto& waiting : askers) waiting->push(*model);
    askers.clear();
  }
  void handle(Open& open) {
    if (!accepts) return open.answers->close();
    for (engine::Generate& request : open.requests) {
      request.for_others = options.for_others;
      running[request.id] = open.answers;
      send(std::move(request));
    }
  }
  void handle(HangUp& hang_up) {
    for (std::uint64_t id = hang_up.first; id < hang_up.first + hang_up.count; ++id) {
      const auto found = running.find(id);
      if (found == running.end()) continue;
      if (!hang_up.wants_the_end) running.erase(found);
      send(engine::Stop{id});
    }
  }
  void handle(AskModel& ask) {
    if (!accepts) ask.answer->close();
    else if (model) ask.answer->push(*model);
    else askers.push_back(ask.answer);
  }

  const std::function<void(engine::Command)> send;
  const Options options;
  Mailbox<Letter> inbox;
  std::atomic<std::uint64_t> next_id = kFirstServerRequest;
  // The desk's own.
  bool accepts = false;
  std::size_t told = 0;
  ServerTotals totals;
  std::map<std::uint64_t, std::shared_ptr<Answers>> running;
  std::optional<Result<engine::ModelSummary>> model;  // nothing: one is being opened
  std::vector<std::shared_ptr<Mailbox<Result<engine::ModelSummary>>>> askers;
};

ServerDesk::Call::Call(std::shared_ptr<Shared> desk, std::shared_ptr<Answers> events, std::uint64_t first, std::size_t count)
    : desk_(std::move(desk)), events_(std::move(events)), first_(first), count_(count) {}

ServerDesk::Call::~Call() { desk_->inbox.push(HangUp{first_, count_}); }

void ServerDesk::Call::stop() { desk_->inbox.push(HangUp{first_, count_, true}); }

ServerDesk::ServerDesk(std::function<void(engine::Command)> send, Options options)
    : shared_(std::make_shared<Shared>(std::move(send), std::move(options))), thread_([shared = shared_] { shared->run(); }) {}

ServerDesk::~ServerDesk() { close(); }

void ServerDesk::close() {
  shared_->inbox.close();
  if (thread_.joinable()) thread_.join();
}

void ServerDesk::accept(bool on) { shared_->inbox.push(Accept{on}); }

void ServerDesk::deliver(engine::Event event) { shared_->inbox.push(std::move(event)); }

Result<engine::ModelSummary> ServerDesk::model() {
  const auto answer = std::make_shared<Mailbox<Result<engine::ModelSummary>>>();
  shared_->inbox.push(AskModel{answer});
  if (shared_->inbox.closed()) return Error{ErrorCode::cancelled, "The server is being ended."};
  auto model = answer->take();
  return model ? std::move(*model) : Error{ErrorCode::cancelled, "The server is being ended."};
}

ServerTotals ServerDesk::totals() {
  const auto answer = std::make_shared<Mailbox<ServerTotals>>();
  shared_->inbox.push(AskTotals{answer});
  if (shared_->inbox.closed()) return {};
  return answer->take().value_or(ServerTotals());
}

std::unique_ptr<ServerDesk::Call> ServerDesk::ask(std::vector<engine::Generate> requests) {
  const std::size_t count = requests.size();
  const std::uint64_t first = shared_->next_id.fetch_add(count);
  for (std::size_t i = 0; i < count; ++i) requests[i].id = first + i;
  const auto answers = std::make_shared<Answers>();
  shared_->inbox.push(Open{std::move(requests), answers});
  if (shared_->inbox.closed()) answers->close();  // nobody may have taken it
  return std::make_unique<Call>(shared_, answers, first, count);
}

}  // namespace foreword::app
