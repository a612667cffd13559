#include "engine/kv/kv_choice.h"

#include <gtest/gtest.h>

namespace foreword::engine {
namespace {

constexpr gpu::KvEncoding kQ8{gpu::KvFormat::q8, gpu::KvFormat::q8}, kK8V4{gpu::KvFormat::q8, gpu::KvFormat::q4h},
    kQ4{gpu::KvFormat::q4h, gpu::KvFormat::q4h}, kQ2{gpu::KvFormat::q2h, gpu::KvFormat::q2h};

const KvQuality kGood{{{kQ8, 0.0003, 0.99}, {kK8V4, 0.0008, 0.985}, {kQ4, 0.004, 0.97}, {kQ2, 0.3, 0.6}}, 0.001};
const KvQuality kFragile{{{kQ8, 0.0009, 0.99}, {kK8V4, 0.02, 0.95}, {kQ4, 0.5, 0.5}, {kQ2, 3, 0.1}}, 0.001};

std::string_view mode(const KvWish& wish, const KvQuality& quality) { return row_of(*choose_kv(wish, quality).mode).name; }

TEST(KvChoice, EveryNameIsUnderstood) {
  for (const std::string& name : kv_wish_names()) EXPECT_TRUE(kv_wish_from_name(name)) << name;
  EXPECT_EQ(kv_wish_from_name("BALANCED"), KvWish(KvMode::balanced));
  EXPECT_EQ(kv_wish_from_name("auto"), KvWish(KvMode::automatic));
  EXPECT_EQ(kv_wish_from_name("k8v4"), KvWish(kK8V4));
  EXPECT_FALSE(kv_wish_from_name("k4v8"));
  EXPECT_EQ(name_of(kK8V4), "k8v4");
}

TEST(KvChoice, AutomaticIsExactUntilMeasuredAndBalancedAtMost) {
  EXPECT_EQ(mode(KvMode::automatic, {}), "exact");
  EXPECT_TRUE(choose_kv(KvMode::automatic, {}).warning.empty());
  EXPECT_EQ(mode(KvMode::automatic, kGood), "balanced");
  EXPECT_EQ(mode(KvMode::automatic, kFragile), "fast");
  EXPECT_EQ(mode(KvMode::automatic, {{{kQ8, 0.0009, 0.99}}, 0.001}), "fast") << "the rest is still to be measured";
  EXPECT_EQ(mode(KvMode::automatic, {kGood.costs, 0.0001}), "exact");
  EXPECT_EQ(mode(KvMode::automatic, {kGood.costs, 1}), "balanced");
}

TEST(KvChoice, AModeGivesWayToTheNextThatTheModelBears) {
  EXPECT_EQ(mode(KvMode::roomy, kGood), "balanced");
  EXPECT_NE(choose_kv(KvMode::roomy, kGood).warning.find("\"long\""), std::string::npos);
  EXPECT_EQ(mode(KvMode::memory, {kGood.costs, 0.01}), "long") << "memory takes Q2H by age";
  EXPECT_EQ(mode(KvMode::memory, {kGood.costs, 1}), "memory");
  EXPECT_EQ(mode(KvMode::balanced, kFragile), "fast");
  EXPECT_EQ(mode(KvMode::exact, kGood), "exact");
  EXPECT_TRUE(choose_kv(KvMode::balanced, kGood).warning.empty());
}

TEST(KvChoice, WhatWasNotMeasuredIsObeyedWithAWarning) {
  EXPECT_EQ(mode(KvMode::roomy, {}), "long");
  EXPECT_NE(choose_kv(KvMode::roomy, {}).warning.find("not measured"), std::string::npos);
}

TEST(KvChoice, ANamedEncodingIsObeyedWithAWarning) {
  const KvChoice choice = choose_kv(kQ2, kFragile);
  EXPECT_FALSE(choice.mode);
  EXPECT_EQ(choice.policy.old, kQ2);
  EXPECT_NE(choice.warning.find("2.5 bits"), std::string::npos);
  EXPECT_TRUE(choose_kv(gpu::KvEncoding{}, kFragile).warning.empty());
}

TEST(KvChoice, OffersSayWhatIsKnown) {
  const auto offers = kv_offers({{{kQ8, 0.0003, 0.99}}, 0.001});
  ASSERT_EQ(offers.size(), 5U);
  EXPECT_TRUE(offers[0].allowed && offers[0].measured) << "exact";
  EXPECT_TRUE(offers[1].allowed);
  EXPECT_EQ(offers[1].mean_kl, 0.0003);
  EXPECT_FALSE(offers[2].measured || offers[2].allowed);
}

}  // namespace
}  // namespace foreword::engine
