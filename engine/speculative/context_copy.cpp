#include "engine/speculative/context_copy.h"

#include <algorithm>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

constexpr std::int32_t kShortestMatch = 2;
constexpr std::size_t kContinuations = 3;
constexpr std::size_t kLongestSearch = 3;

using CellOf = std::uint8_t (*)(int agreed, bool likeliest);

/// Adds what `token_at` gives for 0, 1, 2, .. (negative: the end) below the root as one path. agreed: before its first
/// token; only that one can be less than the likeliest.
template <class TokenAt>
void add_path(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree, CellOf cell_of, int agreed,
              bool likeliest, TokenAt token_at) {
  std::int32_t node = 0;
  float reach = 1;
  for (int i = 0; i < rules.max_depth; ++i) {
    const std::int32_t token = token_at(i);
    const std::uint8_t cell = cell_of(agreed + i, likeliest || i > 0);
    const float chance = calibration.chance(self, cell);
    reach *= chance;
    if (token < 0 || reach < rules.min_reach) return;
    node = tree.add(node, token, chance, Draw::deterministic, {.drafter = self, .cell = cell});
  }
}

}  // namespace

void ContextCopy::follow(std::span<const std::int32_t> text, std::size_t kept) {
  check(kept <= text.size() && kept <= past_.text().size(), "a text is followed from where it was left");
  if (kept < past_.text().size()) {
    past_.clear();
    source_.clear();
    kept = 0;
  }
  for (const std::int32_t token : text.subspan(kept)) {
    past_.append(token);
    if (!source_.empty()) follow_source(token);
  }
}

void ContextCopy::expect_copy_of(std::span<const std::int32_t> source) {
  source_.assign(source.begin(), source.end());
  source_next_ = 0;
  agreed_ = 1;  // no change has been seen, so that the path is tried alone
}

void ContextCopy::follow_source(std::int32_t token) {
  if (source_next_ < std::ssize(source_) && source_[static_cast<std::size_t>(source_next_)] == token) {
    ++source_next_;
    ++agreed_;
    return;
  }
  const std::int64_t found = only_place();
  agreed_ = found >= 0 ? 1 : 0;
  source_next_ = found >= 0 ? found : source_next_ + 1;  // unknown: most probably one word in the place of another
}

std::int64_t ContextCopy::only_place() const {
  const std::vector<std::int32_t>& text = past_.text();
  for (std::size_t length = 1; length <= std::min(kLongestSearch, text.size()); ++length) {
    const auto end = text.end() - static_cast<std::ptrdiff_t>(length);
    const auto first = std::search(source_.begin(), source_.end(), end, text.end());
    if (first == source_.end()) return -1;
    if (std::search(first + 1, source_.end(), end, text.end()) == source_.end()) return first - source_.begin() + static_cast<std::ptrdiff_t>(length);
  }
  return -1;
}

void ContextCopy::propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  const auto copy_source = [&](std::int64_t from, bool likeliest) {
    add_path(rules, self, calibration, tree, source_cell, agreed_, likeliest, [&](int i) {
      const std::int64_t place = from + i;
      return place >= 0 && place < std::ssize(source_) ? source_[static_cast<std::size_t>(place)] : -1;
    });
  };
  if (!source_.empty()) {
    copy_source(source_next_, true);
    if (agreed_ > 0) return;
    copy_source(source_next_ - 1, false);  // a word was put in
    copy_source(source_next_ + 1, false);  // a word was left out
  }

  // What is copied may reach the text's end: it goes on with the copy itself, as a repetition would.
  const std::vector<std::int32_t>& text = past_.text();
  const auto copy_past = [&](std::int32_t from, int match, bool likeliest) {
    std::vector<std::int32_t> copied;
    add_path(rules, self, calibration, tree, copy_cell, match, likeliest, [&](int i) {
      const std::size_t place = static_cast<std::size_t>(from + i);
      copied.push_back(place < text.size() ? text[place] : copied[place - text.size()]);
      return copied.back();
    });
  };
  const SuffixAutomaton::Match& match = past_.match();
  if (match.length < kShortestMatch) return;
  copy_past(match.end + 1, match.length, true);
  for (const auto& other : past_.continuations(kContinuations, kShortestMatch)) {
    if (other.token != text[static_cast<std::size_t>(match.end) + 1]) copy_past(other.place, other.length, false);
  }
}

std::int64_t ContextCopy::bytes() const {
  return past_.bytes() + static_cast<std::int64_t>(source_.capacity() * sizeof(source_[0]));
}

}  // namespace foreword::engine
