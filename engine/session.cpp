#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <type_traits>
#include <unordered_map>

#include "engine/loaded_model.h"
#include "engine/self_test.h"
#include "engine/stop_filter.h"
#include "engine/suggestion.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// How long nothing is asked for before the self-test goes on: whoever comes with a question should not find it at work.
constexpr Clock::duration kSelfTestPatience = std::chrono::seconds(1);

constexpr std::string_view kSuggestReasons[] = {"running", "done", "cancelled", "busy", "no_model", "failed"};
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

struct Letter {
  Command command;
  Clock::time_point arrived;
};

}  // namespace

std::string_view name_of(SuggestReason reason) { return kSuggestReasons[static_cast<int>(reason)]; }
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

  void handle(CountTokens& command) {
    TokensCounted counted{command.id, 0, {}};
    if (model_ && model_->tokenizer() != nullptr && !command.messages.empty()) {
      const auto prompt = encode_prompt(*model_, command.messages, {}, clock_now_());
      if (prompt) counted.total = std::ssize(*prompt);
      const std::string* newest = &command.messages.back().content;  // still being typed: not worth keeping
      for (const ChatMessage& message : command.messages) {
        counted.of_messages.push_back(&message.content == newest ? encoded_length(message.content) : length_of(message.content));
      }
    }
    outbox_.push(std::move(counted));
  }

  /// Messages are counted again and again while the next one is typed; their lengths are kept.
  std::int64_t length_of(const std::string& content) {
    constexpr std::size_t kMostKept = 20'000;
    const auto known = lengths_.find(content);
    if (known != lengths_.end()) return known->second;
    if (lengths_.size() >= kMostKept) lengths_.clear();
    return lengths_[content] = encoded_length(content);
  }

  std::int64_t encoded_length(const std::string& content) const { return std::ssize(model_->tokenizer()->encode(content, {})); }

  void handle(Stop&) {}  // nothing runs: the answer that it meant has ended already

  void handle(Generate& request) {
    if (!model_) {
      outbox_.push(GenerationFailed{request.id, {ErrorCode::invalid_argument, "No model is open; open a GGUF file first."}});
      return;
    }
    suggestion_.reset();
    if (auto result = generate(request); !result) {
      if (result.error().code == ErrorCode::device_lost) drop_model();
      outbox_.push(GenerationFailed{request.id, result.error()});
    }
  }

  void handle(AssignChat& command) {
    if (!model_) return;
    for (PrefixTree::Text& text : model_->texts().texts()) {
      if (text.request == command.id && text.owner == 0) text.owner = command.chat;
    }
  }

  void handle(ForgetChat& command) {
    if (model_) model_->texts().forget(command.chat);
  }

  void handle(Suggest& request) {
    suggestion_.reset();
    if (!model_ || model_->tokenizer() == nullptr) return refuse(request.id, SuggestReason::no_model);
    if (!token_bytes_) token_bytes_.emplace(*model_->tokenizer());
    suggestion_.emplace(*model_, *token_bytes_, std::move(request), arrived_);
    run_suggestion([this](const auto& go_on, const auto& tell) { return suggestion_->start(clock_now_(), go_on, tell); });
  }

  void handle(AdjustDrafts& command) {
    if (!suggestion_ || !adjust(command)) return;
    run_suggestion([this](const auto& go_on, const auto& tell) { return suggestion_->resume(go_on, tell); });
  }

  void handle(CancelSuggest& command) {
    if (suggestion_ && (command.id == 0 || command.id == suggestion_->id())) suggestion_.reset();
  }

  bool adjust(const AdjustDrafts& command) {
    if (command.id != suggestion_->id()) return false;
    suggestion_->keep_only(command.ids);
    suggestion_->extend(command.max_tokens);
    return true;
  }

  void refuse(std::uint64_t id, SuggestReason reason, std::string message = {}) {
    Drafts none;
    none.id = id;
    none.reason = reason;
    none.message = std::move(message);
    outbox_.push(std::move(none));
  }

  template <class Run>
  void run_suggestion(const Run& run) {
    const auto result = run([this] { return suggestion_goes_on(); }, [this](const Drafts& drafts) { outbox_.push(drafts); });
    if (!result) {
      refuse(suggestion_->id(), SuggestReason::failed, result.error().message);
      suggestion_.reset();
      return;
    }
    Drafts last = suggestion_->drafts();
    last.reason = *result ? SuggestReason::done : SuggestReason::cancelled;
    outbox_.push(std::move(last));
    if (!*result) suggestion_.reset();
  }

  /// Reads the inbox without waiting: false if something newer wants the desk.
  bool suggestion_goes_on() {
    bool go_on = !inbox.closed();
    while (auto letter = inbox.try_take()) {
      if (const auto* cancel = std::get_if<CancelSuggest>(&letter->command)) {
        go_on = go_on && cancel->id != 0 && cancel->id != suggestion_->id();
      } else if (const auto* adjusted = std::get_if<AdjustDrafts>(&letter->command)) {
        adjust(*adjusted);
      } else if (!handled_at_once(letter->command) && !std::holds_alternative<Stop>(letter->command)) {
        go_on = false;
        if (std::holds_alternative<Suggest>(letter->command)) drop_waiting_suggestions();
        waiting_.push_back(std::move(*letter));
      }
    }
    return go_on;
  }

  /// The newest wins; no queue.
  void drop_waiting_suggestions() {
    std::erase_if(waiting_, [this](const Letter& letter) {
      const auto* older = std::get_if<Suggest>(&letter.command);
      if (older != nullptr) refuse(older->id, SuggestReason::cancelled);
      return older != nullptr;
    });
  }

  void drop_model() {
    self_test_.reset();
    suggestion_.reset();
    token_bytes_.reset();
    model_.reset();
    lengths_.clear();
  }

  /// What needs no turn of its own, whatever runs.
  bool handled_at_once(Command& command) {
    if (auto* assign = std::get_if<AssignChat>(&command)) return handle(*assign), true;
    if (auto* forget = std::get_if<ForgetChat>(&command)) return handle(*forget), true;
    if (auto* count = std::get_if<CountTokens>(&command)) return handle(*count), true;
    return false;
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
      if (handled_at_once(letter->command)) continue;
      if (const auto* suggest = std::get_if<Suggest>(&letter->command)) {
        refuse(suggest->id, SuggestReason::busy);
      } else if (std::holds_alternative<AdjustDrafts>(letter->command) || std::holds_alternative<CancelSuggest>(letter->command)) {
        continue;  // of drafts that this answer has put an end to
      } else {
        if (!std::holds_alternative<Generate>(letter->command)) stop = true;
        waiting_.push_back(std::move(*letter));
      }
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
    // The last one's logits are needed.
    PrefixTree::Text& text = model_->texts().open(std::span(prompt).first(prompt.size() - 1), request.chat);
    const TextInUse in_use(model_->texts(), text);
    text.request = request.id;
    stats.reused_tokens = std::ssize(text.tokens);
    outbox_.push(GenerationStarted{request.id, stats.prompt_tokens, stats.reused_tokens});

    bool cancelled = false;
    const Clock::time_point reading = Clock::now();
    FW_TRY(read_prompt(request.id, prompt, text, cancelled));
    stats.prompt_seconds = seconds_between(reading, Clock::now());
    if (cancelled) stats.stop_reason = StopReason::cancelled;
    else FW_TRY(answer(request, prompt, start, text, stats));
    stats.seconds = seconds_between(start, Clock::now());
    outbox_.push(GenerationDone{request.id, stats});
    return {};
  }

  Result<void> read_prompt(std::uint64_t id, const std::vector<TokenId>& prompt, PrefixTree::Text& text, bool& cancelled) {
    const auto fresh = std::span(prompt).subspan(text.tokens.size());
    const std::int64_t total = std::ssize(fresh);
    const auto result = model_->read(
        text.sequence, fresh, [&](std::int64_t i) { return i == total - 1; },
        [&](std::int64_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); },
        [&](std::int64_t done) {
          outbox_.push(PromptProgress{id, done, total});
          return !stop_wanted(id);
        });
    text.tokens.assign(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(model_->cache().length(text.sequence)));
    cancelled = !result && result.error().code == ErrorCode::cancelled;
    return cancelled ? Result<void>() : result;
  }

  /// Samples until something ends the answer. logits_ holds the row after the prompt.
  Result<void> answer(const Generate& request, const std::vector<TokenId>& prompt, Clock::time_point start,
                      PrefixTree::Text& known, GenerationStats& stats) {
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
          known.sequence, std::span(&token, 1), [](std::int64_t) { return true; },
          [&](std::int64_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); }));
      known.tokens.push_back(token);
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
  std::vector<float> logits_;    // of the newest row
  std::optional<TokenBytes> token_bytes_;   // of the model, once it is needed
  std::optional<Suggestion> suggestion_;    // the newest, with its pages
  std::unordered_map<std::string, std::int64_t> lengths_;  // tokens of messages that were counted
};

Session::Session(Mailbox<Event>& outbox, std::function<std::tm()> clock_now)
    : desk_(std::make_unique<Desk>(outbox, std::move(clock_now))), thread_([this] { desk_->run(); }) {}

Session::~Session() {
  desk_->inbox.close();
  thread_.join();
}

void Session::send(Command command) { desk_->inbox.push({std::move(command), Clock::now()}); }

}  // namespace foreword::engine
