#include "engine/grammar/answer_form.h"

#include <algorithm>
#include <limits>

namespace foreword::engine {
namespace {

/// Of a row that is at hand, so many are tried.
constexpr std::size_t kTried = 256;
constexpr std::size_t kMostMasks = 64;
/// When the matcher knows more states, only the present one is kept.
constexpr std::size_t kMostStates = 100'000;
/// Bytes that are foreseen, and tokens.
constexpr std::size_t kFarBytes = 128, kFarTokens = 16;

}  // namespace

AnswerForm::AnswerForm(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie)
    : trie_(std::move(trie)), matcher_(std::move(grammar)), state_(matcher_.start()), kept_(state_), row_(std::span<const float>()),
      whole_([this] { return masked(); }) {}

bool AnswerForm::begin(std::string_view text) {
  state_ = kept_ = matcher_.next(matcher_.start(), text);
  return state_ != Matcher::kDead;
}

std::string AnswerForm::forced_bytes(Matcher::State state) {
  std::string bytes;
  for (int byte = 0; bytes.size() < kFarBytes && (byte = matcher_.only_byte(state)) >= 0;) {
    bytes += static_cast<char>(byte);
    state = matcher_.next(state, static_cast<std::uint8_t>(byte));
  }
  return bytes;
}

const AnswerForm::Forced& AnswerForm::forced() {
  if (forced_.at == state_) return forced_;
  forced_ = {state_, forced_bytes(state_)};
  if (!forced_.bytes.empty()) forced_.token = trie_->first_of(forced_.bytes);
  return forced_;
}

bool AnswerForm::allows(std::int32_t token) {
  const std::string_view bytes = trie_->bytes(token);
  if (bytes.empty()) return may_end() && std::ranges::binary_search(trie_->ends(), token);
  if (const Forced& must = forced(); must.token != kNoToken) {
    // A token that goes beyond what is forced leaves a choice, the model's.
    if (token == must.token) return true;
    if (bytes.size() <= must.bytes.size() || !bytes.starts_with(must.bytes)) return false;
  }
  return matcher_.next(state_, bytes) != Matcher::kDead;
}

const TokenMask& AnswerForm::mask() {
  if (const auto known = masks_.find(state_); known != masks_.end()) return known->second;
  if (masks_.size() >= kMostMasks) masks_.clear();
  TokenMask& mask = masks_[state_];
  trie_->mark_allowed(matcher_, state_, mask);
  const auto bit = [](std::size_t token) { return std::uint64_t{1} << (token & 63); };
  if (forced().token != kNoToken) {
    for (std::size_t word = 0; word < mask.size(); ++word) {
      for (std::size_t token = word * 64; mask[word] != 0 && token < word * 64 + 64; ++token) {
        if (is_set(mask, token) && !allows(static_cast<std::int32_t>(token))) mask[word] &= ~bit(token);
      }
    }
  }
  if (may_end()) {
    for (const std::int32_t token : trie_->ends()) mask[static_cast<std::size_t>(token) >> 6] |= bit(static_cast<std::size_t>(token));
  }
  return mask;
}

std::span<const float> AnswerForm::masked() {
  const std::span<const float> all = row_.all();
  const TokenMask& mask = this->mask();
  masked_.assign(all.size(), -std::numeric_limits<float>::infinity());
  for (std::size_t word = 0; word < mask.size(); ++word) {
    if (mask[word] == 0) continue;
    for (std::size_t token = word * 64, end = std::min(token + 64, all.size()); token < end; ++token) {
      if (is_set(mask, token)) masked_[token] = all[token];
    }
  }
  return masked_;
}

LogitRow AnswerForm::allowed(const LogitRow& row) {
  row_ = row;
  best_.assign(row.best().begin(), row.best().end());
  if (best_.empty()) {
    const std::span<const float> all = row.all();
    large_.visit(all, kTried, [&](std::size_t i) { best_.push_back({all[i], static_cast<std::int32_t>(i)}); });
    std::ranges::sort(best_, kBetter);
    // Of equal ones at the end there may be more than wanted; those of higher ids are the worse ones.
    best_.resize(std::min(best_.size(), kTried));
  }
  std::erase_if(best_, [&](const Candidate& c) { return !allows(c.token); });
  if (best_.empty()) return LogitRow(masked());
  return {best_, row.size(), whole_};
}

void AnswerForm::take(std::int32_t token) {
  const std::string_view bytes = trie_->bytes(token);
  if (!bytes.empty()) state_ = matcher_.next(state_, bytes);
}

void AnswerForm::keep() {
  if (matcher_.n_states() > kMostStates) {
    state_ = matcher_.keep_only(state_);
    masks_.clear();
    forced_ = {};
  }
  kept_ = state_;
}

void AnswerForm::foresee(std::vector<std::int32_t>& tokens) {
  std::string_view rest = forced().bytes;
  for (std::size_t n = 0; n < kFarTokens && !rest.empty(); ++n) {
    const std::int32_t token = trie_->first_of(rest);
    if (token == kNoToken) return;
    tokens.push_back(token);
    rest.remove_prefix(trie_->bytes(token).size());
  }
}

std::int64_t AnswerForm::bytes() const {
  std::int64_t total = matcher_.bytes() + static_cast<std::int64_t>(masked_.size() * sizeof(float));
  for (const auto& [state, mask] : masks_) total += static_cast<std::int64_t>(mask.size() * sizeof(std::uint64_t));
  return total;
}

}  // namespace foreword::engine
