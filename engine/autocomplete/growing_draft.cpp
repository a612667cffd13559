#include "engine/autocomplete/growing_draft.h"

#include <algorithm>
#include <cmath>

#include "engine/autocomplete/words.h"
#include "engine/sampling/log_sum.h"
#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();
constexpr double kOwnWeight = 0.15, kHereWeight = 0.15;  // the former is A35's most
constexpr double kSurest = 0.98;  // the model always has a say
constexpr std::size_t kHereTokens = 512;
constexpr std::size_t kLongestFirstWord = 8;  // tokens; what goes on further counts as a word

}  // namespace

std::span<const float> allowed(const DraftGround& ground, std::string_view bytes, std::span<const float> logits, std::vector<float>& masked) {
  if (bytes.size() < ground.held.size()) {
    masked.assign(logits.size(), kNothing);
    for (const TokenId id : ground.bytes->agreeing(std::string_view(ground.held).substr(bytes.size()))) {
      masked[static_cast<std::size_t>(id)] = logits[static_cast<std::size_t>(id)];
    }
  } else {
    masked.assign(logits.begin(), logits.end());
    for (const TokenId id : ground.tokenizer->suppressed()) masked[static_cast<std::size_t>(id)] = kNothing;
  }
  return masked;
}

std::vector<Remembered> remembered_for(const Ngrams* own, std::span<const TokenId> text, Ngrams& here) {
  std::vector<Remembered> remembered;
  if (own != nullptr && !own->empty()) remembered.push_back({own, kOwnWeight, true});
  const std::span<const TokenId> end = text.last(std::min(text.size(), kHereTokens));
  here.clear();
  here.add(std::vector<TokenId>(end.begin(), end.end()));
  if (!here.empty()) remembered.push_back({&here, kHereWeight, false});
  return remembered;
}

std::span<const float> GrowingDraft::chances(const DraftGround& ground, bool aside, std::span<const float> logits, std::vector<float>& masked, Said& said) const {
  allowed(ground, bytes, logits, masked);
  said.sources.clear();
  if (ground.remembered.empty()) return masked;
  std::vector<TokenId> before(ground.before);
  before.insert(before.end(), draft.ids.begin(), draft.ids.end());
  said.logits = logits;
  said.log_sum = log_sum_of(masked).log_sum;
  if (said.log_sum == kNothing) return masked;
  for (std::size_t i = 0; i < ground.remembered.size(); ++i) {
    const Remembered& each = ground.remembered[i];
    Said::Source& source = said.sources.emplace_back();
    if (!each.leads && !aside) continue;
    const auto next = each.ngrams->after(before, masked, bytes.size() < ground.held.size());
    source.next.assign(next.begin(), next.end());
    for (const Ngrams::Next& one : next) source.known += one.chance;
    for (const Ngrams::Next& one : next) {
      const double weight = weights.empty() || !goes_on_inside(ground.bytes->of(one.token)) ? each.weight : weights[i];
      float& logit = masked[static_cast<std::size_t>(one.token)];
      const double model = std::exp(static_cast<double>(logit - said.log_sum));
      logit = said.log_sum + static_cast<float>(std::log(model + weight * one.chance / (1 - weight * source.known)));
    }
  }
  return masked;
}

void GrowingDraft::weigh(const DraftGround& ground, const Said& said, TokenId token) {
  if (said.sources.empty()) return;
  const bool inside = !weights.empty() && goes_on_inside(ground.bytes->of(token));
  const double model = std::exp(static_cast<double>(said.logits[static_cast<std::size_t>(token)] - said.log_sum));
  std::vector<double> next(said.sources.size());
  for (std::size_t i = 0; i < next.size(); ++i) {
    const Said::Source& source = said.sources[i];
    const double prior = inside ? weights[i] : ground.remembered[i].weight;
    const auto one = std::ranges::find(source.next, token, &Ngrams::Next::token);
    const double said_so = (one != source.next.end() ? one->chance : 0) + (1 - source.known) * model;
    const double all = prior * said_so + (1 - prior) * model;
    next[i] = all > 0 ? std::min(prior * said_so / all, kSurest) : prior;
  }
  weights = std::move(next);
}

void GrowingDraft::grow(const DraftGround& ground, TokenId token, float log_prob) {
  const std::size_t held = ground.held.size(), before = bytes.size();
  bytes += ground.bytes->of(token);
  draft.ids.push_back(token);
  draft.log_probs.push_back(log_prob);
  sum += log_prob;
  sum_p_ += std::exp(static_cast<double>(log_prob));
  draft.score = sum / static_cast<double>(draft.ids.size());
  const std::string text = text_of(ground, bytes.size());
  const std::size_t first = word_end(text, 0);
  if (!first_word_known) {
    first_word_known = first != std::string::npos || draft.ids.size() >= kLongestFirstWord;
    // The token behind the word has shown its end; it is not part of it, unless the word ends within the token.
    const bool inside = first == std::string::npos || held + first > before;
    first_word = sum - (first_word_known && !inside ? log_prob : 0);
  }
  const std::size_t whole = held + whole_words(text);
  if (draft.score >= ground.limits.least_mean_log_prob) confident_ = whole;
  draft.text = text_of(ground, whole);
  const std::size_t readable = held + text.size();
  if (const std::size_t line = text.find('\n'); line != std::string::npos) {
    finish(ground, DraftEnd::line, held + line);
  } else if (first_word_known && draft.score < ground.limits.least_mean_log_prob) {
    finish(ground, DraftEnd::unsure, confident_);
  } else if (bytes.size() > held && ends_sentence(text)) {
    finish(ground, DraftEnd::sentence, bytes.size());
  } else if (readable < bytes.size() && read_utf8(bytes, readable).state == Utf8State::bad) {
    finish(ground, DraftEnd::unsure, whole);
  } else if (std::ssize(draft.ids) >= ground.limits.max_tokens) {
    finish(ground, DraftEnd::length, whole);
  }
}

bool GrowingDraft::is_unsure(const DraftGround& ground, float log_prob) const {
  const double mean_p = sum_p_ / static_cast<double>(draft.ids.size());
  return std::exp(static_cast<double>(log_prob)) < ground.limits.least_share * mean_p;
}

void GrowingDraft::end_unsure(const DraftGround& ground) {
  finish(ground, DraftEnd::unsure, ground.held.size() + whole_words(text_of(ground, bytes.size())));
}

void GrowingDraft::finish(const DraftGround& ground, DraftEnd end, std::size_t n_bytes) {
  draft.end = end;
  draft.text = text_of(ground, n_bytes);
  if (first_word_known) return;
  first_word_known = true;
  first_word = sum;
}

std::string GrowingDraft::text_of(const DraftGround& ground, std::size_t end) const {
  if (end <= ground.held.size()) return {};
  const std::string_view text = std::string_view(bytes).substr(0, end).substr(ground.held.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = read_utf8(text, at);
    if (step.state != Utf8State::good) break;
    at += step.length;
  }
  return std::string(text.substr(0, at));
}

}  // namespace foreword::engine
