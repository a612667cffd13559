// Section 16: from latencies to tiers.

#include "ui/autocomplete/tier_policy.h"

#include <gtest/gtest.h>

#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {
namespace {

void add(TierPolicy& policy, int n, Ms latency) {
  for (int i = 0; i < n; ++i) policy.add(latency);
}

TEST(TierPolicy, A53StepsDownAsSoonAsALimitIsBrokenOverThirtyJobs) {
  for (const auto& [latency, tier] : std::vector<std::pair<Ms, Tier>>{
           {199, Tier::full}, {200, Tier::reduced}, {499, Tier::reduced}, {500, Tier::pause_only}, {1499, Tier::pause_only}, {1500, Tier::manual}, {9e9, Tier::manual}}) {
    TierPolicy policy;
    add(policy, 29, latency);
    EXPECT_EQ(policy.tier(), Tier::full) << latency;
    add(policy, 1, latency);
    EXPECT_EQ(policy.tier(), tier) << latency;
    EXPECT_EQ(policy.changed(), tier != Tier::full);
    EXPECT_FALSE(policy.changed());
  }
}

TEST(TierPolicy, A53OneSlowJobInTwentyIsForgiven) {
  TierPolicy policy;
  for (int i = 0; i < 1000; ++i) policy.add(i % 30 == 7 ? 5000 : 100);
  EXPECT_EQ(policy.tier(), Tier::full);
  for (int i = 0; i < 30; ++i) policy.add(i % 10 == 7 ? 5000 : 100);
  EXPECT_EQ(policy.tier(), Tier::manual);
}

TEST(TierPolicy, A53StepsUpOneTierAfterSixtyJobsUnderFourFifthsOfTheLimit) {
  TierPolicy policy(2000.0);
  EXPECT_EQ(policy.tier(), Tier::manual);
  add(policy, 59, 100);
  EXPECT_EQ(policy.tier(), Tier::manual);
  add(policy, 1, 100);
  EXPECT_EQ(policy.tier(), Tier::pause_only);
  add(policy, 60, 100);
  EXPECT_EQ(policy.tier(), Tier::reduced);
  add(policy, 60, 100);
  EXPECT_EQ(policy.tier(), Tier::full);
}

TEST(TierPolicy, A53DoesNotFlapAtALimit) {
  TierPolicy policy;
  int changes = 0;
  Tier last = policy.tier();
  for (int i = 0; i < 5000; ++i) {
    policy.add(i % 2 == 0 ? 190 : 210);  // around the limit of full: over it, but never well under it
    changes += policy.tier() != last ? 1 : 0;
    last = policy.tier();
  }
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(last, Tier::reduced);
  add(policy, 1000, 0.8 * tuned("tier_full"));  // not under four fifths
  EXPECT_EQ(policy.tier(), Tier::reduced);
  add(policy, 60, 0.8 * tuned("tier_full") - 1);
  EXPECT_EQ(policy.tier(), Tier::full);
}

TEST(TierPolicy, A53OneNumberIsStored) {
  TierPolicy policy;
  EXPECT_EQ(policy.value(), 0);
  add(policy, 30, 700);
  EXPECT_EQ(policy.value(), 700);
  EXPECT_EQ(TierPolicy(policy.value()).tier(), Tier::pause_only);
  EXPECT_EQ(TierPolicy(-1.0).tier(), Tier::full);  // a broken store
  EXPECT_EQ(TierPolicy(std::numeric_limits<double>::quiet_NaN()).tier(), Tier::full);
}

TEST(TierInForce, A54BatteryAndPowerSaver) {
  Settings settings;
  Situation situation;
  EXPECT_EQ(tier_in_force(Tier::full, settings, situation).tier, Tier::off);
  situation.model = true;
  EXPECT_EQ(tier_in_force(Tier::full, settings, situation).tier, Tier::full);
  situation.on_battery = true;
  EXPECT_EQ(tier_in_force(Tier::full, settings, situation).tier, Tier::pause_only);
  EXPECT_TRUE(tier_in_force(Tier::full, settings, situation).by_power);
  EXPECT_EQ(tier_in_force(Tier::manual, settings, situation).tier, Tier::manual);
  EXPECT_FALSE(tier_in_force(Tier::manual, settings, situation).by_power);
  situation.power_saver = true;
  EXPECT_EQ(tier_in_force(Tier::full, settings, situation).tier, Tier::manual);
  settings.battery_rule = false;  // the user overrides both
  EXPECT_EQ(tier_in_force(Tier::full, settings, situation).tier, Tier::full);
  settings.speed = Tier::reduced;
  EXPECT_EQ(tier_in_force(Tier::full, settings, situation).tier, Tier::reduced);
  EXPECT_EQ(tier_in_force(Tier::manual, settings, situation).tier, Tier::reduced);
}

TEST(TierInForce, A55SettingsSaysWhyInOneSentence) {
  const Settings settings;
  EXPECT_EQ(explain({Tier::pause_only, false}, 700, settings), "Suggestions wait for a pause: this computer needs 0.7 s for the first word.");
  EXPECT_EQ(explain({Tier::full, false}, 42, settings), "Suggestions come while you type: this computer needs 0.04 s for the first word.");
  EXPECT_EQ(explain({Tier::manual, false}, 12'345, settings), "Suggestions come when you press Alt+Down: this computer needs 12.3 s for the first word.");
  EXPECT_EQ(explain({Tier::full, false}, 0, settings), "Suggestions come while you type: this computer's speed is not known yet.");
  EXPECT_EQ(explain({Tier::pause_only, true}, 100, settings), "Suggestions wait for a pause: this computer runs on battery.");
  EXPECT_EQ(explain({Tier::manual, true}, 100, settings), "Suggestions come when you press Alt+Down: the power saver is on.");
  Settings fixed;
  fixed.speed = Tier::reduced;
  EXPECT_EQ(explain({Tier::reduced, false}, 900, fixed), "One suggestion at a time: you have set it so.");
  for (const TierRow& row : tier_rows()) EXPECT_EQ(explain({row.tier, false}, 50, settings).back(), '.');
}

}  // namespace
}  // namespace foreword::ui::autocomplete
