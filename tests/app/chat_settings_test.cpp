// What a chat keeps of its own in the JSON of its settings.

#include <gtest/gtest.h>

#include "app/chat_settings.h"

namespace foreword::app {
namespace {

using ui::Overflow;

TEST(D57Settings, TheChoiceAndTheSummaryAreKeptBesideOtherKeys) {
  ChatSettings settings{Overflow::summarise, "They met \"at sea\".\n海", 41};
  const std::string json = write_chat_settings("{\"temperature\":0.5}", settings);
  EXPECT_EQ(read_chat_settings(json), settings);
  EXPECT_NE(json.find("temperature"), json.npos);
  EXPECT_EQ(read_chat_settings(""), ChatSettings{});
  EXPECT_EQ(read_chat_settings("{\"overflow\":3,\"summary\":[]}"), ChatSettings{});
  EXPECT_EQ(read_chat_settings("{\"overflow\":\"a word of tomorrow\"}"), ChatSettings{});
  EXPECT_EQ(read_chat_settings("no JSON \xff"), ChatSettings{});
  settings.summary = "\xff";
  EXPECT_EQ(read_chat_settings(write_chat_settings("[1]", settings)).overflow, Overflow::summarise);
}

/// An imported chat may hold anything there; to copy or write such a value would take a stack frame a level.
TEST(D57Settings, JsonOfAnyDepthIsNoneOfOurs) {
  constexpr std::size_t kDeep = 2'000'000;
  const std::string deep = "{\"a\":" + std::string(kDeep, '[') + std::string(kDeep, ']') + "}";
  EXPECT_EQ(read_chat_settings(deep), ChatSettings{});
  const ChatSettings settings{Overflow::drop_oldest, {}, 0};
  EXPECT_EQ(read_chat_settings(write_chat_settings(deep, settings)), settings);
  EXPECT_EQ(read_chat_settings("{\"a\":" + std::string(kDeep, '[')), ChatSettings{}) << "cut off";
  const std::string nested = "{\"theirs\":{\"of\":{\"some\":[[\"depth\"]]}}}";
  EXPECT_NE(write_chat_settings(nested, settings).find("[[\"depth\"]]"), std::string::npos);
}

}  // namespace
}  // namespace foreword::app
