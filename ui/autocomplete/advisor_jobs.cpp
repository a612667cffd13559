// What the advisor asks of the engine, and what it does with the answers.

#include <algorithm>

#include "ui/autocomplete/advisor.h"
#include "ui/autocomplete/prose.h"
#include "ui/autocomplete/text_filter.h"

namespace foreword::ui::autocomplete {
namespace {

// The engine's ids are unique within a job only; here the job goes with them.
constexpr int kIdBits = 16;
DraftId id_in(std::uint64_t job, DraftId id) { return job << kIdBits | id; }
std::uint64_t job_of(DraftId id) { return id >> kIdBits; }
constexpr DraftId kWholeJob = ~DraftId{0};  // no draft's
DraftId engine_id(DraftId id) { return id & ((DraftId{1} << kIdBits) - 1); }

}  // namespace

/// Slots are used again, with the room that their strings have.
Letter& Advisor::letter(Letter::Kind kind) {
  if (letters_.size() == n_letters_) letters_.emplace_back();
  Letter& next = letters_[n_letters_++];
  next.kind = kind;
  next.request = job_.request;
  next.generation = generation_;
  next.context = situation_.context;
  next.before.clear(), next.after.clear(), next.typed.clear(), next.drafts.clear();
  next.limits = {};
  next.manual = false;
  return next;
}

/// The text was allowed to start a job, and has survivors or not. followed: they are the drafts that were at hand before.
void Advisor::compute(bool followed, Ms now) {
  constexpr int kAhead = tuned_count("words_ahead");
  const auto survivors = survivors_.all();
  if (followed) {
    const bool is_short = survivors_.fewest_words(kAhead) < kAhead && !(job_.running && job_.extended);
    const bool refill = !job_.running && ends_a_word(before()) && survivors_.size() < wanted_drafts();
    if (refill || (is_short && !can_extend())) {
      send_request(Letter::Kind::extend, now);
    } else if (is_short) {
      send_extend();
    }
  } else if (std::any_of(survivors.begin(), survivors.end(), [](const auto& each) { return count_words(each.rest(), kAhead) >= kAhead; })) {
    cancel(now);  // the cache has enough
  } else {
    send_request(Letter::Kind::suggest, now);
  }
}

/// Whether the last job knows drafts at hand that may go on.
bool Advisor::can_extend() const {
  const auto survivors = survivors_.all();
  return job_.tokens < tuned_count("tokens_max") && std::any_of(survivors.begin(), survivors.end(), [&](const auto& each) {
    return job_of(each.id) == job_.request && !each.ended;
  });
}

/// The last job goes on: to what is read at a second glance, and then further by as much as at first.
void Advisor::send_extend() {
  job_.tokens = std::min(std::max(tuned_count("tokens_extended"), job_.tokens + tuned_count("tokens_first")), tuned_count("tokens_max"));
  job_.running = job_.extended = true;
  Letter& out = letter(Letter::Kind::extend);
  out.limits.tokens = job_.tokens;
  add_ids(out);
  counters_.add(Count::extends);
}

/// A new job, be it for a ghost that stays; whatever ran is over.
void Advisor::send_request(Letter::Kind kind, Ms now) {
  const bool fresh = kind == Letter::Kind::suggest;
  give_up(now);
  ++last_request_;
  job_ = {last_request_, tuned_count("tokens_first"), true, false};
  Request& request = requests_[last_request_ % requests_.size()];
  request.id = last_request_;
  request.context = situation_.context;
  request.before = before();
  request.after = after();
  request.sent = now;
  request.measures = fresh;
  request.counted.clear();

  Letter& out = letter(kind);
  out.before = before().substr(context_begin(before()));
  out.after = after().substr(0, text::cluster_begin(after(), std::min(after().size(), std::size_t{tuned_count("after_max")})));
  const TierRow& tier_row = row_of(tier().tier);
  out.manual = manual_;
  out.limits.count = static_cast<int>(wanted_drafts());
  out.limits.tokens = job_.tokens;
  out.limits.work = manual_ ? tuned("work_manual") : tier_row.work;
  request.tau = manual_ ? out.limits.min_mean_log_prob : coverage_.tau();
  if (!manual_) out.limits.min_mean_log_prob = request.tau - tuned("tau_slack");
  counters_.add(fresh ? Count::suggests : Count::extends);
}

void Advisor::send_advance(std::string_view typed) {
  Letter& out = letter(Letter::Kind::advance);
  out.typed = typed;
  add_ids(out);
  counters_.add(Count::advances);
}

/// The survivors that the running job knows.
void Advisor::add_ids(Letter& letter) const {
  for (const auto& each : survivors_.all()) {
    if (job_of(each.id) == job_.request) letter.drafts.push_back(engine_id(each.id));
  }
}

void Advisor::cancel(Ms now) {
  if (!job_.running) return;
  give_up(now);
  letter(Letter::Kind::cancel);
  job_.running = false;
  cancelled_ = job_.request;
  cancelled_at_ = now;
  counters_.add(Count::cancels);
}

/// A job that is no longer waited for tells something only if it had already broken the tier's limit.
void Advisor::give_up(Ms now) {
  Request* const request = job_.running ? find_request(job_.request) : nullptr;
  if (request == nullptr) return;
  measure(*request, false, now);
  request->measures = false;
}

/// How long the first word took, or how long it was waited for in vain.
void Advisor::measure(Request& request, bool ready, Ms now) {
  if (!request.measures) return;
  const Tier tier_before = tiers_.tier();
  const Ms took = now - request.sent;
  if (!ready && took <= row_of(tier_before).limit) return;
  request.measures = false;
  tiers_.add(took);
  counters_.add(static_cast<Count>(static_cast<int>(Count::jobs_full) + static_cast<int>(tier_before)));
  if (ready) counters_.add(Latency::key_to_first_word, took);
  if (tiers_.changed()) counters_.add(tiers_.tier() > tier_before ? Count::tier_down : Count::tier_up);
}

Advisor::Request* Advisor::find_request(std::uint64_t id) {
  Request& slot = requests_[id % requests_.size()];
  return id != 0 && slot.id == id ? &slot : nullptr;
}

/// A job speaks after every word; a reason counts once for each of its drafts.
void Advisor::count_once(Request& request, DraftId draft, Reason reason) {
  const std::pair<DraftId, Reason> what{draft, reason};
  if (reason == Reason::none || std::find(request.counted.begin(), request.counted.end(), what) != request.counted.end()) return;
  counters_.add(reason);
  request.counted.push_back(what);
}

/// The drafts that pass, shortened to what passes, into filtered_.
void Advisor::filter(const DraftsEvent& event, Request& request) {
  filtered_.clear();
  for (const Draft& draft : event.drafts) {
    if (draft.text.empty() || text::clean(draft.text) != draft.text) continue;
    if (draft.mean_log_prob < request.tau) {  // so far; what was taken of it stays
      if (draft.ended || event.finished) count_once(request, draft.id, Reason::low_confidence);
      continue;
    }
    Filtered verdict = filter_text({request.before, request.after, draft.text, draft.mean_log_prob, &chat_words_, &own_words_});
    if (verdict.reason == Reason::too_short && !draft.ended && !event.finished) verdict = {draft.text.size(), Reason::none};  // so far
    count_once(request, draft.id, verdict.reason);
    if (verdict.keep == 0) continue;
    filtered_.push_back(draft);
    filtered_.back().id = id_in(request.id, draft.id);
    if (verdict.keep < draft.text.size()) {
      filtered_.back().text.resize(verdict.keep);
      filtered_.back().ended = true;
    }
  }
}

void Advisor::on_drafts(const DraftsEvent& event, Ms now) {
  counters_.add(Count::tokens_decoded, event.tokens_decoded);
  counters_.add(Count::tokens_dropped, event.tokens_dropped);
  if (event.finished) counters_.add(event.reason);
  if (event.finished && event.request == cancelled_) {
    counters_.add(Latency::cancel, now - cancelled_at_);
    cancelled_ = 0;
  }
  if (event.finished && event.request == job_.request) job_.running = false;
  Request* const request = find_request(event.request);
  if (request == nullptr || request->context != situation_.context || !settings_.enabled) {
    counters_.add(event.drafts.empty() ? Reason::none : Reason::stale);
    return;
  }
  filter(event, *request);
  if (event.finished || !event.drafts.empty()) measure(*request, true, now);
  cache_.put(request->context, request->before, request->after, filtered_);
  take_drafts(*request, now);
  paint_if_due(now);
  refresh(now);
}

/// What passed the filters becomes survivors, if the text still matches and it is not too late; else it is in the cache.
void Advisor::take_drafts(Request& request, Ms now) {
  if (filtered_.empty()) return;
  const bool matches = before().starts_with(request.before) && after() == request.after;
  const std::string_view typed = matches ? before().substr(request.before.size()) : std::string_view();
  if (matches && ghost_.visible()) return survivors_.merge(filtered_, typed, wanted_drafts());
  if (matches && request.id < drafts_request_ && !survivors_.empty()) return;
  const bool late = survivors_.empty() && !manual_ && now - last_change_ > tuned("late");
  if (matches && !late && survivors_.load(filtered_, typed, wanted_drafts())) {
    drafts_request_ = request.id;
  } else {
    count_once(request, kWholeJob, matches && late ? Reason::late : Reason::stale);
  }
}

}  // namespace foreword::ui::autocomplete
