#include "engine/speculative/trigram.h"

#include <algorithm>

namespace foreword::engine {

std::size_t Trigram::row_of(std::int32_t first, std::int32_t second) {
  const std::uint64_t key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(first)) << 32 | static_cast<std::uint32_t>(second);
  return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15ULL >> 40) % kRows;
}

void Trigram::count(std::int32_t first, std::int32_t second, std::int32_t token) {
  Row& row = rows_[row_of(first, second)];
  if (row.first != first || row.second != second) {
    std::uint16_t& best = *std::ranges::max_element(row.count);
    if (best > 1) {  // the resident is worn down before it goes
      for (std::uint16_t& n : row.count) n /= 2;
      return;
    }
    row = {first, second, {}, {}};
  }
  const auto known = static_cast<std::size_t>(std::ranges::find(row.token, token) - row.token.begin());
  const auto rarest = static_cast<std::size_t>(std::ranges::min_element(row.count) - row.count.begin());
  if (known < kFollowers && row.count[known] > 0) {
    if (++row.count[known] == 0xFFFF) {
      for (std::uint16_t& n : row.count) n /= 2;
    }
  } else {
    row.token[rarest] = token;
    row.count[rarest] = 1;
  }
}

void Trigram::follow(std::span<const std::int32_t> text, std::size_t kept) {
  for (std::size_t i = std::max<std::size_t>(kept, 2); i < text.size(); ++i) count(text[i - 2], text[i - 1], text[i]);
  before_ = text.size() >= 2 ? text[text.size() - 2] : -1;
}

void Trigram::propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) {
  const GuessSource counted = [&](const DraftTree& grown, std::int32_t node, std::vector<Guess>& guesses) {
    const std::int32_t parent = grown.parent[static_cast<std::size_t>(node)];
    const std::int32_t first = parent < 0 ? before_ : grown.token[static_cast<std::size_t>(parent)];
    const std::int32_t second = grown.token[static_cast<std::size_t>(node)];
    const Row& row = rows_[row_of(first, second)];
    if (row.first != first || row.second != second) return;
    for (std::size_t i = 0; i < kFollowers; ++i) {
      if (row.count[i] > 0) guesses.push_back({row.token[i], static_cast<float>(row.count[i])});
    }
  };
  grow(tree, counted, rules, self, calibration);
}

}  // namespace foreword::engine
