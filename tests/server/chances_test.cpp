// Which tokens go out with which text, and how they are written.

#include "app/server/chances.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace foreword::app {
namespace {

using engine::TokenChance;
using engine::TokenChances;

std::string names(const std::vector<TokenChances>& tokens) {
  std::string all;
  for (const TokenChances& token : tokens) all += token.chosen.bytes + "|";
  return all;
}

std::vector<TokenChances> tokens_of(const std::vector<std::string>& texts) {
  std::vector<TokenChances> tokens;
  std::int64_t at = 0;
  for (const std::string& text : texts) {
    tokens.push_back({{static_cast<engine::TokenId>(tokens.size()), text, -1}, {}, at});
    at += std::ssize(text);
  }
  return tokens;
}

TEST(ChanceQueue, TokensGoOutWithTheTextThatTheyBegin) {
  ChanceQueue queue;
  queue.add(tokens_of({"One", " two", " three"}), 0);
  EXPECT_EQ(names(queue.take(0, 3)), "One|");
  EXPECT_EQ(names(queue.take(3, 5)), " two|") << "its beginning is out";
  EXPECT_EQ(names(queue.take(5, 7)), "");
  EXPECT_EQ(names(queue.take(7, ChanceQueue::kEnd)), " three|");
}

TEST(ChanceQueue, WhatStandsBeforeIsDropped) {
  ChanceQueue queue;
  queue.add(tokens_of({"<think>", "\n", "Hm", "</think>", "\n\nYes", "."}), 0);
  EXPECT_EQ(names(queue.take(20, 24)), "\n\nYes|.|") << "a token that reaches into the answer is of it";
}

TEST(ChanceQueue, TokensWithoutTextWaitForWhatFollows) {
  ChanceQueue queue;
  std::vector<TokenChances> parts = tokens_of({"a", "\xE2\x82", "\xAC"});
  parts[2].begin = 1;  // the decoder gave nothing out for the first half
  queue.add(parts, 0);
  EXPECT_EQ(names(queue.take(0, 1)), "a|");
  EXPECT_EQ(names(queue.take(1, 4)), "\xE2\x82|\xAC|");
}

TEST(ChanceQueue, BehindAnEchoTheyBeginLater) {
  ChanceQueue queue;
  queue.add(tokens_of({"Once"}), 0);
  queue.add(tokens_of({" upon"}), 4);
  EXPECT_EQ(queue.take(4, 9).at(0).begin, 4);
}

TEST(ChancesJson, AsChatsHaveThem) {
  const float minus = -std::numeric_limits<float>::infinity();
  const std::vector<TokenChances> tokens{{{7, "\xC3\xA9", -0.5F}, {{7, "\xC3\xA9", -0.5F}, {9, "e", minus}}, 0}};
  EXPECT_EQ(chat_chances(tokens).dump(),
            R"({"content":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169]},{"token":"e","logprob":-9999.0,"bytes":[101]}]}],"refusal":null})");
}

TEST(ChancesJson, AsCompletionsHaveThem) {
  std::vector<TokenChances> tokens = tokens_of({"é", "a"});
  tokens[0].chosen.log_p = std::nanf("");
  tokens[1].best = {{1, "a", -1}, {2, "b", -2}};
  EXPECT_EQ(text_chances(tokens, "éa", 2).dump(),
            R"({"tokens":["é","a"],"token_logprobs":[null,-1.0],"top_logprobs":[null,{"a":-1.0,"b":-2.0}],"text_offset":[0,1]})");
  EXPECT_TRUE(text_chances(tokens, "éa", 0)["top_logprobs"].is_null());
}

}  // namespace
}  // namespace foreword::app
