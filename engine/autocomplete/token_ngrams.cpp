#include "engine/autocomplete/token_ngrams.h"

#include <algorithm>
#include <array>

namespace foreword::engine {
namespace {

constexpr std::array kWeights = {.01, .04, .15, .18, .12};
constexpr std::uint64_t kSeed = 0x9E3779B97F4A7C15;

/// A run, token by token; steps of MurmurHash3's finaliser.
std::uint64_t extended(std::uint64_t hash, TokenId token) {
  hash ^= static_cast<std::uint32_t>(token) + kSeed + (hash << 6);
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
  return hash ^ (hash >> 33);
}

}  // namespace

void TokenNgrams::add(std::span<const TokenId> text) {
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    std::uint64_t hash = kSeed;
    for (std::size_t i = begin; i < std::min(text.size(), begin + kWeights.size() + 1); ++i) ++counts_[hash = extended(hash, text[i])];
  }
}

double TokenNgrams::chance(std::span<const TokenId> ids, TokenId next) const {
  double sum = 0;
  for (std::size_t i = 1; i <= std::min(kWeights.size(), ids.size()); ++i) {
    std::uint64_t hash = kSeed;
    for (const TokenId id : ids.last(i)) hash = extended(hash, id);
    const auto run = counts_.find(hash);
    if (run == counts_.end()) break;  // nor any longer one
    const auto whole = counts_.find(extended(hash, next));
    if (whole != counts_.end()) sum += kWeights[i - 1] * whole->second / run->second;
  }
  return sum;
}

}  // namespace foreword::engine
