#include "engine/autocomplete/superposition.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace foreword::engine {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
/// Taken off the model's part where n-grams know none of a line's tokens.
constexpr double kUnknownLine = 200;

struct ParamsRow {
  std::int32_t k;
  SuperposedParams params;
};
// Published for prompts of 15 tokens and 10 generated.
constexpr ParamsRow kPublished[] = {{2, {.62, .06, 6}}, {3, {.54, .06, 9}}, {4, {.52, .06, 12}}, {5, {.60, .06, 15}}, {6, {.52, .06, 18}}, {10, {.54, .12, 30}}};

struct Candidate {
  std::size_t line;
  TokenId token;
  double step, score;  // of the token; of the line with it
};

}  // namespace

SuperposedParams superposed_params(std::int32_t k, bool has_ngrams) {
  if (!has_ngrams) return {0, .06, 3 * k};
  const auto* const row = std::ranges::find_if(kPublished, [&](const ParamsRow& each) { return each.k >= k; });
  return row != std::end(kPublished) ? row->params : std::end(kPublished)[-1].params;
}

std::vector<TokenWeight> sharpened(std::span<const float> logits, double temperature, std::int32_t n) {
  std::vector<TokenWeight> all;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (std::isfinite(logits[id])) all.push_back({static_cast<TokenId>(id), logits[id]});
  }
  const auto most = static_cast<std::ptrdiff_t>(std::min<std::size_t>(static_cast<std::size_t>(n), all.size()));
  std::ranges::partial_sort(all, all.begin() + most, [](const TokenWeight& a, const TokenWeight& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
  });
  all.resize(static_cast<std::size_t>(most));
  if (all.empty()) return all;
  const double largest = all.front().weight;
  double sum = 0;
  for (TokenWeight& each : all) sum += each.weight = std::exp((each.weight - largest) / temperature);
  for (TokenWeight& each : all) each.weight /= sum;
  return all;
}

Superposition::Superposition(std::int32_t k, const SuperposedParams& params, Judge judge, NgramChance ngrams)
    : k_(k), params_(params), judge_(std::move(judge)), ngrams_(std::move(ngrams)) {}

double Superposition::smoothed(double log_p, double chance) const {
  if (!ngrams_) return log_p;
  return chance > 0 ? (1 - params_.alpha) * log_p + params_.alpha * std::log(chance) : kNever;
}

void Superposition::step(std::span<const float> logits, const Allowed& allowed) {
  const std::vector<TokenWeight> shared = sharpened(logits, params_.temperature, params_.n);
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < alive_.size(); ++i) {
    const Line& line = alive_[i];
    const auto own = allowed ? allowed(line.ids) : std::nullopt;
    const std::vector<TokenWeight> row = own ? sharpened(*own, params_.temperature, params_.n) : shared;
    const std::size_t first = candidates.size();
    for (const auto& [token, p] : row) {
      const double chance = ngrams_ ? ngrams_(line.ids, token) : 0;
      candidates.push_back({i, token, smoothed(std::log(p), chance), 0});
    }
    const bool unknown = std::all_of(candidates.begin() + static_cast<std::ptrdiff_t>(first), candidates.end(), [](const Candidate& each) { return each.step == kNever; });
    for (std::size_t c = first; c < candidates.size(); ++c) {
      if (unknown) candidates[c].step = (1 - params_.alpha) * std::log(row[c - first].weight) - kUnknownLine;
      candidates[c].score = line.score + candidates[c].step;
    }
  }
  std::erase_if(candidates, [&](const Candidate& each) {
    return each.score == kNever || judge_(alive_[each.line].ids, each.token) == Verdict::impossible;
  });
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) { return std::tuple(-a.score, a.line, a.token) < std::tuple(-b.score, b.line, b.token); });
  candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(2 * k_)));
  std::vector<Line> next;
  for (const Candidate& each : candidates) {
    const bool ends = judge_(alive_[each.line].ids, each.token) == Verdict::ends;
    if (!ends && std::ssize(next) >= k_) continue;
    Line line = alive_[each.line];
    line.ids.push_back(each.token);
    line.scores.push_back(each.step);
    line.score = each.score;
    (ends ? finished_ : next).push_back(std::move(line));
  }
  alive_ = std::move(next);
}

std::vector<TokenWeight> Superposition::mixture() const {
  std::vector<TokenWeight> result;
  if (alive_.empty()) return result;
  const double largest = std::ranges::max(alive_, {}, &Line::score).score;
  double sum = 0;
  for (const Line& line : alive_) sum += std::exp(line.score - largest);
  for (const Line& line : alive_) {
    const double weight = std::exp(line.score - largest) / sum;
    const auto same = std::ranges::find(result, line.ids.back(), &TokenWeight::token);
    if (same != result.end()) same->weight += weight;
    else result.push_back({line.ids.back(), weight});
  }
  return result;
}

std::vector<Superposition::Line> Superposition::ranked() const {
  std::vector<Line> all = finished_;
  for (const Line& line : alive_) {
    if (!line.ids.empty()) all.push_back(line);
  }
  std::ranges::stable_sort(all, [](const Line& a, const Line& b) { return a.mean() > b.mean(); });
  if (std::ssize(all) > k_) all.resize(static_cast<std::size_t>(k_));
  return all;
}

}  // namespace foreword::engine
