#include "engine/autocomplete/own_texts.h"

#include <utility>

#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

// More than the most before the oldest go: each such time all is counted anew.
constexpr std::size_t kSlack = OwnTexts::kMostTexts / 10;

}  // namespace

void OwnTexts::learn(std::vector<OwnText> texts) {
  for (OwnText& each : texts) {
    if (each.text.size() > kMostBytes) {
      std::string beginning = each.text.substr(0, kMostBytes);
      each.text = take_valid_utf8(beginning, false);
    }
    texts_.push_back(std::move(each));
  }
  if (texts_.size() <= kMostTexts + kSlack) return;
  texts_.erase(texts_.begin(), texts_.end() - static_cast<std::ptrdiff_t>(kMostTexts));
  forget_tokens();
}

void OwnTexts::forget(TextOwner chat) {
  if (std::erase_if(texts_, [&](const OwnText& each) { return each.chat == chat; }) > 0) forget_tokens();
}

void OwnTexts::forget_all() {
  texts_.clear();
  forget_tokens();
}

void OwnTexts::forget_tokens() {
  n_counted_ = 0;
  ngrams_.clear();
}

bool OwnTexts::count(const Tokenizer& tokenizer, std::size_t most) {
  std::vector<std::vector<TokenId>> tokens;
  while (tokens.size() < most && n_counted_ < texts_.size()) tokens.push_back(tokenizer.encode(texts_[n_counted_++].text, {}));
  if (!tokens.empty()) ngrams_.add(tokens);
  return n_counted_ < texts_.size();
}

}  // namespace foreword::engine
