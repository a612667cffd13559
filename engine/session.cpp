#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <type_traits>

#include "engine/loaded_model.h"
#include "engine/self_test.h"
#include "engine/stop_filter.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// How long nothing is asked for before the self-test goes on: whoever comes with a question should not find it at work.
constexpr Clock::duration kSelfTestPatience = std::chrono::seconds(1);

constexpr std::string_view kStopReasons[] = {"eos", "stop", "length", "context", "cancelled"};

std::tm local_time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return parts;
}

/// 8192 -> "8,192".
std::string with_commas(std::int64_t n) {
  std::string text = std::to_string(n);
  for (std::ptrdiff_t i = std::ssize(text) - 3; i > 0; i -= 3) text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

std::int64_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

struct Letter {
  Command command;
  Clock::time_point arrived;
};

}  // namespace

std::string_view name_of(StopReason reason) { return kStopReasons[static_cast<int>(reason)]; }

class Session::Desk {
 public:
  Desk(Mailbox<Event>& outbox, std::function<std::tm()> clock_now)
      : outbox_(outbox), clock_now_(clock_now ? std::move(clock_now) : local_time_now) {}

  void run() {
    while (auto letter = next()) {
      if (inbox.closed()) return;
      arrived_ = letter->arrived;
      std::visit([this](auto& command) { handle(command); }, letter->command);
    }
  }

  Mailbox<Letter> inbox;

 private:
  std::optional<Letter> next() {
    if (waiting_.empty()) {
      for (auto patience = kSelfTestPatience; self_test_; patience = {}) {
        if (auto letter = inbox.take_until(Clock::now() + patience)) return letter;
        if (inbox.closed()) return std::nullopt;
        test_some_more();
      }
      return inbox.take();
    }
    Letter letter = std::move(waiting_.front());
    waiting_.pop_front();
    return letter;
  }

  /// One step of what is done while nobody asks for anything.
  void test_some_more() {
    const auto cost = self_test_->step();
    if (cost && *cost) {
      model_->learn(**cost);
      outbox_.push(KvMeasured{kv_offers(model_->kv_quality())});
    }
    if (!cost || self_test_->done()) self_test_.reset();
  }

  void handle(LoadModel& command) {
    drop_model();
    outbox_.push(ModelLoading{command.path});
    auto loaded = LoadedModel::open(command.path, command.options);
    if (!loaded) {
      outbox_.push(ModelFailed{command.path, loaded.error()});
      return;
    }
    model_ = std::move(*loaded);
    sequence_ = model_->cache().add_sequence();
    ModelSummary summary = model_->summary();
    summary.path = command.path;
    outbox_.push(ModelReady{std::move(summary)});
    if (!model_->has_kv_book()) return;
    self_test_.emplace(*model_, model_->kv_quality().costs);
    if (self_test_->done()) self_test_.reset();
  }

  void handle(UnloadModel&) {
    drop_model();
    outbox_.push(ModelUnloaded{});
  }

  void handle(Stop&) {}  // nothing runs: the answer that it meant has ended already

  void handle(Generate& request) {
    if (!model_) {
      outbox_.push(GenerationFailed{request.id, {ErrorCode::invalid_argument, "No model is open; open a GGUF file first."}});
      return;
    }
    if (auto result = generate(request); !result) {
      if (result.error().code == ErrorCode::device_lost) drop_model();
      outbox_.push(GenerationFailed{request.id, result.error()});
    }
  }

  void drop_model() {
    self_test_.reset();
    model_.reset();
    cached_.clear();
  }

  /// Reads the inbox without waiting: true if this request is to stop. Other commands wait for their turn; a new model
  /// or the end of the session stops the answer too.
  bool stop_wanted(std::uint64_t id) {
    bool stop = inbox.closed();
    while (auto letter = inbox.try_take()) {
      if (const auto* asked = std::get_if<Stop>(&letter->command)) {
        if (asked->id == 0 || asked->id == id) stop = true;
        std::erase_if(waiting_, [&](const Letter& waiting) { return withdraw(waiting.command, asked->id); });
        continue;
      }
      if (!std::holds_alternative<Generate>(letter->command)) stop = true;
      waiting_.push_back(std::move(*letter));
    }
    return stop;
  }

  /// A request that is stopped before its turn ends at once, with nothing said.
  bool withdraw(const Command& command, std::uint64_t id) {
    const auto* request = std::get_if<Generate>(&command);
    if (request == nullptr || (id != 0 && request->id != id)) return false;
    GenerationStats stats;
    stats.stop_reason = StopReason::cancelled;
    outbox_.push(GenerationDone{request->id, stats});
    return true;
  }

  Result<void> generate(const Generate& request) {
    const Clock::time_point start = arrived_;
    FW_ASSIGN(std::vector<TokenId> prompt, encode_prompt(*model_, request.prompt, request.answer_so_far, clock_now_()));
    const std::int64_t context = model_->model().context;
    if (prompt.empty()) return Error{ErrorCode::invalid_argument, "The prompt is empty; write something first."};
    if (std::ssize(prompt) >= context) {
      return Error{ErrorCode::invalid_argument, "This turn needs " + with_commas(std::ssize(prompt) + 1) +
                                                    " tokens, but the context holds " + with_commas(context) +
                                                    "; shorten it, begin a new chat, or use a larger context."};
    }

    GenerationStats stats;
    stats.prompt_tokens = std::ssize(prompt);
    stats.reused_tokens = std::min(common_prefix(cached_, prompt), std::ssize(prompt) - 1);  // the last one's logits are needed
    stats.reused_tokens = model_->cache().truncate(sequence_, stats.reused_tokens);
    cached_.resize(static_cast<std::size_t>(stats.reused_tokens));
    outbox_.push(GenerationStarted{request.id, stats.prompt_tokens, stats.reused_tokens});

    bool cancelled = false;
    const Clock::time_point reading = Clock::now();
    FW_TRY(read_prompt(request.id, prompt, stats.reused_tokens, cancelled));
    stats.prompt_seconds = seconds_between(reading, Clock::now());
    if (cancelled) stats.stop_reason = StopReason::cancelled;
    else FW_TRY(answer(request, prompt, start, stats));
    stats.seconds = seconds_between(start, Clock::now());
    outbox_.push(GenerationDone{request.id, stats});
    return {};
  }

  Result<void> read_prompt(std::uint64_t id, const std::vector<TokenId>& prompt, std::int64_t known, bool& cancelled) {
    const auto fresh = std::span(prompt).subspan(static_cast<std::size_t>(known));
    const std::int64_t total = std::ssize(fresh);
    const auto result = model_->read(
        sequence_, fresh, [&](std::int64_t i) { return i == total - 1; },
        [&](std::int64_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); },
        [&](std::int64_t done) {
          outbox_.push(PromptProgress{id, done, total});
          return !stop_wanted(id);
        });
    const auto stored = static_cast<std::ptrdiff_t>(model_->cache().length(sequence_));
    cached_.assign(prompt.begin(), prompt.begin() + stored);
    cancelled = !result && result.error().code == ErrorCode::cancelled;
    return cancelled ? Result<void>() : result;
  }

  /// Samples until something ends the answer. logits_ holds the row after the prompt.
  Result<void> answer(const Generate& request, const std::vector<TokenId>& prompt, Clock::time_point start,
                      GenerationStats& stats) {
    const Tokenizer& tokenizer = *model_->tokenizer();
    std::vector<std::string> stops = request.stop;
    const bool chat = std::holds_alternative<std::vector<ChatMessage>>(request.prompt);
    if (chat) {
      const auto more = model_->chat_template()->stop_strings();
      stops.insert(stops.end(), more.begin(), more.end());
    }
    Sampler sampler(request.sampling);
    StreamDecoder decoder(tokenizer, chat && request.answer_so_far.empty());  // an answer is a text of its own, a continuation is not
    StopFilter filter(std::move(stops));
    std::vector<TokenId> history = prompt;
    Clock::time_point first_token{};

    const auto say = [&](std::string text, std::vector<TokenId> ids) {
      const double elapsed = seconds_between(first_token, Clock::now());
      const double speed = stats.n_tokens > 1 && elapsed > 0 ? static_cast<double>(stats.n_tokens - 1) / elapsed : 0;
      outbox_.push(TextPiece{request.id, std::move(text), std::move(ids), speed, std::ssize(history)});
    };

    for (;;) {
      // Rows of the matrix beyond the vocabulary are padding that no text belongs to.
      const auto named = std::span(logits_).first(std::min(logits_.size(), static_cast<std::size_t>(tokenizer.size())));
      if (request.max_tokens >= 0 && stats.n_tokens >= request.max_tokens) {
        stats.stop_reason = StopReason::length;
        break;
      }
      if (std::ssize(history) >= model_->model().context) {
        stats.stop_reason = StopReason::context;
        break;
      }
      const TokenId token = sampler.sample(named, history, std::ssize(history), tokenizer.suppressed());
      if (token < 0) return Error{ErrorCode::corrupt, "The model computed no usable number; its file may be damaged."};
      if (stats.n_tokens == 0) {
        first_token = Clock::now();
        stats.first_token_seconds = seconds_between(start, first_token);
      }
      if (tokenizer.is_end_of_generation(token)) {
        stats.stop_reason = StopReason::eos;
        break;
      }
      ++stats.n_tokens;
      history.push_back(token);
      say(filter.push(decoder.push(token)), {token});
      if (filter.hit()) {
        stats.stop_reason = StopReason::stop_string;
        break;
      }
      if (stop_wanted(request.id)) {
        stats.stop_reason = StopReason::cancelled;
        break;
      }
      if (stats.n_tokens == request.max_tokens) continue;  // its logits would not be used
      FW_TRY(model_->read(
          sequence_, std::span(&token, 1), [](std::int64_t) { return true; },
          [&](std::int64_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); }));
      cached_.push_back(token);
    }
    if (stats.n_tokens > 0) stats.decode_seconds = seconds_between(first_token, Clock::now());
    const std::string rest = filter.push(decoder.finish()) + filter.finish();
    if (!rest.empty()) say(rest, {});
    return {};
  }

  Mailbox<Event>& outbox_;
  std::function<std::tm()> clock_now_;
  std::deque<Letter> waiting_;  // taken from the inbox while an answer ran
  Clock::time_point arrived_{};
  std::unique_ptr<LoadedModel> model_;
  std::optional<SelfTest> self_test_;  // of model_, while it lasts
  SequenceId sequence_ = 0;
  std::vector<TokenId> cached_;  // tokens whose KV the sequence holds
  std::vector<float> logits_;    // of the newest row
};

Session::Session(Mailbox<Event>& outbox, std::function<std::tm()> clock_now)
    : desk_(std::make_unique<Desk>(outbox, std::move(clock_now))), thread_([this] { desk_->run(); }) {}

Session::~Session() {
  desk_->inbox.close();
  thread_.join();
}

void Session::send(Command command) { desk_->inbox.push({std::move(command), Clock::now()}); }

}  // namespace foreword::engine
