#include "engine/base/harmony.h"

#include <gtest/gtest.h>

#include <string>

namespace foreword {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Harmony, ThoughtsAndWhatIsSaidComeApart) {
  const auto parts = split_harmony("<|channel|>analysis<|message|>A greeting.<|end|><|start|>assistant<|channel|>final<|message|>Hello!");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->thoughts, Parts{"A greeting."});
  EXPECT_EQ(parts->said, "Hello!");
  EXPECT_FALSE(parts->thinking);
}

TEST(Harmony, CallsOfToolsStandApart) {
  const auto parts = split_harmony("<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>commentary to=functions.look_up <|constrain|>json<|message|>{\"a\": 1}");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->thoughts, Parts{"So."});
  ASSERT_EQ(parts->calls.size(), 1U);
  EXPECT_EQ(parts->calls[0].name, "look_up");
  EXPECT_EQ(parts->calls[0].arguments, "{\"a\": 1}");
  EXPECT_TRUE(parts->thinking);
}

TEST(Harmony, EveryBeginningOfAnAnswerIsUnderstood) {
  const struct {
    const char* text;
    Parts thoughts;
    const char* said;
    bool thinking;
  } cases[] = {
      {"<|channel|>", {}, "", true},
      {"<|channel|>analysis", {}, "", true},
      {"<|channel|>analysis<|message|>", {}, "", true},
      {"<|channel|>analysis<|message|>So", {"So"}, "", true},
      {"<|channel|>analysis<|message|>So<|end|>", {"So"}, "", true},
      {"<|channel|>analysis<|message|>So<|end|><|start|>assistant<|channel|>fi", {"So"}, "", true},
      {"<|channel|>analysis<|message|>So<|end|><|start|>assistant<|channel|>final<|message|>", {"So"}, "", false},
      {"<|channel|>final<|message|>Hi", {}, "Hi", false},
      {"<|start|>assistant<|channel|>final<|message|>Hi<|end|>", {}, "Hi", false},
      {"<|start|>assistant<|message|>Hi", {}, "Hi", false},
      {"<|channel|>analysis<|message|>So<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}", {"So"}, "", true},
      {"<|channel|>commentary to=functions.f<|message|>{}", {}, "", true},
  };
  for (const auto& test_case : cases) {
    const auto parts = split_harmony(test_case.text);
    ASSERT_TRUE(parts) << test_case.text;
    EXPECT_EQ(parts->thoughts, test_case.thoughts) << test_case.text;
    EXPECT_EQ(parts->said, test_case.said) << test_case.text;
    EXPECT_EQ(parts->thinking, test_case.thinking) << test_case.text;
  }
}

TEST(Harmony, TheLastFinalMessageIsWhatIsSaid) {
  const auto parts = split_harmony(
      "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=x <|message|>b<|end|>"
      "<|start|>assistant<|channel|>final<|message|>c<|end|><|start|>assistant<|channel|>final<|message|>d");
  EXPECT_EQ(parts->thoughts, (Parts{"a", "b", "c"}));
  EXPECT_EQ(parts->said, "d");
}

TEST(Harmony, MarksThatAreTalkedAboutEndNothing) {
  const auto parts = split_harmony("<|channel|>final<|message|>A message ends with <|end|>, you see.");
  EXPECT_EQ(parts->said, "A message ends with <|end|>, you see.");
}

TEST(Harmony, OtherAnswersAreNotOfThisForm) {
  for (const char* text : {"", "Hello!", "<think>\nx</think>\n\ny", "It writes <|channel|>final<|message|>."}) EXPECT_FALSE(split_harmony(text)) << text;
}

}  // namespace
}  // namespace foreword
