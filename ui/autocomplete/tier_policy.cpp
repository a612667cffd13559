#include "ui/autocomplete/tier_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace foreword::ui::autocomplete {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr int kAll = tuned_count("drafts_max");

constexpr TierRow kTiers[] = {
    {Tier::full, "full", tuned("tier_full"), kAll, 0, tuned("work_full"),
     "Suggestions come while you type: this computer needs %s for the first word."},
    {Tier::reduced, "reduced", tuned("tier_reduced"), 1, 0, tuned("work_slow"),
     "One suggestion at a time: this computer needs %s for the first word."},
    {Tier::pause_only, "pause_only", tuned("tier_pause_only"), 1, tuned("pause_only_base"), tuned("work_slow"),
     "Suggestions wait for a pause: this computer needs %s for the first word."},
    {Tier::manual, "manual", kNoLimit, 1, 0, tuned("work_slow"),
     "Suggestions come when you press Alt+Down: this computer needs %s for the first word."},
    {Tier::off, "off", kNoLimit, 0, 0, 0, "There are no suggestions: no model that can write them is on this computer."},
};

/// The best tier whose limit a percentile keeps.
Tier tier_for(Ms p95) {
  return std::find_if(std::begin(kTiers), std::end(kTiers), [&](const TierRow& row) { return p95 < row.limit; })->tier;
}

Tier better(Tier tier) { return static_cast<Tier>(static_cast<int>(tier) - 1); }

/// "0.7 s"; under a tenth with two places.
std::string seconds(Ms ms) {
  const int places = ms < 95 ? 2 : 1, unit = places == 2 ? 100 : 10;
  const auto rounded = static_cast<int>(std::lround(ms / 1000 * unit));
  const std::string fraction = std::to_string(unit + rounded % unit).substr(1);
  return std::to_string(rounded / unit) + "." + fraction + " s";
}

}  // namespace

const TierRow& row_of(Tier tier) { return kTiers[static_cast<std::size_t>(tier)]; }
std::span<const TierRow> tier_rows() { return kTiers; }

TierPolicy::TierPolicy(std::optional<double> stored) {
  if (!stored || !(*stored >= 0)) return;
  p95_ = *stored;
  tier_ = tier_for(p95_);
}

Ms TierPolicy::percentile(std::size_t n_last) const {
  std::vector<Ms> sorted(samples_.end() - static_cast<std::ptrdiff_t>(n_last), samples_.end());
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(std::ceil(0.95 * static_cast<double>(n_last))) - 1;
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

void TierPolicy::add(Ms first_word) {
  constexpr std::size_t kDown = tuned_count("tier_jobs_down"), kUp = tuned_count("tier_jobs_up");
  if (samples_.size() == kUp) samples_.erase(samples_.begin());
  samples_.push_back(first_word);
  if (samples_.size() < kDown) return;
  p95_ = percentile(kDown);
  const Tier wanted = tier_for(p95_);
  Tier next = tier_;
  if (wanted > tier_) {
    next = wanted;
  } else if (tier_ != Tier::full && samples_.size() == kUp &&
             percentile(kUp) < tuned("tier_up_share") * row_of(better(tier_)).limit) {
    next = better(tier_);
  }
  if (next == tier_) return;
  tier_ = next;
  changed_ = true;
  samples_.clear();
}

bool TierPolicy::changed() { return std::exchange(changed_, false); }

TierInForce tier_in_force(Tier measured, const Settings& settings, const Situation& situation) {
  if (!situation.model) return {Tier::off, false};
  const Tier wanted = settings.speed.value_or(measured);
  const Tier best = !settings.battery_rule    ? Tier::full
                    : situation.power_saver   ? Tier::manual
                    : situation.on_battery    ? Tier::pause_only
                                              : Tier::full;
  return {std::max(wanted, best), best > wanted};
}

std::string explain(const TierInForce& tier, double p95, const Settings& settings) {
  if (tier.by_power) {
    return tier.tier == Tier::manual ? "Suggestions come when you press Alt+Down: the power saver is on."
                                     : "Suggestions wait for a pause: this computer runs on battery.";
  }
  std::string says(row_of(tier.tier).says);
  const std::size_t colon = says.find(": ");
  if (tier.tier == Tier::off) return says;
  if (settings.speed) return says.substr(0, colon) + ": you have set it so.";
  if (p95 <= 0) return says.substr(0, colon) + ": this computer's speed is not known yet.";
  return says.replace(says.find("%s"), 2, seconds(p95));
}

}  // namespace foreword::ui::autocomplete
