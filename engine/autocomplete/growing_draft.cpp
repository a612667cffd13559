#include "engine/autocomplete/growing_draft.h"

#include <algorithm>
#include <cmath>

#include "engine/autocomplete/words.h"
#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();
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
  draft.text = text_of(ground, std::min(whole, bytes.size()));
  if (const std::size_t line = bytes.find('\n', held); line != std::string::npos) {
    finish(ground, DraftEnd::line, line);
  } else if (first_word_known && draft.score < ground.limits.least_mean_log_prob) {
    finish(ground, DraftEnd::unsure, confident_);
  } else if (bytes.size() > held && ends_sentence(text)) {
    finish(ground, DraftEnd::sentence, bytes.size());
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
  std::string text = bytes.substr(0, end).substr(ground.held.size());
  return take_valid_utf8(text, false);
}

}  // namespace foreword::engine
