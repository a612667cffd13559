#include "engine/tokenizer/token_table.h"

#include <algorithm>
#include <charconv>

namespace foreword::engine {

void TokenTable::fill(const std::vector<std::string>& texts, const std::vector<std::int64_t>* types,
                      const std::vector<double>* scores) {
  const std::size_t n = texts.size();
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  all_texts_.reserve(bytes);
  ends_.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    all_texts_ += texts[i].empty() ? "[EMPTY_" + std::to_string(i) + "]" : texts[i];
    ends_.push_back(all_texts_.size());
  }

  types_.assign(n, TokenType::normal);
  scores_.assign(n, 0.0f);
  for (std::size_t i = 0; i < n; ++i) {
    if (types != nullptr) {
      const std::int64_t type = (*types)[i];
      types_[i] = type >= 0 && type <= 6 ? static_cast<TokenType>(type) : TokenType::undefined;
    }
    if (scores != nullptr) scores_[i] = static_cast<float>((*scores)[i]);
  }

  ids_.reserve(n);
  for (TokenId id = 0; id < size(); ++id) {
    longest_text_ = std::max(longest_text_, text(id).size());
    if (!ids_.try_emplace(text(id), id).second) repeated_.push_back(id);
  }
}

std::string_view TokenTable::text(TokenId id) const {
  if (!has(id)) return {};
  const std::size_t begin = id == 0 ? 0 : ends_[index(id) - 1];
  return std::string_view(all_texts_).substr(begin, ends_[index(id)] - begin);
}

TokenId TokenTable::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? kNoToken : found->second;
}

std::vector<TokenId> TokenTable::find_all(std::string_view wanted) const {
  std::vector<TokenId> all;
  const TokenId first = find(wanted);
  if (first == kNoToken) return all;
  all.push_back(first);
  for (const TokenId id : repeated_) {
    if (text(id) == wanted) all.push_back(id);
  }
  return all;
}

int byte_of_token_text(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text.back() != '>') return -1;
  int value = 0;
  const char* end = text.data() + 5;
  const auto read = std::from_chars(text.data() + 3, end, value, 16);
  return read.ec == std::errc{} && read.ptr == end && value >= 0 ? value : -1;
}

}  // namespace foreword::engine
