#include "engine/suggestion.h"

#include <algorithm>

namespace foreword::engine {
namespace {

// Stands where the user's text is to come, so that the template shows where that is. A word that no template changes.
constexpr std::string_view kMarker = "ForewordCaret";
// Rows read at once: a newer key is obeyed between them.
constexpr std::int64_t kRowsAtOnce = 64;

double seconds_between(Suggestion::Clock::time_point from, Suggestion::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// The template's text before an open user turn behind these messages.
Result<std::vector<TextSpan>> open_turn(const LoadedModel& loaded, std::vector<ChatMessage> messages, const std::tm& now) {
  messages.push_back({Role::user, std::string(kMarker), {}});
  const Tokenizer& tokenizer = *loaded.tokenizer();
  ChatTemplateOptions options;
  options.add_generation_prompt = false;
  options.now = now;
  if (tokenizer.bos() != kNoToken) options.bos_token = tokenizer.text(tokenizer.bos());
  if (tokenizer.eos() != kNoToken) options.eos_token = tokenizer.text(tokenizer.eos());
  FW_ASSIGN(std::vector<TextSpan> spans, loaded.chat_template()->render(messages, options));
  while (!spans.empty()) {
    TextSpan& last = spans.back();
    if (const std::size_t at = last.text.rfind(kMarker); !last.trusted && at != std::string::npos) {
      last.text.resize(at);
      return spans;
    }
    spans.pop_back();
  }
  return Error{ErrorCode::unsupported, "This model's chat template does not show where a turn of the user begins, so there are no suggestions."};
}

std::vector<TokenId> encode_spans(const Tokenizer& tokenizer, const std::vector<TextSpan>& spans) {
  std::vector<TokenId> ids = tokenizer.encode(spans, {.parse_special = true});
  const TokenId bos = tokenizer.bos();
  if (tokenizer.adds_bos() && bos != kNoToken && (ids.empty() || ids.front() != bos)) ids.insert(ids.begin(), bos);
  return ids;
}

}  // namespace

Result<SuggestionPrompt> encode_suggestion(const LoadedModel& loaded, const TokenBytes& bytes, const Suggest& request, const std::tm& now) {
  const Tokenizer& tokenizer = *loaded.tokenizer();
  std::vector<TextSpan> spans;
  if (const auto* text = std::get_if<std::string>(&request.context)) {
    spans.push_back({*text, false});
  } else {
    std::vector<ChatMessage> messages = std::get<std::vector<ChatMessage>>(request.context);
    const auto oldest = [&] { return std::ranges::find_if(messages, [](const ChatMessage& m) { return m.role != Role::system; }); };
    for (;;) {
      FW_ASSIGN(spans, open_turn(loaded, messages, now));
      if (std::ssize(encode_spans(tokenizer, spans)) <= request.most_context || oldest() == messages.end()) break;
      // Whole exchanges, so that a template which wants turns to alternate stays content.
      messages.erase(oldest());
      while (oldest() != messages.end() && oldest()->role != Role::user) messages.erase(oldest());
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

Suggestion::Suggestion(LoadedModel& loaded, const TokenBytes& bytes, Suggest request, Clock::time_point arrived)
    : loaded_(loaded), bytes_(bytes), request_(std::move(request)), arrived_(arrived),
      job_(*loaded.tokenizer(), bytes, loaded.cache(), request_.limits) {
  told_.id = request_.id;
}

Result<bool> Suggestion::start(const std::tm& now, const std::function<bool()>& go_on, const std::function<void(const Drafts&)>& tell) {
  FW_ASSIGN(const SuggestionPrompt prompt, encode_suggestion(loaded_, bytes_, request_, now));
  if (prompt.tokens.empty()) return Error{ErrorCode::invalid_argument, "There is no text to continue."};
  const auto wanted = std::span(prompt.tokens).first(prompt.held.n_kept);
  if (std::ssize(wanted) + request_.limits.max_tokens >= loaded_.model().context) {
    return Error{ErrorCode::invalid_argument, "The text before the caret does not fit into the context."};
  }
  PrefixTree::Text& text = loaded_.texts().open(wanted.first(wanted.size() - 1), request_.chat);
  const TextInUse in_use(loaded_.texts(), text);
  told_.prompt_tokens = std::ssize(wanted);
  told_.reused_tokens = std::ssize(text.tokens);
  std::vector<float> logits;
  while (text.tokens.size() < wanted.size()) {
    if (!go_on()) return false;
    const auto chunk = wanted.subspan(text.tokens.size()).first(std::min<std::size_t>(kRowsAtOnce, wanted.size() - text.tokens.size()));
    const bool last = text.tokens.size() + chunk.size() == wanted.size();
    FW_TRY(loaded_.read(
        text.sequence, chunk, [&](std::int64_t i) { return last && i + 1 == std::ssize(chunk); },
        [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); }));
    text.tokens.insert(text.tokens.end(), chunk.begin(), chunk.end());
  }
  // Rows of the matrix beyond the vocabulary are padding that no text belongs to.
  const auto n_vocab = static_cast<std::size_t>(loaded_.tokenizer()->size());
  logits.resize(std::min(logits.size(), n_vocab));
  std::string_view held = prompt.held.held;
  while (const auto token = settled(bytes_, logits, held)) {
    FW_TRY(loaded_.read(
        text.sequence, std::span(&*token, 1), [](std::int64_t) { return true; },
        [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(logits.size())); }));
    text.tokens.push_back(*token);
    held.remove_prefix(bytes_.of(*token).size());
  }
  told_.prompt_seconds = seconds_between(arrived_, Clock::now());
  FW_TRY(job_.branch(text.sequence, logits, held));
  return resume(go_on, tell);
}

Result<bool> Suggestion::resume(const std::function<bool()>& go_on, const std::function<void(const Drafts&)>& tell) {
  const auto n_vocab = static_cast<std::size_t>(loaded_.tokenizer()->size());
  const Clock::time_point begin = Clock::now();
  Batch batch;
  while (job_.running()) {
    if (!go_on()) return false;
    if (request_.seconds > 0 && seconds_between(begin, Clock::now()) > request_.seconds) break;
    batch.clear();
    FW_TRY(job_.add_rows(batch));
    if (batch.size() == 0) break;  // meanwhile all that ran was given up
    FW_TRY(loaded_.forward().run(batch, [&](std::int64_t row, std::span<const float> logits) {
      job_.take(row, logits.first(std::min(logits.size(), n_vocab)));
    }));
    FW_TRY(job_.end_step());
    told_.decoded_tokens += batch.size();
    Drafts now = drafts();
    const auto texts = [](const Drafts& drafts) {
      std::string all;
      for (const Draft& draft : drafts.drafts) all += draft.text + '\n';
      return all;
    };
    if (texts(now) != texts(told_)) {
      if (told_.first_word_seconds == 0 && !now.drafts.empty() && !now.drafts.front().text.empty()) {
        told_.first_word_seconds = seconds_between(arrived_, Clock::now());
      }
      now.first_word_seconds = told_.first_word_seconds;
      told_.drafts = now.drafts;
      tell(now);
    }
  }
  return true;
}

Drafts Suggestion::drafts() const {
  Drafts result = told_;
  result.drafts = job_.drafts();
  result.seconds = seconds_between(arrived_, Clock::now());
  return result;
}

}  // namespace foreword::engine
