#include "engine/suggestion.h"

#include <algorithm>

#include "engine/template/prompt.h"

namespace foreword::engine {
namespace {

// Tokens between the last one of an answer, which is known, and the text of the next turn; and a few more.
constexpr std::int64_t kEndOfTurn = 16;
// Rows read at once: a newer key is obeyed between them.
constexpr std::int64_t kRowsAtOnce = 64;

double seconds_between(Suggestion::Clock::time_point from, Suggestion::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Result<std::vector<TextSpan>> open_turn(const LoadedModel& loaded, const std::vector<ChatMessage>& messages, const std::tm& now, std::optional<bool> thinking) {
  ChatTemplateOptions options;
  options.now = now;
  options.thinking = thinking;
  return render_open_turn(*loaded.chat_template(), *loaded.tokenizer(), messages, std::move(options));
}

std::vector<TokenId> encode_spans(const Tokenizer& tokenizer, const std::vector<TextSpan>& spans) {
  std::vector<TokenId> ids = tokenizer.encode(spans, {.parse_special = true});
  const TokenId bos = tokenizer.bos();
  if (tokenizer.adds_bos() && bos != kNoToken && (ids.empty() || ids.front() != bos)) ids.insert(ids.begin(), bos);
  return ids;
}

/// Leaves out the oldest exchanges, at least one, until about this share of the text is left. Whole exchanges, so that a template
/// which wants turns to alternate stays content; the system prompt stays. False: there is none.
bool drop_oldest(std::vector<ChatMessage>& messages, double share) {
  const auto oldest = std::ranges::find_if(messages, [](const ChatMessage& m) { return m.role != Role::system; });
  std::size_t bytes = 0;
  for (auto each = oldest; each != messages.end(); ++each) bytes += each->content.size();
  const double wanted = share * static_cast<double>(bytes);
  auto end = oldest;
  while (end != messages.end() && (end == oldest || end->role != Role::user || static_cast<double>(bytes) > wanted)) bytes -= (end++)->content.size();
  messages.erase(oldest, end);
  return end != oldest;
}

}  // namespace

Result<std::vector<TokenId>> encode_open_turn(const LoadedModel& loaded, const std::vector<ChatMessage>& messages, const std::tm& now,
                                              std::optional<bool> thinking) {
  FW_ASSIGN(const std::vector<TextSpan> spans, open_turn(loaded, messages, now, thinking));
  return encode_spans(*loaded.tokenizer(), spans);
}

Result<SuggestionPrompt> encode_suggestion(LoadedModel& loaded, const TokenBytes& bytes, const Suggest& request, const std::tm& now) {
  const Tokenizer& tokenizer = *loaded.tokenizer();
  std::vector<TextSpan> spans;
  if (const auto* text = std::get_if<std::string>(&request.context)) {
    spans.push_back({*text, false});
  } else {
    std::vector<ChatMessage> messages = std::get<std::vector<ChatMessage>>(request.context);
    for (;;) {
      FW_ASSIGN(spans, open_turn(loaded, messages, now, request.thinking));
      const std::vector<TokenId> tokens = encode_spans(tokenizer, spans);
      const std::int64_t n = std::ssize(tokens);
      const bool fits = n + std::ssize(request.before) + request.limits.max_tokens < loaded.model().context;  // a token is a byte or more
      if (n <= request.most_context || (fits && loaded.texts().known(tokens, request.chat) >= n - std::min(kEndOfTurn, n / 2))) break;
      if (!drop_oldest(messages, static_cast<double>(request.most_context) / static_cast<double>(n))) break;
    }
  }
  const std::size_t floor = encode_spans(tokenizer, spans).size();
  spans.push_back({request.before, false});
  SuggestionPrompt prompt;
  prompt.tokens = encode_spans(tokenizer, spans);
  // At least one token has to be read for its logits.
  prompt.held = hold_back(bytes, prompt.tokens, std::min(std::max<std::size_t>(floor, 1), prompt.tokens.size()));
  return prompt;
}

Suggestion::Suggestion(LoadedModel& loaded, const TokenBytes& bytes, const Ngrams* own, Suggest request, Clock::time_point arrived, std::function<void(Event)> say)
    : loaded_(loaded), bytes_(bytes), own_(own), request_(std::move(request)), arrived_(arrived), say_(std::move(say)),
      job_(*loaded.tokenizer(), bytes, loaded.cache(), request_.limits) {
  told_.id = request_.id;
}

void Suggestion::begin(const std::tm& now) {
  if (auto opened = open(now); !opened) fail(opened.error());
}

Result<void> Suggestion::open(const std::tm& now) {
  FW_ASSIGN(prompt_, encode_suggestion(loaded_, bytes_, request_, now));
  if (prompt_.tokens.empty()) return Error{ErrorCode::invalid_argument, "There is no text to continue."};
  prompt_.tokens.resize(prompt_.held.n_kept);
  if (std::ssize(prompt_.tokens) + request_.limits.max_tokens >= loaded_.model().context) {
    return Error{ErrorCode::invalid_argument, "The text before the caret has " + std::to_string(prompt_.tokens.size()) + " tokens, which with " +
                                                  std::to_string(request_.limits.max_tokens) + " more do not fit the context of " +
                                                  std::to_string(loaded_.model().context) + "; use a larger --context, or ask for fewer."};
  }
  held_ = prompt_.held.held;
  text_ = &loaded_.texts().open(std::span(prompt_.tokens).first(prompt_.tokens.size() - 1), request_.chat);
  in_use_.emplace(loaded_.texts(), *text_);
  told_.prompt_tokens = std::ssize(prompt_.tokens);
  told_.reused_tokens = std::ssize(text_->tokens);
  phase_ = Phase::reading;
  return {};
}

Work::Need Suggestion::need() const {
  Need need{.urgency = Urgency::typing};
  if (text_ != nullptr) need.depth = std::ssize(text_->tokens);
  else need.depth = told_.prompt_tokens;
  if (phase_ == Phase::reading) need.unread = std::ssize(prompt_.tokens) - std::ssize(text_->tokens);
  if (phase_ == Phase::settling) need.roots = 1;
  if (phase_ == Phase::drafting) need.roots = DraftJob::most_rows(request_.limits);
  return need;
}

void Suggestion::add_rows(Batch& batch, const Room& room) {
  const std::int64_t begin = batch.size();
  if (phase_ == Phase::reading) {
    const std::int64_t unread = need().unread, n = std::min({room.rows, unread, kRowsAtOnce, loaded_.cache().n_steady(text_->sequence)});
    std::int32_t parent = -1;
    for (std::int64_t i = 0; i < n; ++i) {
      parent = batch.add(prompt_.tokens[text_->tokens.size() + static_cast<std::size_t>(i)], text_->sequence, parent, i + 1 == unread);
    }
  } else if (phase_ == Phase::settling) {
    batch.add(settled_, text_->sequence, -1, true);
  } else if (auto added = job_.add_rows(batch); !added) {
    fail(added.error());
  }
  n_rows_ = batch.size() - begin;
}

void Suggestion::take(std::int64_t row, const LogitRow& logits) {
  // Rows of the matrix beyond the vocabulary are padding that no text belongs to.
  const std::span<const float> named = logits.first(static_cast<std::size_t>(loaded_.tokenizer()->size()));
  if (phase_ == Phase::drafting) job_.take(row, named);
  else logits_.assign(named.begin(), named.end());
}

void Suggestion::end_step(const Pass&) {
  if (auto kept = keep_rows(); !kept) fail(kept.error());
}

Result<void> Suggestion::keep_rows() {
  if (phase_ == Phase::drafting) {
    FW_TRY(job_.end_step());
    told_.decoded_tokens += n_rows_;
    tell_growth();
    const bool late = request_.seconds > 0 && seconds_between(drafting_since_, Clock::now()) > request_.seconds;
    if (!job_.running() || late) end(Phase::resting, SuggestReason::done);
    return {};
  }
  if (gone()) return {};
  FW_TRY(loaded_.cache().commit(text_->sequence, n_rows_));
  if (phase_ == Phase::settling) {
    text_->tokens.push_back(settled_);
    held_.remove_prefix(bytes_.of(settled_).size());
    return go_on();
  }
  const auto first = prompt_.tokens.begin() + std::ssize(text_->tokens);
  text_->tokens.insert(text_->tokens.end(), first, first + n_rows_);
  return text_->tokens.size() == prompt_.tokens.size() ? go_on() : Result<void>();
}

Result<void> Suggestion::go_on() {
  const auto token = settled(bytes_, logits_, held_);
  phase_ = token ? Phase::settling : Phase::drafting;
  if (token) {
    settled_ = *token;
    return {};
  }
  drafting_since_ = Clock::now();
  told_.prompt_seconds = seconds_between(arrived_, drafting_since_);
  FW_TRY(job_.branch(text_->sequence, logits_, held_, text_->tokens, remembered_for(own_, text_->tokens, here_)));
  in_use_.reset();
  text_ = nullptr;
  if (!job_.running()) end(Phase::resting, SuggestReason::done);
  return {};
}

void Suggestion::tell_growth() {
  Drafts now = drafts();
  const auto texts = [](const Drafts& drafts) {
    std::string all;
    for (const Draft& draft : drafts.drafts) all += draft.text + '\n';
    return all;
  };
  if (texts(now) == texts(told_)) return;
  if (told_.first_word_seconds == 0 && !now.drafts.empty() && !now.drafts.front().text.empty()) {
    told_.first_word_seconds = seconds_between(arrived_, Clock::now());
  }
  now.first_word_seconds = told_.first_word_seconds;
  told_.drafts = now.drafts;
  say_(std::move(now));
}

void Suggestion::adjust(const AdjustDrafts& command) {
  job_.extend(command.max_tokens);
  if (phase_ != Phase::drafting && phase_ != Phase::resting) return;
  job_.keep_only(command.ids);
  if (phase_ == Phase::resting) drafting_since_ = Clock::now();
  phase_ = Phase::drafting;
  if (!job_.running()) end(Phase::resting, SuggestReason::done);
}

void Suggestion::cancel() {
  if (running()) end(Phase::gone, SuggestReason::cancelled);
  phase_ = Phase::gone;
}

void Suggestion::fail(const Error& error) {
  if (!running()) return;
  phase_ = Phase::gone;
  Drafts none;
  none.id = request_.id;
  none.reason = SuggestReason::failed;
  none.message = error.message;
  say_(std::move(none));
}

void Suggestion::end(Phase phase, SuggestReason reason) {
  phase_ = phase;
  Drafts last = drafts();
  last.reason = reason;
  say_(std::move(last));
}

Drafts Suggestion::drafts() const {
  Drafts result = told_;
  result.drafts = job_.drafts();
  result.seconds = seconds_between(arrived_, Clock::now());
  return result;
}

}  // namespace foreword::engine
