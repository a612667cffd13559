#include "app/suggestion_desk.h"

#include <algorithm>
#include <utility>

namespace foreword::app {
namespace {

using ui::autocomplete::Letter;

constexpr std::size_t kMostNews = 4;  // requests that the advisor still knows

}  // namespace

std::optional<engine::Command> SuggestionDesk::command_of(const Letter& letter, const std::function<Chat()>& chat) {
  const bool known = letter.request == job_.request;
  switch (letter.kind) {
    case Letter::Kind::suggest:
    case Letter::Kind::extend:
      if (letter.kind == Letter::Kind::suggest || letter.drafts.empty()) {
        job_ = letter;
        return begin(chat(), letter.limits.tokens);
      }
      if (known && !job_alive_) return begin(chat(), letter.limits.tokens);
      break;
    case Letter::Kind::advance:
      if (!job_alive_) return std::nullopt;
      break;
    case Letter::Kind::cancel:
      if (known) job_alive_ = false;
      return letters_.command_of(letter, {});
  }
  return known ? letters_.command_of(letter, {}) : std::nullopt;
}

std::optional<engine::Command> SuggestionDesk::begin(Chat chat, int tokens) {
  job_alive_ = true;
  Letter job = job_;
  job.kind = Letter::Kind::suggest;
  job.limits.tokens = tokens;
  return letters_.command_of(job, {std::move(chat.messages), engine::Suggest{}.most_context, chat.owner, chat.own_texts, chat.thinking});
}

void SuggestionDesk::on(const engine::Drafts& drafts, ui::SuggestionsView& view) {
  using engine::SuggestReason;
  const bool over = drafts.reason != SuggestReason::running, goes_on = !over || drafts.reason == SuggestReason::done;
  if (drafts.id == job_.request && !goes_on) job_alive_ = false;
  if (drafts.reason == SuggestReason::failed) view.failure = drafts.message;
  if (drafts.reason == SuggestReason::done) view.failure.clear();
  ui::autocomplete::DraftsEvent event = letters_.event_of(drafts);
  // An event may be overtaken by the next before anybody looks, so tokens are counted here.
  view.tokens_decoded += std::exchange(event.tokens_decoded, 0);
  view.tokens_dropped += std::exchange(event.tokens_dropped, 0);
  // An event says all that those before it said of its request.
  std::erase_if(view.news, [&](const ui::SuggestionNews& news) { return news.event.request == drafts.id; });
  view.news.push_back({++serial_, std::move(event)});
  if (view.news.size() > kMostNews) view.news.erase(view.news.begin());
}

}  // namespace foreword::app
