#include "app/suggestion_desk.h"

#include <algorithm>
#include <utility>

namespace foreword::app {
namespace {

using ui::autocomplete::Letter;

constexpr std::size_t kMostNews = 4;  // requests that the advisor still knows

}  // namespace

std::optional<engine::Command> SuggestionDesk::command_of(const Letter& letter, const std::function<Chat()>& chat) {
  const bool fresh = letter.kind == Letter::Kind::suggest || (letter.kind == Letter::Kind::extend && letter.drafts.empty());
  if (fresh) {
    job_ = letter;
    return begin(chat(), letter.limits.tokens);
  }
  const bool known = letter.request == job_.request;
  if (letter.kind == Letter::Kind::cancel) {
    if (known) job_alive_ = false;
  } else if (!known || (!job_alive_ && letter.kind == Letter::Kind::advance)) {
    return std::nullopt;
  } else if (!job_alive_) {
    return begin(chat(), letter.limits.tokens);
  }
  return letters_.command_of(letter, {});
}

/// A question that nobody has answered yet is one turn with what is being written, as it will be sent.
engine::Command SuggestionDesk::begin(Chat chat, std::int64_t tokens) {
  job_alive_ = true;
  Letter letter = job_;
  letter.kind = Letter::Kind::suggest;
  letter.limits.tokens = static_cast<int>(tokens);
  if (!chat.messages.empty() && chat.messages.back().role == engine::Role::user) {
    letter.before.insert(0, chat.messages.back().content + "\n\n");
    chat.messages.pop_back();
  }
  SuggestContext context;
  context.text = std::move(chat.messages);
  context.chat = chat.owner;
  return *letters_.command_of(letter, context);
}

void SuggestionDesk::on(const engine::Drafts& drafts, ui::SuggestionsView& view) {
  using engine::SuggestReason;
  const bool goes_on = drafts.reason == SuggestReason::running || drafts.reason == SuggestReason::done;
  if (drafts.id == job_.request && !goes_on) job_alive_ = false;
  if (drafts.reason == SuggestReason::failed) view.failure = drafts.message;
  if (drafts.reason == SuggestReason::done) view.failure.clear();
  ui::SuggestionNews news{++serial_, letters_.event_of(drafts)};
  view.tokens_decoded += std::exchange(news.event.tokens_decoded, 0);
  view.tokens_dropped += std::exchange(news.event.tokens_dropped, 0);
  // An event says all that those before it said of its request.
  std::erase_if(view.news, [&](const ui::SuggestionNews& older) { return older.event.request == drafts.id; });
  view.news.push_back(std::move(news));
  if (view.news.size() > kMostNews) view.news.erase(view.news.begin());
}

}  // namespace foreword::app
