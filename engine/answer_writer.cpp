#include "engine/answer_writer.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr std::size_t kShortestEdit = 40;  // bytes

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

AnswerWriter::AnswerWriter(LoadedModel& model, Drafting* drafting, const Generate& request, Hooks hooks)
    : model_(model), tokenizer_(*model.tokenizer()), drafting_(drafting), request_(request), hooks_(std::move(hooks)),
      sampler_(request.sampling) {
  std::vector<std::string> stops = request.stop;
  const bool chat = std::holds_alternative<std::vector<ChatMessage>>(request.prompt);
  if (chat) {
    const auto more = model.chat_template()->stop_strings();
    stops.insert(stops.end(), more.begin(), more.end());
  }
  decoder_.emplace(tokenizer_, chat && request.answer_so_far.empty());  // an answer is a text of its own, a continuation is not
  filter_.emplace(std::move(stops));
}

// Rows of the matrix beyond the vocabulary are padding that no text belongs to.
std::span<const float> AnswerWriter::named(std::span<const float> logits) const {
  return logits.first(std::min(logits.size(), static_cast<std::size_t>(tokenizer_.size())));
}

bool AnswerWriter::may_go_on(std::int64_t length) {
  if (request_.max_tokens >= 0 && stats_->n_tokens >= request_.max_tokens) stats_->stop_reason = StopReason::length;
  else if (length >= model_.model().context) stats_->stop_reason = StopReason::context;
  else return true;
  return false;
}

bool AnswerWriter::take(TokenId token, std::int64_t length) {
  if (stats_->n_tokens == 0) {
    first_token_ = Clock::now();
    stats_->first_token_seconds = seconds_between(arrived_, first_token_);
  }
  if (tokenizer_.is_end_of_generation(token)) {
    stats_->stop_reason = StopReason::eos;
    return false;
  }
  ++stats_->n_tokens;
  const double elapsed = seconds_between(first_token_, Clock::now());
  const double speed = stats_->n_tokens > 1 && elapsed > 0 ? static_cast<double>(stats_->n_tokens - 1) / elapsed : 0;
  hooks_.say({request_.id, filter_->push(decoder_->push(token)), {token}, speed, length});
  if (filter_->hit()) stats_->stop_reason = StopReason::stop_string;
  return !filter_->hit();
}

Result<void> AnswerWriter::write(const std::vector<TokenId>& prompt, std::span<const float> logits, PrefixTree::Text& known,
                                 Clock::time_point arrived, GenerationStats& stats) {
  stats_ = &stats;
  arrived_ = arrived;
  std::vector<TokenId> text = prompt;     // with every token that was chosen, also behind the end of the answer
  std::int64_t length = std::ssize(prompt);  // of the text as far as the answer goes
  VerifyResult chosen;
  const std::vector<std::int64_t> before = drafting_ != nullptr ? drafting_->speculation.stats().accepted : std::vector<std::int64_t>();
  if (may_go_on(length)) {
    const TokenId first = sampler_.sample(named(logits), text, length, tokenizer_.suppressed());
    if (first < 0) return Error{ErrorCode::corrupt, "The model computed no usable number; its file may be damaged."};
    follow(text);
    if (drafting_ != nullptr) drafting_->speculation.expect_copy_of(tokenizer_.encode(text_to_edit(request_), {}));
    text.push_back(first);
    follow(text);
    chosen.tokens = {first};
  }
  bool goes_on = !chosen.tokens.empty();
  while (goes_on) {
    for (const TokenId token : chosen.tokens) {
      goes_on = goes_on && may_go_on(length) && take(token, length + 1);
      if (!goes_on) break;
      ++length;
    }
    if (!goes_on) break;
    if (hooks_.stop_wanted()) {
      stats.stop_reason = StopReason::cancelled;
      break;
    }
    if (!may_go_on(length)) break;  // the next tokens would not be used
    if (chosen.exhausted) return Error{ErrorCode::corrupt, "The model computed no usable number; its file may be damaged."};
    FW_ASSIGN(chosen, pass(text, known));
  }
  known.cut(model_.cache().truncate(known.sequence, std::min(model_.cache().length(known.sequence), length)));
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Speculation& speculation = drafting_->speculation;
    stats.drafters.push_back({speculation.drafters()[i].row->name, speculation.stats().accepted[i] - before[i]});
  }
  if (stats.n_tokens > 0) stats.decode_seconds = seconds_between(first_token_, Clock::now());
  const std::string rest = filter_->push(decoder_->finish()) + filter_->finish();
  if (!rest.empty()) hooks_.say({request_.id, rest, {}, 0, length});
  return {};
}

void AnswerWriter::follow(const std::vector<TokenId>& text) {
  if (drafting_ == nullptr) return;
  std::vector<TokenId>& followed = drafting_->followed;
  const auto kept = std::ranges::mismatch(followed, text).in1 - followed.begin();
  drafting_->speculation.begin(text, static_cast<std::size_t>(kept));
  followed = text;
}

// The text's last token, which the cache does not hold yet, and drafts behind it.
Result<VerifyResult> AnswerWriter::pass(std::vector<TokenId>& text, PrefixTree::Text& known) {
  KvCache& cache = model_.cache();
  const std::int64_t left = model_.model().context - std::ssize(text) + 1;
  const std::int64_t most = std::min({model_.forward().max_rows(), left, cache.n_steady(known.sequence)});
  const DraftTree alone(text.back());
  Speculation* speculation = drafting_ != nullptr ? &drafting_->speculation : nullptr;
  const DraftTree& tree = speculation != nullptr
                              ? speculation->draft(text, request_.sampling, std::ssize(text), static_cast<int>(std::max<std::int64_t>(most, 1)))
                              : alone;
  batch_.clear();
  for (std::int32_t node = 0; node < tree.size(); ++node) {
    const auto n = static_cast<std::size_t>(node);
    batch_.add(tree.token[n], known.sequence, tree.parent[n], true);
  }
  Walk walk(tree, speculation != nullptr ? speculation->mode() : VerifyMode::gumbel, sampler_,
            {&text, std::ssize(text), tokenizer_.suppressed(), [this](TokenId token) { return tokenizer_.is_end_of_generation(token); }});
  const Clock::time_point begin = Clock::now();
  FW_TRY(model_.forward().run(batch_, [&](std::int64_t row, std::span<const float> logits) {
    const auto node = static_cast<std::int32_t>(row);
    if (speculation != nullptr) speculation->observe(node, walk.wants(node), named(logits));
    if (walk.wants(node)) walk.take(named(logits));
  }));
  VerifyResult result = walk.result();
  for (const std::int32_t node : result.path) known.tokens.push_back(tree.token[static_cast<std::size_t>(node)]);
  FW_TRY(cache.accept(known.sequence, result.path));
  if (speculation != nullptr) {
    speculation->learn(text, result, static_cast<int>(batch_.size()), seconds_between(begin, Clock::now()));
    drafting_->followed = text;
  }
  ++stats_->passes;
  return result;
}

std::string text_to_edit(const Generate& request) {
  const auto* messages = std::get_if<std::vector<ChatMessage>>(&request.prompt);
  if (messages == nullptr || messages->empty() || messages->back().role != Role::user) return {};
  const std::string& asked = messages->back().content;
  const std::size_t line = asked.find('\n'), colon = asked.find(": ");
  std::size_t begin = std::min(line, colon);
  if (begin == std::string::npos) return {};
  begin = asked.find_first_not_of(" \n", begin + 1);
  if (begin == std::string::npos || asked.size() - begin < kShortestEdit) return {};
  return asked.substr(begin);
}

}  // namespace foreword::engine
