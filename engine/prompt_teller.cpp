#include "engine/prompt_teller.h"

#include <algorithm>
#include <utility>

namespace foreword::engine {
namespace {

constexpr std::int64_t kFirst = 2, kLast = 3, kRank = 4;  // as files number poolings

}  // namespace

PromptTeller::PromptTeller(const Model& model, const Tokenizer& tokenizer, const Generate& request)
    : tokenizer_(tokenizer), id_(request.id), n_best_(request.chances), chances_(request.prompt_chances), state_(request.wanted == Wanted::state),
      decoder_(tokenizer, true), pool_(model.config.pooling == kLast ? Pooling::last : Pooling::mean) {}

LogitWish PromptTeller::wish(std::int64_t at, std::int64_t n) const {
  if (state_) return LogitWish::state();
  return chances_ && at + 1 < n && at + 1 >= n_told_;
}

void PromptTeller::take(std::int64_t at, const LogitRow& row, const std::vector<TokenId>& text) {
  if (state_) pool_.add(row.state());
  else next_.push_back(chances_of(tokenizer_, row, text[static_cast<std::size_t>(at + 1)], n_best_));
}

void PromptTeller::take_back() {
  next_.clear();
  pool_.take_back();
}

void PromptTeller::end_step(const std::vector<TokenId>& text, const std::function<void(Event)>& say) {
  pool_.keep();
  if (!chances_ || (next_.empty() && n_told_ > 0)) return;
  if (n_told_ == 0) next_.insert(next_.begin(), chances_of_first(tokenizer_, text.front()));
  PromptChances told{id_, {}, std::exchange(next_, {})};
  for (TokenChances& token : told.tokens) {
    token.begin = decoded_ + std::ssize(told.text);
    told.text += decoder_.push(token.chosen.token);
  }
  n_told_ += std::ssize(told.tokens);
  decoded_ += std::ssize(told.text);
  say(std::move(told));
}

void PromptTeller::end(const std::function<void(Event)>& say) const {
  if (state_) say(PromptTold{.id = id_, .ids = {}, .pieces = {}, .text = {}, .state = pool_.pooled()});
}

Result<Prompt> encode_request(const LoadedModel& model, const Generate& request, const std::tm& now) {
  if (const auto* text = std::get_if<std::string>(&request.prompt); text != nullptr && request.encoding) {
    return Prompt{model.tokenizer()->encode(*text, *request.encoding), {}};
  }
  return encode_prompt(model, request.prompt, request.answer_so_far, now, request.thinking, request.tools);
}

Result<PromptTold> tokens_of(const LoadedModel& model, const Generate& request, const std::tm& now) {
  FW_ASSIGN(Prompt prompt, encode_request(model, request, now));
  const Tokenizer& tokenizer = *model.tokenizer();
  PromptTold told{.id = request.id, .ids = std::move(prompt.tokens), .pieces = {}, .text = {}, .state = {}};
  for (const TokenId id : told.ids) told.pieces.push_back(bytes_of(tokenizer, id));
  told.text = tokenizer.decode(told.ids, {.show_special = true, .clean_spaces = false});
  return told;
}

Result<void> check_wanted(const LoadedModel& model, const Generate& request) {
  for (const TokenBias& bias : request.sampling.bias) {
    if (bias.token < 0 || bias.token >= model.tokenizer()->size()) {
      return Error{ErrorCode::invalid_argument, "A bias is given for token " + std::to_string(bias.token) + ", but those of this model go from 0 to " + std::to_string(model.tokenizer()->size() - 1) + "."};
    }
  }
  const std::int64_t pooling = model.model().config.pooling;
  if (request.wanted != Wanted::state || (pooling != kFirst && pooling != kRank)) return {};
  return Error{ErrorCode::unsupported, "This model's file wants its texts pooled in a way that this version does not know; use another model for embeddings."};
}

}  // namespace foreword::engine
