#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <type_traits>
#include <unordered_map>

#include "engine/answer_writer.h"
#include "engine/fingerprint.h"
#include "engine/kv/prefix_keeper.h"
#include "engine/drafting.h"
#include "engine/loaded_model.h"
#include "engine/self_test.h"
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

/// The store has (not) kept a page.
struct PageSettled {
  std::uint64_t model = 0;  // number of the loading that the page belongs to
  PrefixKeeper::Ticket ticket;
  bool kept = false;
};

struct Letter {
  std::variant<Command, PageSettled> content;
  Clock::time_point arrived;
};

/// For writing down what the store does not have yet, when the model goes or the program ends.
constexpr std::chrono::seconds kLastWrites{3};
/// A restoration that takes longer than this is told.
constexpr std::chrono::milliseconds kUnnoticed{300};
/// Pages on their way to the store: one is copied while the other is written.
constexpr int kMostUnsettled = 2;

}  // namespace

std::string_view name_of(SuggestReason reason) { return kSuggestReasons[static_cast<int>(reason)]; }
std::string_view name_of(StopReason reason) { return kStopReasons[static_cast<int>(reason)]; }

class Session::Desk {
 public:
  Desk(Mailbox<Event>& outbox, std::function<std::tm()> clock_now, PrefixStore* store)
      : outbox_(outbox), clock_now_(clock_now ? std::move(clock_now) : local_time_now), store_(store) {}

  void run() {
    while (auto letter = next()) {
      if (inbox->closed()) {  // whose texts these are still matters
        if (auto* command = std::get_if<Command>(&letter->content)) handle_if<AssignChat, ForgetChat, KeepChats>(*command);
        continue;
      }
      arrived_ = letter->arrived;
      std::visit([this](auto& content) { handle(content); }, letter->content);
      if (waiting_.empty()) save_pages();
    }
    drop_model();
  }

  /// Shared with what the store has been asked to call.
  const std::shared_ptr<Mailbox<Letter>> inbox = std::make_shared<Mailbox<Letter>>();

 private:
  std::optional<Letter> next() {
    if (waiting_.empty()) {
      for (auto patience = kSelfTestPatience; self_test_; patience = {}) {
        if (auto letter = inbox->take_until(Clock::now() + patience)) return letter;
        if (inbox->closed()) return std::nullopt;
        test_some_more();
      }
      return inbox->take();
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
      outbox_.push(KvMeasured{model_->kv_modes()});
    }
    if (!cost || self_test_->done()) self_test_.reset();
  }

  void handle(LoadModel& command) {
    drop_model();
    outbox_.push(ModelLoading{command.path});
    auto loaded = LoadedModel::open(command.path, command.options, [&, told = Clock::now()](double share) mutable {
      if (Clock::now() - told >= kUnnoticed) outbox_.push(ModelLoading{command.path, share}), told = Clock::now();
      return !inbox->closed();
    });
    if (!loaded) {
      outbox_.push(ModelFailed{command.path, loaded.error()});
      return;
    }
    model_ = std::move(*loaded);
    ++model_number_;
    if (auto ready = prepare_drafting(command.options); !ready) {
      lose_model();
      outbox_.push(ModelFailed{command.path, ready.error()});
      return;
    }
    ModelSummary summary = model_->summary();
    summary.path = command.path;
    outbox_.push(ModelReady{std::move(summary)});
    if (model_->has_kv_book()) {
      self_test_.emplace(*model_, model_->kv_quality().costs);
      if (self_test_->done()) self_test_.reset();
    }
    if (store_ == nullptr) return;
    const PrefixId root = fingerprint(model_->model(), model_->cache().shape());
    keeper_.emplace(model_->cache(), model_->texts(), *store_, root);
  }

  Result<void> prepare_drafting(const ModelOptions& options) {
    if (model_->tokenizer() == nullptr) return {};
    if (!options.draft_model.empty()) {
      FW_ASSIGN(second_, SecondModel::open(options.draft_model, options, *model_));
    }
    FW_ASSIGN(auto drafting, open_drafting(*model_, second_.get(), options));
    if (drafting) drafting_.emplace(std::move(*drafting));
    return {};
  }

  void handle(Command& command) {
    std::visit([this](auto& one) { handle(one); }, command);
  }

  void handle(PageSettled& settled) {
    if (settled.model != model_number_) return;
    --n_unsettled_;
    if (keeper_) keeper_->settle(settled.ticket, settled.kept);
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
      if (result.error().code == ErrorCode::device_lost) lose_model();
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
    if (model_ && command.goes_on) model_->texts().keep_unwritten(command.chat);
    if (model_ && !command.goes_on) model_->texts().forget(command.chat);
    if (store_ != nullptr && command.chat > 0) store_->forget(command.chat);
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
    bool go_on = !inbox->closed();
    while (auto letter = inbox->try_take()) {
      if (auto* settled = std::get_if<PageSettled>(&letter->content)) {
        handle(*settled);
        continue;
      }
      Command& command = std::get<Command>(letter->content);
      if (const auto* cancel = std::get_if<CancelSuggest>(&command)) {
        go_on = go_on && cancel->id != 0 && cancel->id != suggestion_->id();
      } else if (const auto* adjusted = std::get_if<AdjustDrafts>(&command)) {
        adjust(*adjusted);
      } else if (!handled_at_once(command) && !std::holds_alternative<Stop>(command)) {
        go_on = false;
        if (std::holds_alternative<Suggest>(command)) drop_waiting_suggestions();
        waiting_.push_back(std::move(*letter));
      }
    }
    return go_on;
  }

  /// The newest wins; no queue.
  void drop_waiting_suggestions() {
    std::erase_if(waiting_, [this](const Letter& letter) {
      const auto* older = std::get_if<Suggest>(&std::get<Command>(letter.content));
      if (older != nullptr) refuse(older->id, SuggestReason::cancelled);
      return older != nullptr;
    });
  }

  void handle(KeepChats& command) {
    if (store_ != nullptr) store_->forget_all_but(std::move(command.chats));
  }

  /// What needs no turn of its own, whatever runs.
  bool handled_at_once(Command& command) { return handle_if<AssignChat, ForgetChat, KeepChats, CountTokens>(command); }

  template <class... Commands>
  bool handle_if(Command& command) {
    const auto try_one = [this](auto* one) {
      if (one != nullptr) handle(*one);
      return one != nullptr;
    };
    return (try_one(std::get_if<Commands>(&command)) || ...);
  }

  /// One step of writing down what was read; the next one follows when the store has answered.
  void save_pages() {
    const auto settled = [to = inbox, model = model_number_](const PrefixKeeper::Ticket& ticket, bool kept) {
      to->push({PageSettled{model, ticket, kept}, Clock::now()});
    };
    while (keeper_ && n_unsettled_ < kMostUnsettled && keeper_->save_one(settled)) ++n_unsettled_;
  }

  void save_last_pages() {
    const Clock::time_point end = Clock::now() + kLastWrites;
    const auto answers = std::make_shared<Mailbox<PageSettled>>();
    const auto settled = [answers](const PrefixKeeper::Ticket& ticket, bool kept) { answers->push({0, ticket, kept}); };
    while (Clock::now() < end && keeper_->save_one(settled)) {
      const auto answer = answers->take_until(end);
      if (!answer) return;
      keeper_->settle(answer->ticket, answer->kept);
    }
  }

  void drop_model() {
    if (keeper_) save_last_pages();
    lose_model();
  }

  void lose_model() {
    self_test_.reset();
    suggestion_.reset();
    token_bytes_.reset();
    lengths_.clear();
    keeper_.reset();
    drafting_.reset();
    second_.reset();
    model_.reset();
    ++model_number_;
    n_unsettled_ = 0;
  }

  /// Reads the inbox without waiting: true if this request is to stop. Other commands wait for their turn; a new model
  /// or the end of the session stops the answer too.
  bool stop_wanted(std::uint64_t id) {
    bool stop = inbox->closed();
    while (auto letter = inbox->try_take()) {
      if (auto* settled = std::get_if<PageSettled>(&letter->content)) {
        handle(*settled);
        continue;
      }
      Command& command = std::get<Command>(letter->content);
      if (const auto* asked = std::get_if<Stop>(&command)) {
        if (asked->id == 0 || asked->id == id) stop = true;
        std::erase_if(waiting_, [&](const Letter& waiting) { return withdraw(std::get<Command>(waiting.content), asked->id); });
      } else if (handled_at_once(command)) {
        continue;
      } else if (const auto* suggest = std::get_if<Suggest>(&command)) {
        refuse(suggest->id, SuggestReason::busy);
      } else if (!std::holds_alternative<AdjustDrafts>(command) && !std::holds_alternative<CancelSuggest>(command)) {
        // Those two are of drafts that this answer has put an end to.
        if (!std::holds_alternative<Generate>(command)) stop = true;
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
    const auto wanted = std::span(prompt).first(prompt.size() - 1);  // the last one's logits are needed
    PrefixTree::Text& text = model_->texts().open(wanted, request.chat);
    const TextInUse in_use(model_->texts(), text);
    text.request = request.id;
    bool cancelled = false;
    restore(request.id, text, wanted, stats, cancelled);
    stats.reused_tokens = std::ssize(text.tokens);
    outbox_.push(GenerationStarted{request.id, stats.prompt_tokens, stats.reused_tokens});

    const Clock::time_point reading = Clock::now();
    if (!cancelled) FW_TRY(read_prompt(request.id, prompt, text, cancelled));
    stats.prompt_seconds = seconds_between(reading, Clock::now());
    if (cancelled) stats.stop_reason = StopReason::cancelled;
    else FW_TRY(answer(request, prompt, start, text, stats));
    text.n_sent = std::ssize(text.tokens);
    stats.seconds = seconds_between(start, Clock::now());
    outbox_.push(GenerationDone{request.id, stats});
    return {};
  }

  Result<void> answer(const Generate& request, const std::vector<TokenId>& prompt, Clock::time_point start, PrefixTree::Text& text,
                      GenerationStats& stats) {
    AnswerWriter writer(*model_, drafting_ ? &*drafting_ : nullptr, request,
                        {[this](TextPiece piece) { outbox_.push(std::move(piece)); }, [&] { return stop_wanted(request.id); }});
    FW_TRY(writer.write(prompt, logits_, text, start, stats));
    return {};
  }

  void restore(std::uint64_t id, PrefixTree::Text& text, std::span<const TokenId> wanted, GenerationStats& stats,
               bool& cancelled) {
    if (!keeper_) return;
    const Clock::time_point begun = Clock::now();
    std::int64_t told = -1;
    stats.restored_tokens = keeper_->restore(text, wanted, [&](std::int64_t known) {
      if (known != told && Clock::now() > begun + kUnnoticed) outbox_.push(PrefixRestoring{id, told = known, std::ssize(wanted)});
      cancelled = stop_wanted(id);
      return !cancelled;
    });
    stats.restore_seconds = seconds_between(begun, Clock::now());
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

  Mailbox<Event>& outbox_;
  std::function<std::tm()> clock_now_;
  std::deque<Letter> waiting_;  // taken from the inbox while an answer ran
  Clock::time_point arrived_{};
  PrefixStore* store_;
  std::unique_ptr<LoadedModel> model_;
  std::unique_ptr<SecondModel> second_;  // drafts for that model
  std::optional<Drafting> drafting_;
  std::optional<PrefixKeeper> keeper_;  // of that model
  std::uint64_t model_number_ = 0;
  int n_unsettled_ = 0;
  std::optional<SelfTest> self_test_;  // of model_, while it lasts
  std::vector<float> logits_;    // of the newest row
  std::optional<TokenBytes> token_bytes_;   // of the model, once it is needed
  std::optional<Suggestion> suggestion_;    // the newest, with its pages
  std::unordered_map<std::string, std::int64_t> lengths_;  // tokens of messages that were counted
};

Session::Session(Mailbox<Event>& outbox, std::function<std::tm()> clock_now, PrefixStore* store)
    : desk_(std::make_unique<Desk>(outbox, std::move(clock_now), store)), thread_([this] { desk_->run(); }) {}

Session::~Session() {
  desk_->inbox->close();
  thread_.join();
}

void Session::send(Command command) { desk_->inbox->push({std::move(command), Clock::now()}); }

}  // namespace foreword::engine
