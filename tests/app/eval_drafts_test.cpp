#include "app/eval_drafts.h"

#include <gtest/gtest.h>

#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

TEST(RightWord, IsWhatTheTextGoesOnWith) {
  EXPECT_EQ(right_word("lo there you", "lo"), 2U);
  EXPECT_EQ(right_word("lo there you", "lo there"), 2U);
  EXPECT_EQ(right_word(" there you", " there is"), 6U);
  EXPECT_EQ(right_word(", and so", ", and"), 1U) << "punctuation is a word of its own";
  EXPECT_EQ(right_word("lo there", "low tide"), 0U);
  EXPECT_EQ(right_word("low tide", "lo there"), 0U);
  EXPECT_EQ(right_word("there", "there"), 0U) << "the text may go on inside the word";
  EXPECT_EQ(right_word(" it's late", " it"), 0U);
  EXPECT_EQ(right_word(" it's late", " it's"), 5U);
  EXPECT_EQ(right_word("", "a"), 0U);
  EXPECT_EQ(right_word("a b", ""), 0U);
}

std::vector<EvalRecord> records() {
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    lines += R"({"kind": "prose", "text": ")" + std::string(static_cast<std::size_t>(30 + 20 * i), 'a') + "日本語日本語日本語日本語日本語" + R"("})" + "\n";
  }
  lines += R"({"kind": "chat", "turns": [{"role": "user", "content": "short"}, {"role": "assistant", "content": "yes"},)"
           R"({"role": "user", "content": ")" + std::string(120, 'b') + R"("}, {"role": "assistant", "content": "no"}]})" "\n";
  return *parse_eval_records(lines, "test");
}

TEST(DraftCases, AreCutBetweenCharacters) {
  const auto cases = draft_cases(records(), "prose", 1000, 7);
  EXPECT_GE(cases.size(), 35U);
  for (const DraftCase& each : cases) {
    EXPECT_TRUE(each.messages.empty());
    EXPECT_GE(each.rest.size(), 40U);
    EXPECT_GE(each.before.size(), 37U) << "40, less what belongs to the character behind";
    EXPECT_LE(each.before.size(), 1000U);
    for (const std::string* text : {&each.before, &each.rest}) EXPECT_NE(static_cast<unsigned char>(text->front()) & 0xC0, 0x80);
  }
  EXPECT_EQ(draft_cases(records(), "prose", 5, 7).size(), 5U);
  EXPECT_TRUE(draft_cases(records(), "prose", 0, 7).empty());
  EXPECT_TRUE(draft_cases(records(), "mail", 5, 7).empty());
}

TEST(DraftCases, OfAChatATurnOfTheUserIsCut) {
  const auto cases = draft_cases(records(), "chat", 5, 3);
  ASSERT_EQ(cases.size(), 1U);
  ASSERT_EQ(cases[0].messages.size(), 2U);
  EXPECT_EQ(cases[0].messages[0].content, "short");
  EXPECT_EQ(cases[0].before + cases[0].rest, std::string(120, 'b'));
}

TEST(DraftCases, AreTheSameForASeed) {
  const auto a = draft_cases(records(), "prose", 20, 1), b = draft_cases(records(), "prose", 20, 1), c = draft_cases(records(), "prose", 20, 2);
  bool differs = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].before, b[i].before);
    differs = differs || a[i].before != c[i].before;
  }
  EXPECT_TRUE(differs);
}

class DraftEvalTest : public testing::Test {
 protected:
  DraftEvalTest() : model_(std::move(engine::LoadedModel::open(test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf", {})).value()) {}
  std::unique_ptr<engine::LoadedModel> model_;
};

// A text that the model itself wrote is right word by word, and costs next to no keys.
TEST_F(DraftEvalTest, ItsOwnTextIsRight) {
  DraftEval eval = std::move(DraftEval::prepare(*model_)).value();
  for (std::size_t n = 1; n + 1 < eval.costs().size(); ++n) EXPECT_LE(eval.costs()[n], eval.costs()[n + 1]);
  EXPECT_DOUBLE_EQ(eval.costs()[1], 1);
  DraftCase held_out{{}, "Dear Anna,\n\nThank you for your message. Please let me know if you have any", " questions.\n\nBest regards,\nTom"};
  const auto free = eval.judge(held_out, {"", {.count = 3}, 0}, 11);
  ASSERT_TRUE(free && *free);
  EXPECT_EQ((*free)->hits, 1);
  EXPECT_EQ((*free)->characters, 11);
  EXPECT_LE((*free)->keys, 4);
  EXPECT_GT((*free)->cost, 1);
  // Without the time for a step there are only first tokens.
  const auto hurried = eval.judge(held_out, {"", {.count = 3}, 0.5}, 11);
  ASSERT_TRUE(hurried && *hurried);
  EXPECT_EQ((*hurried)->cost, 0);
  EXPECT_GE((*hurried)->keys, (*free)->keys);
}

TEST_F(DraftEvalTest, WhatNobodyWouldSuggestIsTypedWhole) {
  DraftEval eval = std::move(DraftEval::prepare(*model_)).value();
  const DraftCase held_out{{}, "Dear Anna, thank you for the very long xq", "zvk wjjq pfft grmbl"};
  const auto score = eval.judge(held_out, {"", {.count = 1}, 0}, 12);
  ASSERT_TRUE(score && *score);
  EXPECT_EQ((*score)->hits, 0);
  EXPECT_EQ((*score)->keys, 12);
  EXPECT_EQ((*score)->characters, 12);
  EXPECT_DOUBLE_EQ((*score)->saved(), 0);
}

// The exact scores of drafts are what they say of themselves, where they are exact.
TEST_F(DraftEvalTest, PerplexityIsThatOfTheDrafts) {
  DraftEval eval = std::move(DraftEval::prepare(*model_)).value();
  const DraftCase held_out{{}, "I hope you are well. I am writing to ask about the ", "meeting on Monday"};
  for (const auto method : {engine::DraftMethod::batched, engine::DraftMethod::superposed}) {
    const auto score = eval.judge(held_out, {"", {.count = 1, .method = method}, 0}, 0);
    ASSERT_TRUE(score && *score);
    ASSERT_EQ((*score)->drafts, 1);
    EXPECT_GT((*score)->nats, 0);
    EXPECT_LT((*score)->nats, 3);
    EXPECT_DOUBLE_EQ((*score)->best_nats, (*score)->nats);
    EXPECT_DOUBLE_EQ((*score)->worst_nats, (*score)->nats);
  }
}

}  // namespace
}  // namespace foreword::app
