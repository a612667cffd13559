#include "ui/autocomplete/counters.h"

#include <algorithm>
#include <string>

namespace foreword::ui::autocomplete {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Count::last)> kCountNames = {
    "shown", "accepted_word", "accepted_line", "accepted_all", "accepted_strip", "seen_rejection", "blind_rejection", "neutral",
    "typed_through", "accept_undone", "tab_too_early", "snoozes", "asked", "suggests", "advances", "extends", "cancels", "cache_hits",
    "cache_misses", "survivor_hits", "survivor_misses", "tokens_decoded", "tokens_dropped", "tier_down", "tier_up", "jobs_full",
    "jobs_reduced", "jobs_pause_only", "jobs_manual"};
constexpr std::array<std::string_view, static_cast<std::size_t>(Latency::last)> kLatencyNames = {"key_to_first_word", "key_to_paint",
                                                                                                "cancel"};

}  // namespace

void Counters::add(Reason reason) {
  if (reason != Reason::none) ++reasons_[static_cast<std::size_t>(reason)];
}

void Counters::add(Latency kind, Ms value) {
  const auto limit = std::upper_bound(kLatencyLimits.begin(), kLatencyLimits.end() - 1, value);
  ++latencies_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(limit - kLatencyLimits.begin())];
}

void Counters::each_slot(const std::function<void(std::string_view, std::uint64_t&)>& visit) {
  for (std::size_t i = 0; i < counts_.size(); ++i) visit(kCountNames[i], counts_[i]);
  for (std::size_t i = 1; i < reasons_.size(); ++i) visit("reason." + std::string(kReasonNames[i]), reasons_[i]);
  for (std::size_t i = 0; i < latencies_.size(); ++i) {
    for (std::size_t k = 0; k < kLatencyLimits.size(); ++k) {
      const bool rest = k + 1 == kLatencyLimits.size();
      const std::string limit = rest ? "more" : std::to_string(static_cast<int>(kLatencyLimits[k]));
      visit(std::string(kLatencyNames[i]) + "." + limit, latencies_[i][k]);
    }
  }
}

void Counters::each(const std::function<void(std::string_view, std::uint64_t)>& visit) const {
  Counters copy = *this;
  copy.each_slot([&](std::string_view name, std::uint64_t& value) { visit(name, value); });
}

bool Counters::set(std::string_view name, std::uint64_t value) {
  bool found = false;
  each_slot([&](std::string_view each, std::uint64_t& slot) {
    if (each == name) slot = value, found = true;
  });
  return found;
}

}  // namespace foreword::ui::autocomplete
