#pragma once
// The command line's side of the session: send one request, print pieces as they come, wait for its end.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/report.h"
#include "engine/base/mailbox.h"
#include "engine/session.h"

namespace foreword::app {

struct Answer {
  std::string text;
  std::vector<engine::TokenId> ids;
  engine::GenerationStats stats;
  engine::SamplingParams sampling;  // as it was asked for
};

class EngineClient {
 public:
  /// `prefixes`, if there are any, must outlive it.
  explicit EngineClient(engine::PrefixStore* prefixes = nullptr) : session_(outbox_, {}, prefixes) {}

  Result<engine::ModelSummary> load(const std::filesystem::path& model, engine::ModelOptions options);
  /// What the prefix store has of a chat that is to go on comes back until then.
  void recall(std::int64_t chat, std::vector<engine::ChatMessage> messages, std::optional<bool> thinking) {
    session_.send(engine::RecallChat{chat, std::move(messages), thinking});
  }
  /// Waits for the answer. `on_text` gets each piece. Ctrl-C stops the answer, what there is of it comes back. On an
  /// error `answer` holds what was said before it.
  Result<void> ask(engine::Generate request, const std::function<void(const std::string& piece)>& on_text, Answer& answer);
  /// Waits for the last word on the drafts. `invalid_argument` with the engine's sentence if there are none to come.
  Result<engine::Drafts> suggest(engine::Suggest request);

  /// For whoever speaks with the desk for longer than one request.
  engine::Session& session() { return session_; }
  Mailbox<engine::Event>& outbox() { return outbox_; }

 private:
  Mailbox<engine::Event> outbox_;
  engine::Session session_;
  std::uint64_t next_id_ = 1;
};

/// While it lives, Ctrl-C sets a flag instead of ending the program.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// True once for each Ctrl-C.
  static bool take();
};

/// The keys that chat and complete share.
Report report_of(const Answer& answer);
/// drafts: [{text, ids, score, end}], seconds, and what the prompt was.
Report report_of(const engine::Drafts& drafts);

}  // namespace foreword::app
