// The word rules against an independent engine of expressions (tests/data/make_pretokenizer.py), and their speed on
// texts made to hurt.

#include "engine/tokenizer/word_rules.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/tokenizer/unicode.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

constexpr const char* kRules[] = {"G", "L3", "Q2", "TK", "O2", "D3", "DC", "DL", "FA", "SC", "SE", "M5", "VI", "DF"};

TEST(WordRules, AgreeWithTheRegexModule) {
  const auto data = nlohmann::json::parse(test::read_text(test::data_dir() / "pretokenizer.json"));
  const auto texts = data["texts"].get<std::vector<std::string>>();
  ASSERT_GE(texts.size(), 100u);
  for (const char* rule : kRules) {
    SCOPED_TRACE(rule);
    const WordCutter cutter(rule);
    ASSERT_EQ(data["cuts"][rule].size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<std::size_t> lengths;
      cutter.cut(to_units(texts[i]), [&](std::u32string_view word) { lengths.push_back(word.size()); });
      EXPECT_EQ(lengths, data["cuts"][rule][i].get<std::vector<std::size_t>>()) << nlohmann::json(texts[i]).dump();
    }
  }
}

TEST(WordRules, WordsAreTheTextWhateverItsBytes) {
  const std::string text = "a\xFF\xFE b\xE2\x96 \xED\xA0\x80\xF4\x90\x80\x80 1\xC0\xAF\n\x80";
  const std::u32string units = to_units(text);
  for (const char* rule : kRules) {
    std::u32string joined;
    WordCutter(rule).cut(units, [&](std::u32string_view word) { joined += word; });
    EXPECT_EQ(joined, units) << rule;
  }
  std::size_t bytes = 0;
  for (const char32_t unit : units) bytes += unit_bytes(unit);
  EXPECT_EQ(bytes, text.size());
}

// Quadratic time would be minutes a text; linear time is milliseconds.
TEST(WordRules, HostileTextsTakeLinearTime) {
  constexpr std::size_t kUnits = 1 << 18;
  const std::pair<const char*, std::u32string> texts[] = {
      {"spaces", std::u32string(kUnits, U' ') + U"x"},
      {"newlines and spaces", std::u32string(kUnits / 2, U'\n') + std::u32string(kUnits / 2, U' ') + U"x"},
      {"capitals", std::u32string(kUnits, U'A') + U"'"},
      {"one lower case letter, then capitals", std::u32string(1, U'a').append(kUnits, U'A')},
      {"letters without case, then capitals", std::u32string(kUnits / 2, U'\u4E2D') + std::u32string(kUnits / 2, U'A')},
      {"combining marks", std::u32string(kUnits, U'\u0301')},
      {"digits", std::u32string(kUnits, U'7')},
      {"punctuation", std::u32string(kUnits, U'.')},
      {"symbols", std::u32string(kUnits, U'$')},
      {"apostrophes", std::u32string(kUnits, U'\'')},
      {"bad bytes", std::u32string(kUnits, kRawByte + 0xFF)},
  };
  for (const char* rule : kRules) {
    const WordCutter cutter(rule);
    for (const auto& [name, text] : texts) {
      const auto start = std::chrono::steady_clock::now();
      std::size_t units = 0;
      cutter.cut(text, [&](std::u32string_view word) { units += word.size(); });
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      EXPECT_EQ(units, text.size());
      EXPECT_LT(seconds.count(), 5.0) << rule << " on " << name;
    }
  }
}

TEST(WordRules, NamesOfTheTable) {
  EXPECT_EQ(find_pre_tokenizer("qwen2")->rule, "Q2");
  EXPECT_TRUE(find_pre_tokenizer("qwen2")->keeps_spaces);
  EXPECT_FALSE(find_pre_tokenizer("megrez")->keeps_spaces);
  EXPECT_TRUE(find_pre_tokenizer("tekken")->whole_word_first);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->adds_bos);
  EXPECT_TRUE(find_pre_tokenizer("glm4")->no_bos_id);
  EXPECT_EQ(find_pre_tokenizer("seed-coder")->rule, "SE");
  EXPECT_EQ(find_pre_tokenizer("viking")->rule, "VI");
  EXPECT_TRUE(find_pre_tokenizer("minicpm5")->whole_word_first);
  EXPECT_EQ(find_pre_tokenizer("no such rule"), nullptr);
}

}  // namespace
}  // namespace foreword::engine
