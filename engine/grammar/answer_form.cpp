#include "engine/grammar/answer_form.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace foreword::engine {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Of a row that is at hand, so many are tried.
constexpr std::size_t kTried = 256;
/// Where fewer are left of them, all that can stand there are looked up, and listed unless they are many.
constexpr std::size_t kFew = 64, kMostListed = 4096;
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
  if (forced().token == kNoToken) return mask;
  for (std::size_t word = 0; word < mask.size(); ++word) {
    for (std::uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) {
      if (!allows(trie_->at(word * 64 + static_cast<std::size_t>(std::countr_zero(bits))))) mask[word] ^= bits & -bits;
    }
  }
  return mask;
}

template <class Visit>
void AnswerForm::each_allowed(Visit visit) {
  const TokenMask& mask = this->mask();
  for (std::size_t word = 0; word < mask.size(); ++word) {
    for (std::uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) visit(trie_->at(word * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
  }
  if (may_end()) std::ranges::for_each(trie_->ends(), visit);
}

std::span<const float> AnswerForm::masked() {
  const std::span<const float> all = row_.all();
  masked_.assign(all.size(), kNever);
  each_allowed([&](std::int32_t token) {
    if (static_cast<std::size_t>(token) < all.size()) masked_[static_cast<std::size_t>(token)] = all[static_cast<std::size_t>(token)];
  });
  return masked_;
}

LogitRow AnswerForm::allowed(const LogitRow& row) {
  row_ = row;
  best_.assign(row.best().begin(), row.best().end());
  if (best_.empty()) {
    const std::span<const float> all = row.all();
    large_.visit(all, kTried, [&](std::size_t i) { best_.push_back({all[i], static_cast<std::int32_t>(i)}); });
    // Of equal ones at the end there may be more than wanted; those of higher ids are the worse ones.
    const auto end = best_.begin() + static_cast<std::ptrdiff_t>(std::min(best_.size(), kTried));
    std::partial_sort(best_.begin(), end, best_.end(), kBetter);
    best_.erase(end, best_.end());
  }
  std::erase_if(best_, [&](const Candidate& c) { return !allows(c.token); });
  if (best_.size() < kFew) list_all();
  if (best_.empty()) return LogitRow(masked());
  return {best_, row.size(), whole_};
}

void AnswerForm::list_all() {
  std::size_t n = 0;
  for (const std::uint64_t word : mask()) n += static_cast<std::size_t>(std::popcount(word));
  if (n > kMostListed) return;
  const std::span<const float> all = row_.all();
  best_.clear();
  each_allowed([&](std::int32_t token) {
    if (static_cast<std::size_t>(token) < all.size() && all[static_cast<std::size_t>(token)] > kNever) best_.push_back({all[static_cast<std::size_t>(token)], token});
  });
  std::ranges::sort(best_, kBetter);
  // At the end a token that there is not tells that there is no other.
  if (!best_.empty()) best_.push_back({kNever, static_cast<std::int32_t>(all.size())});
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

}  // namespace foreword::engine
