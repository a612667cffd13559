#include "engine/speculative/calibration.h"

#include <algorithm>
#include <array>
#include <span>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

constexpr float kDecay = 0.99F;
constexpr float kPriorWeight = 8, kLastPriorWeight = 1;  // of the starting value, in claims: before the first, after very many
constexpr float kTrustWeight = 4;                       // of the starting trust, in claims taken
constexpr float kHopedChance = .5F;                     // of a first guess by a drafter of which nothing is known
constexpr float kSoft = 16;                              // claims that softened counts weigh at most

/// One run of cells: lower edges of the bins, and what they start with.
struct Bins {
  std::array<float, 8> edge;
  std::array<float, 8> start;
  int n;
};

// Starting values of the margins: measured on random pairs of distributions over 200 tokens (docs/decoding.md).
constexpr Bins kMargins[] = {
    {{0, .21F, .47F, .79F, 1.24F, 1.99F}, {.42F, .54F, .68F, .82F, .94F, .998F}, 6},
    {{0, .21F, .47F, .79F, 1.24F, 1.99F}, {.34F, .27F, .19F, .11F, .04F, .001F}, 6},
    {{0, .60F, .99F, 1.40F, 1.94F, 2.76F}, {.17F, .10F, .05F, .016F, .003F, .001F}, 6},
    {{0, .93F, 1.36F, 1.82F, 2.37F, 3.22F}, {.09F, .04F, .016F, .003F, .001F, .0005F}, 6},
};
constexpr Bins kChances = {{0, .02F, .06F, .13F, .25F, .4F, .6F, .8F}, {.01F, .04F, .09F, .18F, .32F, .5F, .7F, .9F}, 8};
constexpr Bins kCopies = {{2, 3, 4, 6, 8, 12, 16, 32}, {.35F, .45F, .55F, .65F, .75F, .8F, .85F, .92F}, 8};
constexpr Bins kCopyRivals = {{2, 3, 4, 6, 8, 12, 16, 32}, {.12F, .12F, .1F, .1F, .08F, .08F, .05F, .05F}, 8};
constexpr Bins kSource = {{0, 1, 2, 4, 8, 16}, {.6F, .75F, .85F, .92F, .95F, .97F}, 6};
constexpr Bins kSourceRivals = {{0, 1}, {.12F, .02F}, 2};

constexpr int kGreedyMargins = 0, kNoisyMargins = 24, kChanceCells = 48, kCopyCells = 56, kSourceCells = 72;
static_assert(kSourceCells + 8 == kCells);

int bin_of(const Bins& bins, double value) {
  int bin = 0;
  while (bin + 1 < bins.n && value >= static_cast<double>(bins.edge[static_cast<std::size_t>(bin) + 1])) ++bin;
  return bin;
}

constexpr std::array<float, kCells> starts() {
  std::array<float, kCells> start{};
  const auto put = [&](int first, const Bins& bins) {
    for (int i = 0; i < bins.n; ++i) start[static_cast<std::size_t>(first + i)] = bins.start[static_cast<std::size_t>(i)];
  };
  for (int rank = 0; rank < 4; ++rank) {
    put(kGreedyMargins + 6 * rank, kMargins[rank]);
    put(kNoisyMargins + 6 * rank, kMargins[rank]);
  }
  put(kChanceCells, kChances);
  put(kCopyCells, kCopies);
  put(kCopyCells + 8, kCopyRivals);
  put(kSourceCells, kSource);
  put(kSourceCells + 6, kSourceRivals);
  return start;
}
constexpr std::array<float, kCells> kStart = starts();

}  // namespace

std::uint8_t margin_cell(int rank, double margin, bool noisy) {
  rank = std::min(rank, 3);
  return static_cast<std::uint8_t>((noisy ? kNoisyMargins : kGreedyMargins) + 6 * rank + bin_of(kMargins[rank], margin));
}
std::uint8_t chance_cell(double chance) { return static_cast<std::uint8_t>(kChanceCells + bin_of(kChances, chance)); }
std::uint8_t copy_cell(int match, bool likeliest) {
  return static_cast<std::uint8_t>(kCopyCells + (likeliest ? 0 : 8) + bin_of(kCopies, match));
}
std::uint8_t source_cell(int agreed, bool likeliest) {
  return static_cast<std::uint8_t>(likeliest ? kSourceCells + bin_of(kSource, agreed) : kSourceCells + 6 + bin_of(kSourceRivals, agreed));
}

Calibration::Calibration(std::vector<float> trust) : cells_(trust.size() * kCells) {
  for (const float share : trust) {
    trust_.push_back({kTrustWeight * share, kTrustWeight});
    first_.push_back({kTrustWeight * kHopedChance, kTrustWeight});
  }
}

std::size_t Calibration::place(std::uint8_t drafter, std::uint8_t cell) const {
  check(drafter < trust_.size() && cell < kCells, "a claim names a drafter and a cell");
  return static_cast<std::size_t>(drafter) * kCells + cell;
}

float Calibration::chance(std::uint8_t drafter, std::uint8_t cell) const {
  const Cell& counts = cells_[place(drafter, cell)];
  const float start = std::min(kStart[cell] * trust_[drafter].share(), .999F);
  const float n = counts.taken + counts.refused;  // at most 1 / (1 - kDecay)
  const float weight = std::max(kPriorWeight * (1 - (1 - kDecay) * n), kLastPriorWeight);
  return (weight * start + counts.taken) / (weight + n);
}

void Calibration::Trust::count(float hit, float hoped) {
  taken = kDecay * taken + hit;
  expected = std::max(kDecay * expected + hoped, kTrustWeight);
}

void Calibration::soften() {
  for (Cell& cell : cells_) {
    const float share = std::min(1.0F, kSoft / std::max(kSoft, cell.taken + cell.refused));
    cell = {share * cell.taken, share * cell.refused};
  }
  for (std::vector<Trust>* counts : {&trust_, &first_}) {
    for (Trust& one : *counts) one = {one.share() * std::min(kSoft, one.expected), std::min(kSoft, one.expected)};
  }
}

void Calibration::learn(const DraftTree& tree, const VerifyResult& result) {
  if (tree.claims.empty()) return;
  std::vector<std::int32_t> chosen(tree.token.size(), -1);
  for (std::size_t i = 0; i < result.tokens.size(); ++i) chosen[static_cast<std::size_t>(result.path[i])] = result.tokens[i];
  std::vector<std::uint32_t> named_by(tree.token.size(), 0);  // bits of drafters
  for (const Claim& claim : tree.claims) {
    const std::int32_t token = chosen[static_cast<std::size_t>(claim.parent)];
    if (token < 0) continue;
    const float hit = claim.token == token ? 1.0F : 0.0F;
    const double miss = static_cast<double>(chance(claim.drafter, claim.cell)) - static_cast<double>(hit);
    brier_ = brier_ == 0 ? miss * miss : .99 * brier_ + .01 * miss * miss;
    Cell& counts = cells_[place(claim.drafter, claim.cell)];
    counts.taken = kDecay * counts.taken + hit;
    counts.refused = kDecay * counts.refused + 1 - hit;
    trust_[claim.drafter].count(hit, kStart[claim.cell]);
    std::uint32_t& named = named_by[static_cast<std::size_t>(claim.parent)];
    const std::uint32_t self = 1U << claim.drafter;
    if ((named & self) == 0) first_[claim.drafter].count(hit, 1);
    named |= self;
  }
}

}  // namespace foreword::engine
