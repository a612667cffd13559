#include "app/suggest_letters.h"

#include <algorithm>

namespace foreword::app {

using ui::autocomplete::Draft;
using ui::autocomplete::DraftsEvent;
using ui::autocomplete::Letter;
using ui::autocomplete::Reason;

namespace {

Reason reason_of(const engine::Drafts& drafts) {
  if (drafts.reason == engine::SuggestReason::busy) return Reason::busy;
  return drafts.reason == engine::SuggestReason::done && drafts.drafts.empty() ? Reason::low_confidence : Reason::none;
}

}  // namespace

engine::Suggest SuggestLetters::suggest_of(const Letter& letter, const SuggestContext& context) const {
  engine::Suggest suggest;
  suggest.id = base_ + letter.request;
  suggest.context = context.text;
  suggest.before = letter.before;
  if (auto* messages = std::get_if<std::vector<engine::ChatMessage>>(&suggest.context);
      messages != nullptr && !messages->empty() && messages->back().role == engine::Role::user) {
    suggest.before.insert(0, messages->back().content + "\n\n");
    messages->pop_back();
  }
  suggest.limits.count = letter.limits.count;
  suggest.limits.max_tokens = letter.limits.tokens;
  suggest.limits.least_mean_log_prob = letter.limits.min_mean_log_prob;
  suggest.seconds = letter.limits.work / 1000;
  suggest.most_context = context.most_tokens;
  suggest.chat = context.chat;
  suggest.own_texts = context.own_texts;
  suggest.thinking = context.thinking;
  return suggest;
}

/// Of an advance the tokens stay as they were, which is what the engine makes of a limit below the present one.
engine::AdjustDrafts SuggestLetters::adjust_of(const Letter& letter) const {
  engine::AdjustDrafts adjust{base_ + letter.request, {}, letter.kind == Letter::Kind::extend ? letter.limits.tokens : 0};
  for (const ui::autocomplete::DraftId id : letter.drafts) adjust.ids.push_back(static_cast<std::int32_t>(id));
  return adjust;
}

std::optional<engine::Command> SuggestLetters::command_of(const Letter& letter, const SuggestContext& context) const {
  switch (letter.kind) {
    case Letter::Kind::suggest: return suggest_of(letter, context);
    case Letter::Kind::extend: return letter.drafts.empty() ? engine::Command(suggest_of(letter, context)) : adjust_of(letter);
    case Letter::Kind::advance:
      if (letter.drafts.empty()) return std::nullopt;  // none is given up
      return adjust_of(letter);
    case Letter::Kind::cancel: return engine::CancelSuggest{base_ + letter.request};
  }
  return std::nullopt;
}

DraftsEvent SuggestLetters::event_of(const engine::Drafts& drafts) {
  if (drafts.id != request_) request_ = drafts.id, decoded_ = dropped_ = 0;
  DraftsEvent event;
  event.request = drafts.id - base_;
  event.finished = drafts.reason != engine::SuggestReason::running;
  event.reason = reason_of(drafts);
  std::uint64_t kept = 0;
  for (const engine::Draft& draft : drafts.drafts) {
    const bool ended = draft.end != engine::DraftEnd::running && draft.end != engine::DraftEnd::length;
    event.drafts.push_back({static_cast<ui::autocomplete::DraftId>(draft.id), draft.text, draft.score, ended});
    kept += draft.ids.size();
  }
  const auto decoded = std::max(static_cast<std::uint64_t>(drafts.decoded_tokens), decoded_);
  const std::uint64_t dropped = std::max(event.finished && decoded > kept ? decoded - kept : 0, dropped_);
  event.tokens_decoded = decoded - decoded_;
  event.tokens_dropped = dropped - dropped_;
  decoded_ = decoded, dropped_ = dropped;
  return event;
}

}  // namespace foreword::app
