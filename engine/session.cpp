#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <list>

#include "engine/answer_queue.h"
#include "engine/autocomplete/draft_plan.h"
#include "engine/base/log.h"
#include "engine/device_plan.h"
#include "engine/drafting.h"
#include "engine/fit.h"
#include "engine/inbox.h"
#include "engine/loaded_model.h"
#include "engine/page_saver.h"
#include "engine/recall.h"
#include "engine/scheduler.h"
#include "engine/self_test.h"
#include "engine/suggestion.h"
#include "engine/token_counter.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kProcessor = "cpu";  // of gpu::list_devices()
constexpr Clock::duration kSelfTestPatience = std::chrono::seconds(1);  // nothing is asked for so long before it goes on: whoever comes should not find it at work
constexpr std::chrono::milliseconds kTellLoading{300};    // between two words on how far a loading is
constexpr std::chrono::milliseconds kPatience{50};        // for a page that comes back from the store, where nothing else runs
constexpr std::chrono::milliseconds kRecallPatience{5};   // the same, where nobody waits for it, and whoever comes should not wait either

std::tm local_time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return parts;
}

}  // namespace

class Session::Desk {
 public:
  Desk(Mailbox<Event>& outbox, std::function<std::tm()> clock_now, PrefixStore* store)
      : outbox_(outbox), clock_now_(clock_now ? std::move(clock_now) : local_time_now), store_(store) {}

  void run() {
    while (!inbox->closed()) {
      const Inbox::Calls calls = inbox->calls();
      if (auto letter = next()) {
        arrived_ = letter->arrived;
        n_models_asked_ = letter->n_other_models;
        std::visit([this](auto& content) { handle(content); }, letter->content);
      } else if (busy()) {
        step(calls);
      }
      if (!busy() && saver_) saver_->save_some();
    }
    stop_all();
    while (auto letter = inbox->try_take()) {  // whose texts these are still matters
      auto* command = std::get_if<Command>(&letter->content);
      if (command != nullptr && holds_any_of<AssignChat, ForgetChat, KeepChats>(*command)) handle(*command);
    }
    drop_model();
  }

  /// Shared with what the store has been asked to call.
  const std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();

 private:
  bool busy() const { return !answers_.empty() || (suggestion_ && suggestion_->running()) || recall_; }

  /// Waits only while nothing runs.
  std::optional<Inbox::Letter> next() {
    if (busy()) return inbox->try_take();
    for (bool more = token_bytes_.has_value(); more; more = own_texts_.count_some(*model_->tokenizer())) {
      if (auto letter = inbox->try_take()) return letter;
      if (inbox->closed()) return std::nullopt;
    }
    for (auto patience = kSelfTestPatience; self_test_; patience = {}) {
      if (auto letter = inbox->take_until(Clock::now() + patience)) return letter;
      if (inbox->closed()) return std::nullopt;
      test_some_more();
    }
    return inbox->take();
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

  // ---- Steps --------------------------------------------------------------------------------------------------------

  /// One pass for all that runs, if nobody has called since `calls`.
  void step(const Inbox::Calls& calls) {
    if (suggestion_ && !suggestion_->begun()) suggestion_->begin(clock_now_());
    open_answers(answers_, saver_ ? &saver_->keeper() : nullptr, drafting_ ? &*drafting_ : nullptr, suggestion_ && suggestion_->running());
    bool restoring = false;
    std::vector<Work*> works;
    if (suggestion_ && suggestion_->running()) works.push_back(&*suggestion_);
    for (AnswerWriter& answer : answers_) {
      if (answer.is_open() && !answer.restoring()) works.push_back(&answer);
    }
    for (AnswerWriter& answer : answers_) {
      if (!answer.restoring()) continue;
      answer.restore(works.empty() && !restoring ? kPatience : std::chrono::milliseconds::zero());
      restoring = true;
    }
    if (recall_ && !recall_->step(works.empty() ? kRecallPatience : std::chrono::milliseconds::zero())) recall_.reset();
    if (!works.empty()) {
      // Also what runs in the background alone ends for who types or asks.
      const bool gives_way = std::ranges::all_of(answers_, [](const AnswerWriter& answer) { return answer.request().background; });
      const auto goes_on = [this, &calls, gives_way] { return inbox->quiet_since(calls, gives_way); };
      if (auto result = scheduler_->step(works, goes_on); !result) return recover(result.error());
    }
    sweep();
  }

  void recover(const Error& error) {
    if (error.code == ErrorCode::cancelled) return;  // the inbox knows why; what is left of it all comes again
    if (error.code == ErrorCode::out_of_memory && recall_) return recall_.reset();
    const auto is_open = [](const AnswerWriter& answer) { return answer.is_open(); };
    const bool types = suggestion_ && suggestion_->running();
    if (error.code == ErrorCode::out_of_memory && suggestion_ && !types) return suggestion_.reset();  // it rests, and keeps its pages
    if (error.code == ErrorCode::out_of_memory && std::ranges::count_if(answers_, is_open) + (types ? 1 : 0) > 1) {
      return to_send_away(answers_)->close();
    }
    if (types) suggestion_->fail(error);
    if (gives_up_device(error.code) && go_on_elsewhere(error.code)) return sweep();
    for (AnswerWriter& answer : answers_) {
      if (is_open(answer)) answer.fail(error);
    }
    sweep();
    if (error.code == ErrorCode::device_lost || !scheduler_) {  // also if the way to the processor ended halfway
      for (AnswerWriter& answer : answers_) answer.fail(error);
      lose_model();
      outbox_.push(ModelFailed{model_path_, error});
    }
  }

  /// The device is gone: answers go on, from where they were, on the processor. False: that is where they already were, or
  /// it has no room for the model.
  bool go_on_elsewhere(ErrorCode why) {
    if (model_->backend().device().id == kProcessor) return false;
    for (AnswerWriter& answer : answers_) {
      answer.draft_with(nullptr);
      answer.close();
    }
    lose_helpers();
    model_options_.device = kProcessor;
    model_options_.draft_model_optional = true;  // the answers that wait need the model alone
    return model_->move_to_processor(why, [this](double) { return wants_model(); }) && start_model();
  }

  void sweep() {
    answers_.remove_if([](const AnswerWriter& answer) { return answer.done(); });
    if (suggestion_ && suggestion_->gone()) suggestion_.reset();
  }

  void stop_all() {
    recall_.reset();
    for (AnswerWriter& answer : answers_) answer.stop();
    if (suggestion_) suggestion_->cancel();
    sweep();
  }

  // ---- Commands -----------------------------------------------------------------------------------------------------

  void handle(Command& command) { std::visit([this](auto& one) { handle(one); }, command); }

  void handle(LoadModel& command) {
    auto file = LoadedModel::look_at(command.path);
    if (!file && model_) return outbox_.push(ModelFailed{command.path, file.error(), true}), say_ready();
    stop_all();
    drop_model();
    outbox_.push(ModelLoading{command.path});
    if (!file) return outbox_.push(ModelFailed{command.path, file.error()});
    auto loaded = LoadedModel::open(*std::move(file), command.options, [&, told = Clock::now()](double share) mutable {
      if (Clock::now() - told >= kTellLoading) outbox_.push(ModelLoading{command.path, share}), told = Clock::now();
      return wants_model();
    });
    if (!loaded && loaded.error().code == ErrorCode::cancelled) return outbox_.push(ModelUnloaded{});
    if (!loaded) return outbox_.push(ModelFailed{command.path, loaded.error()});
    model_ = std::move(*loaded);
    model_path_ = command.path;
    model_options_ = command.options;
    if (auto ready = start_model(); !ready) {
      const ErrorCode why = ready.error().code;
      // The first passes need memory that opening the model did not.
      const bool was_too_much = why == ErrorCode::out_of_memory && model_options_.gpu_layers < 0;
      if ((gives_up_device(why) || was_too_much) && go_on_elsewhere(why)) return;
      lose_model();
      if (why == ErrorCode::cancelled) return outbox_.push(ModelUnloaded{});
      outbox_.push(ModelFailed{command.path, ready.error()});
    }
  }

  /// Nobody has asked for another one since the letter in hand.
  bool wants_model() const { return inbox->n_other_models() == n_models_asked_ && !inbox->closed(); }

  /// All that goes with the model that is open now.
  Result<void> start_model() {
    ++model_number_;
    scheduler_.emplace(model_->forward());
    FW_TRY(prepare_drafting(model_options_));
    say_ready();
    if (model_->has_kv_book()) {
      self_test_.emplace(*model_, model_->kv_quality().costs);
      if (self_test_->done()) self_test_.reset();
    }
    if (store_ != nullptr) saver_.emplace(*model_, *store_, inbox, model_number_);
    return {};
  }

  void say_ready() {
    ModelSummary summary = model_->summary();
    summary.path = model_path_;
    outbox_.push(ModelReady{std::move(summary)});
  }

  Result<void> prepare_drafting(const ModelOptions& options) {
    if (model_->tokenizer() == nullptr) return {};
    counter_.emplace(*model_->tokenizer());
    FW_ASSIGN(auto drafters, open_drafters(*model_, options, [this] { return wants_model(); }));
    second_ = std::move(drafters.second);
    if (!drafters.drafting) return {};
    drafting_.emplace(std::move(*drafters.drafting));
    scheduler_->cost().rows() = drafting_->speculation.cost();
    return {};
  }

  void handle(UnloadModel&) {
    stop_all();
    drop_model();
    outbox_.push(ModelUnloaded{});
  }

  void handle(CountTokens& command) {
    TokensCounted counted{command.id, 0, {}};
    if (counter_ && !command.messages.empty()) {
      const auto prompt = encode_prompt(*model_, command.messages, {}, clock_now_(), command.thinking);
      if (prompt) counted.total = std::ssize(prompt->tokens);
      counted.of_messages = counter_->of(command.messages);
    }
    outbox_.push(std::move(counted));
  }

  void handle(LookAtMemory& command) { outbox_.push(memory_there(command.options, model_.get())); }

  void handle(Generate& request) {
    if (!model_) {
      outbox_.push(GenerationFailed{request.id, {ErrorCode::invalid_argument, "No model is open; open a GGUF file first."}});
      return;
    }
    if (request.wanted == Wanted::tokens) return tell_tokens(request);
    if (suggestion_ && !request.background) suggestion_->cancel();
    recall_.reset();  // the answer takes its text, and brings back what is left itself
    AnswerWriter& answer = answers_.emplace_back(*model_, std::move(request), arrived_, [this](Event event) { outbox_.push(std::move(event)); });
    if (auto encoded = answer.encode(clock_now_()); !encoded) answer.fail(encoded.error());
    sweep();
  }

  void tell_tokens(const Generate& request) {
    auto told = tokens_of(*model_, request, clock_now_());
    if (!told) return outbox_.push(GenerationFailed{request.id, told.error()});
    GenerationStats stats;
    stats.prompt_tokens = std::ssize(told->ids);
    outbox_.push(std::move(*told));
    outbox_.push(GenerationDone{request.id, stats});
  }

  void handle(Stop& command) {
    for (AnswerWriter& answer : answers_) {
      if (command.id == 0 || command.id == answer.request().id) answer.stop();
    }
    sweep();
  }

  void handle(AssignChat& command) {
    if (!model_) return;
    for (PrefixTree::Text& text : model_->texts().texts()) {
      if (text.request == command.id && text.owner == 0) text.owner = command.chat;
    }
    for (AnswerWriter& answer : answers_) {
      if (answer.request().id == command.id) answer.assign(command.chat);
    }
  }

  void handle(RecallChat& command) {
    recall_.reset();
    if (!saver_ || command.chat <= 0 || !model_->chat_template()) return;
    auto tokens = encode_open_turn(*model_, command.messages, clock_now_(), command.thinking);
    if (tokens && std::ssize(*tokens) < model_->model().context) recall_.emplace(model_->texts(), saver_->keeper(), std::move(*tokens), command.chat);
  }

  void handle(ForgetChat& command) {
    if (recall_ && recall_->chat() == command.chat) recall_.reset();
    if (model_ && command.goes_on) model_->texts().keep_unwritten(command.chat);
    if (model_ && !command.goes_on) model_->texts().forget(command.chat);
    own_texts_.forget(command.chat);
    if (store_ != nullptr && command.chat > 0) store_->forget(command.chat);
  }

  void handle(KeepChats& command) {
    if (store_ != nullptr) store_->forget_all_but(std::move(command.chats));
  }

  void handle(Suggest& request) {
    const bool answers = std::ranges::any_of(answers_, [](const AnswerWriter& answer) { return !answer.request().background; });
    if (suggestion_ && !answers) suggestion_->cancel();
    const bool can_suggest = model_ && model_->tokenizer() != nullptr;
    if (!can_suggest || answers) {
      Drafts none;
      none.id = request.id;
      none.reason = can_suggest ? SuggestReason::busy : SuggestReason::no_model;
      outbox_.push(std::move(none));
      return;
    }
    if (!token_bytes_) token_bytes_.emplace(*model_->tokenizer());
    if (const PassCost& cost = scheduler_->cost(); request.seconds > 0 && cost.known()) {
      const auto depth = static_cast<double>(request.most_context);
      const std::int64_t rows = request.limits.count;
      request.limits = planned(request.limits, {cost.seconds(1, depth), cost.seconds(rows, static_cast<double>(rows) * depth), request.seconds});
    }
    own_texts_.count_some(*model_->tokenizer());  // the rest while the desk has nothing else to do
    const Ngrams* own = request.own_texts ? &own_texts_.counted() : nullptr;
    suggestion_.emplace(*model_, *token_bytes_, own, std::move(request), arrived_, [this](Event event) { outbox_.push(std::move(event)); });
  }

  void handle(LearnTexts& command) {
    if (command.anew) own_texts_.forget_all();
    own_texts_.learn(std::move(command.texts));
  }

  void handle(AdjustDrafts& command) {
    if (suggestion_ && command.id == suggestion_->id()) suggestion_->adjust(command);
  }

  void handle(CancelSuggest& command) {
    if (suggestion_ && (command.id == 0 || command.id == suggestion_->id())) suggestion_->cancel();
    sweep();
  }

  void handle(PageSettled& page) {
    if (saver_) saver_->settle(page);
  }

  void drop_model() {
    if (saver_) saver_->save_the_rest();
    lose_model();
  }

  void lose_model() {
    answers_.clear();
    lose_helpers();
    token_bytes_.reset();
    own_texts_.forget_tokens();
    counter_.reset();
    model_.reset();
    ++model_number_;
  }

  /// What works with the model's cache.
  void lose_helpers() {
    self_test_.reset();
    recall_.reset();
    suggestion_.reset();
    saver_.reset();
    drafting_.reset();
    second_.reset();
    scheduler_.reset();
  }

  Mailbox<Event>& outbox_;
  std::function<std::tm()> clock_now_;
  Clock::time_point arrived_{};               // of the letter in hand
  std::uint64_t n_models_asked_ = 0;          // with it
  PrefixStore* store_;
  std::unique_ptr<LoadedModel> model_;
  std::filesystem::path model_path_;
  ModelOptions model_options_;
  std::optional<Scheduler> scheduler_;   // of that model, as all below
  std::unique_ptr<SecondModel> second_;  // drafts for it
  std::optional<Drafting> drafting_;
  std::optional<PageSaver> saver_;
  std::uint64_t model_number_ = 0;
  std::optional<SelfTest> self_test_;       // while it lasts
  std::optional<TokenBytes> token_bytes_;   // once it is needed
  OwnTexts own_texts_;
  std::optional<TokenCounter> counter_;
  std::optional<Suggestion> suggestion_;    // the newest, with its pages
  std::list<AnswerWriter> answers_;         // as they came
  std::optional<Recall> recall_;
};

Session::Session(Mailbox<Event>& outbox, std::function<std::tm()> clock_now, PrefixStore* store)
    : desk_(std::make_unique<Desk>(outbox, std::move(clock_now), store)), thread_([this] { desk_->run(); }) {}

Session::~Session() {
  desk_->inbox->close();
  thread_.join();
}

void Session::send(Command command) { desk_->inbox->send(std::move(command)); }

}  // namespace foreword::engine
