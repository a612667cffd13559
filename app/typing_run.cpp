#include "app/typing_run.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "app/typist.h"
#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/prose.h"

namespace foreword::app {

using ui::autocomplete::Letter;
using ui::autocomplete::Ms;
using Clock = std::chrono::steady_clock;
using Kind = TraceEvent::Kind;

double Sample::share(double p) const {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(p * static_cast<double>(values.size()))) - 1;
  return values[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(rank, 0, std::ssize(values) - 1))];
}

namespace {

constexpr double kStandardKeys = 8;  // a second
constexpr double kNoLimit = -std::numeric_limits<double>::infinity();
/// After the last key: for ghosts that wait for their pause, and for a job that runs.
constexpr Ms kAtTheEnd = 500;

bool is_key(Kind kind) {
  return kind == Kind::text || kind == Kind::commit || kind == Kind::paste || kind == Kind::drop || kind == Kind::key || kind == Kind::backspace;
}

/// One thing to do, and when.
struct Step {
  Ms at;
  TraceEvent event;
  bool typed;  // of a text that is to be typed
};

/// With one step a key; texts that are to be typed are taken apart.
std::vector<Step> steps_of(const KeyTrace& trace, const TypingOptions& options) {
  const Ms typing_gap = 1000 / (options.keys_per_second > 0 ? options.keys_per_second : kStandardKeys);
  std::vector<Step> steps;
  Ms now = 0, next_key = 0;
  for (const TraceEvent& event : trace.events) {
    if (options.keys_per_second > 0) now = is_key(event.kind) || event.kind == Kind::type ? std::max(now, next_key) : now;
    else now = std::max(now, event.ms / options.speed);
    if (event.kind != Kind::type) {
      steps.push_back({now, event, false});
      if (is_key(event.kind)) next_key = now + typing_gap;
      continue;
    }
    for (std::size_t at = 0; at < event.text.size();) {
      const std::size_t end = ui::text::next_cluster(event.text, at);
      TraceEvent key = event;
      key.kind = Kind::text;
      key.text = event.text.substr(at, end - at);
      steps.push_back({now, std::move(key), true});
      now += typing_gap;
      at = end;
    }
    next_key = now;
  }
  return steps;
}

bool accepts(ui::autocomplete::Action action) {
  using enum ui::autocomplete::Action;
  return action == accept_all || action == accept_word || action == accept_line || action == accept_nth;
}

/// Processor time of this thread, ms.
double busy_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

class Run {
 public:
  Run(engine::Session& session, Mailbox<engine::Event>& outbox, const TypingOptions& options)
      : session_(session), outbox_(outbox), options_(options), start_(Clock::now()), letters_(options.base),
        typist_(options.settings, [this](const Letter& letter, Ms now) { post(letter, now); }) {
    typist_.situation.model = typist_.situation.focused = true;
    typist_.situation.context = 1;
    typist_.situation.answering = typist_.situation.busy = options.answer.has_value();
    typist_.set_situation(0);
    if (const auto* messages = std::get_if<std::vector<engine::ChatMessage>>(&options.context.text)) {
      for (const engine::ChatMessage& message : *messages) typist_.advisor.chat_words().add(message.content);
    }
    if (options.answer) session_.send(*options.answer);
  }

  Result<TypingFigures> type(const std::vector<Step>& steps) {
    Ms shift = 0;  // what accepted words make unnecessary is not typed, and what follows comes earlier
    std::size_t i = 0;
    while (i < steps.size()) {
      FW_TRY(wait(steps[i].at - shift));
      for (const Ms begin = now(); quiet_; ) {
        FW_TRY(take(outbox_.take()));
        if (!quiet_) shift -= now() - begin;
      }
      const std::size_t accepted = options_.accepts && steps[i].typed ? accept(std::span(steps).subspan(i)) : 0;
      if (accepted > 0) {
        const Ms next = i + accepted < steps.size() ? steps[i + accepted].at : steps.back().at;
        const Ms gap = i + 1 < steps.size() ? steps[i + 1].at - steps[i].at : 0;
        shift += next - steps[i].at - gap;
        i += accepted;
        continue;
      }
      key(steps[i].event);
      ++i;
    }
    FW_TRY(wait(now() + kAtTheEnd));
    if (options_.answer) FW_TRY(end_answers());
    while (!alive_.empty()) FW_TRY(take(outbox_.take()));
    return finish();
  }

 private:
  struct Job {
    Ms key = 0;          // when the key came that it is for
    Ms ended = -1;       // when it was told to end
    bool counts = false; // asked for because of a key
    bool has_word = false, has_all = false, overtaken = false;
  };
  /// The next words that a ghost and its strip showed at a place in the text, until what is typed there is known.
  struct Promise {
    std::string before, ghost;
    std::vector<std::string> strip;
  };

  Ms now() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }

  /// Lives until then: events of the engine and wake-ups in their order.
  Result<void> wait(Ms until) {
    for (;;) {
      const Ms wake = typist_.advisor.view().wake_at, deadline = std::min(wake, until);
      const auto event = outbox_.take_until(start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(deadline)));
      if (event) {
        FW_TRY(take(event));
        continue;
      }
      if (outbox_.closed()) return Error{ErrorCode::cancelled, "The session ended."};
      if (wake <= until && now() >= wake) {
        typist_.tick(now());
        look();
      }
      if (now() >= until) return {};
    }
  }

  Result<void> take(const std::optional<engine::Event>& event) {
    if (!event) return Error{ErrorCode::cancelled, "The session ended."};
    if (const auto* done = std::get_if<engine::GenerationDone>(&*event)) return take_answer(done->stats);
    if (const auto* failed = std::get_if<engine::GenerationFailed>(&*event)) return failed->error;
    const auto* drafts = std::get_if<engine::Drafts>(&*event);
    if (drafts == nullptr || drafts->id <= options_.base) return {};
    if (drafts->reason == engine::SuggestReason::failed) return Error{ErrorCode::invalid_argument, drafts->message};
    const Ms at = now();
    note(*drafts, at);
    typist_.drafts(letters_.event_of(*drafts), at);
    look();
    return {};
  }

  /// What there is of the last answer counts too, and where none was finished while the typist waited, one is now: on a slow machine there is no other.
  Result<void> end_answers() {
    typed_ = true;
    session_.send(engine::Stop{options_.answer->id});
    while (!answered_) FW_TRY(take(outbox_.take()));
    if (!figures_.quiet_rates.values.empty()) return {};
    quiet_ = true, answered_ = false;
    session_.send(*options_.answer);
    while (!answered_) FW_TRY(take(outbox_.take()));
    return {};
  }

  Result<void> take_answer(const engine::GenerationStats& stats) {
    if (stats.decode_seconds > 0 && stats.n_tokens > 1) {
      (quiet_ ? figures_.quiet_rates : figures_.answer_rates).values.push_back(static_cast<double>(stats.n_tokens - 1) / stats.decode_seconds);
    }
    answered_ = typed_;
    if (typed_) return {};
    quiet_ = !quiet_;
    session_.send(*options_.answer);
    return {};
  }

  /// What an event says about its job.
  void note(const engine::Drafts& drafts, Ms at) {
    const auto found = alive_.find(drafts.id - options_.base);
    if (found == alive_.end()) return;
    Job& job = found->second;
    const auto long_enough = [](const engine::Draft& draft) {
      return draft.end != engine::DraftEnd::running || std::ssize(draft.ids) >= ui::autocomplete::tuned_count("tokens_first");
    };
    const bool finished = drafts.reason != engine::SuggestReason::running, done = drafts.reason == engine::SuggestReason::done;
    const bool word = !drafts.drafts.empty() && !drafts.drafts.front().text.empty();
    if (job.counts && !job.overtaken && !job.has_word && word) {
      job.has_word = true;
      figures_.first_word.values.push_back(at - job.key);
    }
    const bool all = done || (!drafts.drafts.empty() && std::ranges::all_of(drafts.drafts, long_enough));
    if (job.counts && !job.overtaken && !job.has_all && all) {
      job.has_all = true;
      figures_.all_drafts.values.push_back(at - job.key);
    }
    if (!finished) return;
    if (job.ended >= 0) figures_.cancelled.values.push_back(at - job.ended);
    figures_.prompt_tokens = std::max(figures_.prompt_tokens, drafts.prompt_tokens);
    figures_.reused_tokens += drafts.reused_tokens;
    figures_.read_tokens += std::max<std::int64_t>(0, drafts.prompt_tokens - drafts.reused_tokens);
    // A job whose drafts are wanted further speaks again, but tells nothing new here.
    alive_.erase(found);
  }

  void post(const Letter& letter, Ms at) {
    const bool fresh = letter.kind == Letter::Kind::suggest || (letter.kind == Letter::Kind::extend && letter.drafts.empty());
    if (fresh || letter.kind == Letter::Kind::cancel) {
      for (auto& [id, job] : alive_) {
        if (job.ended < 0) overtake(job, at);
      }
    }
    if (fresh) {
      alive_[letter.request] = {key_at_, -1, letter.kind == Letter::Kind::suggest, false, false, false};
      if (letter.kind == Letter::Kind::suggest) ++figures_.jobs;
    }
    auto command = letters_.command_of(letter, options_.context);
    if (!command) return;
    if (auto* suggest = std::get_if<engine::Suggest>(&*command); suggest != nullptr && options_.unsure) suggest->limits.least_mean_log_prob = kNoLimit;
    session_.send(std::move(*command));
  }

  void overtake(Job& job, Ms at) {
    job.ended = at;
    if (!job.counts) return;
    job.overtaken = true;
    if (!job.has_word && !job.has_all) {  // else it has nothing to say
      ++figures_.overtaken;
      figures_.first_word.values.push_back(at - job.key);
    }
    if (!job.has_all) {
      ++figures_.unfinished;
      figures_.all_drafts.values.push_back(at - job.key);
    }
  }

  void key(const TraceEvent& event) {
    key_at_ = now();
    const std::size_t caret = typist_.buffer.caret();
    const double busy = busy_ms();
    typist_.play(event, key_at_);
    figures_.window.values.push_back(busy_ms() - busy);
    if (is_key(event.kind)) ++figures_.keys;
    if (event.kind == Kind::key && typist_.buffer.caret() > caret) {
      const auto brought = std::string_view(typist_.buffer.text()).substr(caret, typist_.buffer.caret() - caret);
      if (accepts(typist_.last_action)) figures_.saved += static_cast<std::int64_t>(ui::autocomplete::count_characters(brought, brought.size())) - 1;
    }
    keep_promises();
    look();
  }

  /// Accepts the ghost's next word if that is what is to be typed. How many of the steps are done by it.
  std::size_t accept(std::span<const Step> steps) {
    std::string wanted;
    for (const Step& step : steps) {
      if (!step.typed) break;
      wanted += step.event.text;
    }
    const std::string_view ghost = typist_.advisor.view().ghost;
    const std::string word(ghost.substr(0, ui::autocomplete::unit_end(ghost, 0)));
    if (word.size() < 2 || !wanted.starts_with(word)) return 0;
    const std::string_view rest = std::string_view(wanted).substr(word.size());
    if (ui::autocomplete::inside_word(word, rest)) return 0;
    TraceEvent press;
    press.kind = Kind::key;
    press.key.key = ui::autocomplete::Key::right;
    press.key.ctrl = true;
    key(press);
    std::size_t n = 0;
    for (std::size_t bytes = 0; bytes < word.size(); ++n) bytes += steps[n].event.text.size();
    return n;
  }

  /// Notes a word that is newly shown: the first of a new ghost, and each that a ghost goes on with.
  void look() {
    const std::string_view ghost = typist_.advisor.view().ghost;
    const std::string_view before = std::string_view(typist_.buffer.text()).substr(0, typist_.buffer.caret());
    const std::uint64_t n_shown = typist_.advisor.counters()[ui::autocomplete::Count::shown];
    const bool fresh = std::exchange(n_shown_, n_shown) != n_shown;
    const std::string_view word = ui::autocomplete::first_unit(ghost);
    if (word.empty()) return;
    const std::size_t begin = before.size() + static_cast<std::size_t>(word.data() - ghost.data());
    if (!fresh && (begin == promised_ || ui::autocomplete::inside_word(before, ghost))) return;
    promised_ = begin;
    Promise promise{std::string(before), std::string(word), {}};
    for (const std::string_view each : typist_.advisor.view().strip) promise.strip.emplace_back(each);
    promises_.push_back(std::move(promise));
  }

  /// Judges what was shown by what is in the text now.
  void keep_promises() {
    const std::string& text = typist_.buffer.text();
    std::erase_if(promises_, [&](const Promise& promise) {
      if (!text.starts_with(promise.before)) return true;  // deleted: nobody knows
      const std::string_view typed = std::string_view(text).substr(promise.before.size());
      const std::size_t end = ui::autocomplete::unit_end(typed, 0);
      if (end >= typed.size()) return false;  // that word may still go on
      const std::string_view word = ui::autocomplete::first_unit(typed);
      ++figures_.words_shown;
      const bool ghost = promise.ghost == word;
      if (ghost) ++figures_.ghost_hits;
      if (ghost || std::ranges::find(promise.strip, word) != promise.strip.end()) ++figures_.strip_hits;
      return true;
    });
  }

  TypingFigures finish() {
    for (Sample* sample : {&figures_.first_word, &figures_.all_drafts, &figures_.cancelled, &figures_.window, &figures_.answer_rates, &figures_.quiet_rates}) std::ranges::sort(sample->values);
    typist_.advisor.counters().each([&](std::string_view name, std::uint64_t value) {
      if (value > 0) figures_.counters.emplace_back(name, value);
    });
    figures_.text = typist_.buffer.text();
    return std::move(figures_);
  }

  engine::Session& session_;
  Mailbox<engine::Event>& outbox_;
  const TypingOptions& options_;
  const Clock::time_point start_;
  SuggestLetters letters_;
  Typist typist_;
  Ms key_at_ = 0;
  std::map<std::uint64_t, Job> alive_;  // by request, until the last event
  std::vector<Promise> promises_;
  std::size_t promised_ = 0;    // bytes of the text before the newest word that was shown
  std::uint64_t n_shown_ = 0;
  bool typed_ = false, answered_ = false;
  bool quiet_ = false;          // the typist waits for this answer
  TypingFigures figures_;
};

}  // namespace

Result<TypingFigures> type_trace(engine::Session& session, Mailbox<engine::Event>& outbox, const KeyTrace& trace,
                                 const TypingOptions& options) {
  const std::vector<Step> steps = steps_of(trace, options);
  return Run(session, outbox, options).type(steps);
}

}  // namespace foreword::app
