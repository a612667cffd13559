// How a file would have its answers drawn.

#include "engine/sampling_advice.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace foreword::engine {
namespace {

/// "top_k 20, ..." of a file with these entries below general.sampling.
std::string advice_of(const std::vector<std::pair<std::string, MetaValue>>& entries) {
  Metadata metadata;
  for (const auto& [key, value] : entries) metadata.set("general.sampling." + key, value);
  std::string words;
  for (const auto& [param, value] : sampling_advice(metadata)) {
    words += (words.empty() ? "" : ", ") + std::string(param->name) + " " + std::to_string(value).substr(0, 5);
  }
  return words;
}

TEST(SamplingAdvice, IsReadFromAFile) {
  EXPECT_EQ(advice_of({{"temp", {0.6}},
                       {"top_k", {std::int64_t{20}}},
                       {"top_p", {0.95}},
                       {"min_p", {0.0}},
                       {"penalty_repeat", {1.05}},
                       {"penalty_last_n", {std::int64_t{-1}}}}),
            "temperature 0.600, top_k 20.00, top_p 0.950, min_p 0.000, repeat_penalty 1.050, penalty_window -1.00");
  EXPECT_EQ(advice_of({}), "");
  EXPECT_EQ(advice_of({{"temp", {std::int64_t{1}}}, {"top_k", {64.0}}}), "temperature 1.000, top_k 64.00") << "written in the other kind of number";
  EXPECT_EQ(advice_of({{"top_k", {std::int64_t{-1}}}}), "top_k 0.000") << "all of them, as others write it";
}

TEST(SamplingAdvice, WhatCannotBeUsedIsLeftOutAndTold) {
  const struct {
    const char* key;
    MetaValue value;
  } cases[] = {
      {"temp", {-0.5}}, {"temp", {1e9}}, {"temp", {std::string("warm")}}, {"temp", {std::numeric_limits<double>::quiet_NaN()}},
      {"temp", {std::vector<double>{0.5}}}, {"top_k", {20.5}}, {"top_k", {std::int64_t{-2}}}, {"top_k", {std::int64_t{1} << 40}},
      {"top_p", {1.5}}, {"top_p", {true}}, {"penalty_repeat", {0.0}}, {"penalty_last_n", {std::int64_t{-2}}},
      {"xtc_probability", {0.5}}, {"mirostat", {std::int64_t{2}}},
  };
  for (const auto& [key, value] : cases) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(advice_of({{key, value}, {"min_p", {0.25}}}), "min_p 0.250");
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("general.sampling." + std::string(key)), told.npos) << key << ": " << told;
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(advice_of({{"xtc_probability", {0.0}}, {"mirostat", {std::int64_t{0}}}, {"sequence", {std::string("kpt")}}}), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "steps that are off";
}

TEST(SamplingAdvice, GivesWayToWhatIsNamed) {
  Metadata metadata;
  metadata.set("general.sampling.temp", {0.6});
  metadata.set("general.sampling.top_k", {std::int64_t{20}});
  const auto advice = sampling_advice(metadata);
  SamplingParams asked;
  asked.temperature = 0.1F;
  asked.seed = 7;
  const SamplerParam* const named[] = {&sampler_params()[0]};
  const SamplingParams params = advised(asked, advice, named);
  EXPECT_EQ(params.temperature, 0.1F);
  EXPECT_EQ(params.top_k, 20);
  EXPECT_EQ(params.seed, 7u);
  EXPECT_EQ(params.top_p, SamplingParams{}.top_p);
  EXPECT_EQ(advised(asked, advice, {}).temperature, 0.6F);
}

}  // namespace
}  // namespace foreword::engine
