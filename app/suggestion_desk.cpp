#include "app/suggestion_desk.h"

#include <algorithm>
#include <utility>

namespace foreword::app {
namespace {

using ui::autocomplete::DraftsEvent;
using ui::autocomplete::Letter;
using ui::autocomplete::Reason;

constexpr std::size_t kMostNews = 4;  // requests that the advisor still knows

std::vector<std::int32_t> engine_ids(const Letter& letter) {
  std::vector<std::int32_t> ids;
  for (const auto id : letter.drafts) ids.push_back(static_cast<std::int32_t>(id));
  return ids;
}

/// A draft that runs, or stopped for its length only, may go on.
bool has_ended(engine::DraftEnd end) { return end != engine::DraftEnd::running && end != engine::DraftEnd::length; }

DraftsEvent event_of(const engine::Drafts& drafts) {
  DraftsEvent event;
  event.request = drafts.id;
  event.finished = drafts.reason != engine::SuggestReason::running;
  for (const engine::Draft& draft : drafts.drafts) {
    event.drafts.push_back({static_cast<ui::autocomplete::DraftId>(draft.id), draft.text, draft.score, has_ended(draft.end)});
  }
  if (drafts.reason == engine::SuggestReason::busy) event.reason = Reason::busy;
  if (drafts.reason == engine::SuggestReason::done && drafts.drafts.empty()) event.reason = Reason::low_confidence;
  return event;
}

}  // namespace

std::optional<engine::Command> SuggestionDesk::command_of(const Letter& letter, const std::function<Chat()>& chat) {
  const bool known = letter.request == job_.request;
  switch (letter.kind) {
    case Letter::Kind::suggest:
      job_ = letter;
      return begin(chat(), letter.limits.tokens);
    case Letter::Kind::extend:
      if (letter.drafts.empty()) {
        job_ = letter;
        return begin(chat(), letter.limits.tokens);
      }
      if (!known) return std::nullopt;
      if (!job_alive_) return begin(chat(), letter.limits.tokens);
      return engine::AdjustDrafts{letter.request, engine_ids(letter), letter.limits.tokens};
    case Letter::Kind::advance:
      if (!known || !job_alive_ || letter.drafts.empty()) return std::nullopt;
      return engine::AdjustDrafts{letter.request, engine_ids(letter), 0};
    case Letter::Kind::cancel: break;
  }
  if (known) job_alive_ = false;
  return engine::CancelSuggest{letter.request};
}

/// A question that nobody has answered yet is one turn with what is being written, as it will be sent.
engine::Command SuggestionDesk::begin(const Chat& chat, std::int64_t tokens) {
  job_alive_ = true;
  engine::Suggest suggest;
  suggest.id = job_.request;
  suggest.before = job_.before;
  suggest.chat = chat.owner;
  suggest.seconds = job_.limits.work / 1000;
  suggest.limits.count = job_.limits.count;
  suggest.limits.max_tokens = tokens;
  suggest.limits.least_mean_log_prob = job_.limits.min_mean_log_prob;
  std::vector<engine::ChatMessage> messages = chat.messages;
  if (!messages.empty() && messages.back().role == engine::Role::user) {
    suggest.before.insert(0, messages.back().content + "\n\n");
    messages.pop_back();
  }
  suggest.context = std::move(messages);
  return suggest;
}

/// The engine says how many in all of a request; the view how many in all.
void SuggestionDesk::count(const engine::Drafts& drafts, ui::SuggestionsView& view) {
  if (counted_ != drafts.id) counted_ = drafts.id, decoded_ = dropped_ = 0;
  view.tokens_decoded += static_cast<std::uint64_t>(std::max<std::int64_t>(0, drafts.decoded_tokens - decoded_));
  decoded_ = std::max(decoded_, drafts.decoded_tokens);
  if (drafts.reason == engine::SuggestReason::running) return;
  std::int64_t kept = 0;
  for (const engine::Draft& draft : drafts.drafts) kept += std::ssize(draft.ids);
  const std::int64_t dropped = std::max<std::int64_t>(0, decoded_ - kept);
  view.tokens_dropped += static_cast<std::uint64_t>(std::max<std::int64_t>(0, dropped - dropped_));
  dropped_ = std::max(dropped_, dropped);
}

void SuggestionDesk::on(const engine::Drafts& drafts, ui::SuggestionsView& view) {
  using engine::SuggestReason;
  const bool over = drafts.reason != SuggestReason::running, goes_on = !over || drafts.reason == SuggestReason::done;
  if (drafts.id == job_.request && !goes_on) job_alive_ = false;
  if (drafts.reason == SuggestReason::failed) view.failure = drafts.message;
  if (drafts.reason == SuggestReason::done) view.failure.clear();
  count(drafts, view);
  // An event says all that those before it said of its request.
  std::erase_if(view.news, [&](const ui::SuggestionNews& news) { return news.event.request == drafts.id; });
  view.news.push_back({++serial_, event_of(drafts)});
  if (view.news.size() > kMostNews) view.news.erase(view.news.begin());
}

}  // namespace foreword::app
