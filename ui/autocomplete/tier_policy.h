#pragma once
// How suggestions behave on this computer (section 16): from the 95th percentile of the time to the first word, and from what
// feeds it. Down at once when a limit is broken, up only when the better tier was earned, so that nothing flaps. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/autocomplete/letters.h"
#include "ui/autocomplete/situation.h"

namespace foreword::ui::autocomplete {

struct TierRow {
  Tier tier;
  std::string_view name;
  Ms limit;          // on the 95th percentile; infinite: none
  int most_drafts;
  Ms least_base;     // of the gate
  Ms work;           // of one job
  std::string_view says;  // one sentence for Settings; %s is the measured time
};
const TierRow& row_of(Tier tier);
std::span<const TierRow> tier_rows();

class TierPolicy {
 public:
  /// What was stored for this model and device, if anything: value().
  explicit TierPolicy(std::optional<double> stored = {});

  /// A job was ready with its first word after so long; or it was given up after so long without one.
  void add(Ms first_word);
  Tier tier() const { return tier_; }
  /// The last known 95th percentile, 0 if unknown: the one number to store.
  double value() const { return p95_; }
  bool changed();  // since the last call

 private:
  Ms percentile(std::size_t n_last) const;
  Tier tier_ = Tier::full;
  double p95_ = 0;
  bool changed_ = false;
  std::vector<Ms> samples_;  // since the last change of the tier, at most tier_jobs_up
};

struct TierInForce {
  Tier tier = Tier::full;
  bool by_power = false;  // the battery or the power saver brought it down
  bool operator==(const TierInForce&) const = default;
};
/// The tier that counts now: the measured or the fixed one, no better than the power allows.
TierInForce tier_in_force(Tier measured, const Settings& settings, const Situation& situation);

/// One sentence for Settings: how suggestions behave, and why.
std::string explain(const TierInForce& tier, double p95, const Settings& settings);

}  // namespace foreword::ui::autocomplete
