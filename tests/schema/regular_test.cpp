// Languages of texts: what they hold, and what they have in common.

#include "engine/schema/regular.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "engine/schema/regex.h"

namespace foreword::engine {
namespace {

Regular language(std::string_view pattern) {
  auto made = regex_language(pattern);
  EXPECT_TRUE(made) << pattern;
  return made ? *made : Regular::texts({});
}

struct Case {
  std::string_view pattern;
  std::vector<std::string_view> in, out;
};

TEST(Regex, TellsTexts) {
  const Case cases[] = {
      {"", {"", "a", "\n"}, {}},
      {"abc", {"abc", "xabcx"}, {"", "ab", "acb"}},
      {"^abc$", {"abc"}, {"abc\n", "xabc", "abcx", "ab"}},
      {"^a|b$", {"a", "ax", "xb", "b"}, {"xa", "bx", ""}},
      {"^(a|b)c?$", {"a", "b", "ac", "bc"}, {"", "c", "abc"}},
      {"^(?:ab){2,3}$", {"abab", "ababab"}, {"ab", "abababab"}},
      {"^a{2}$", {"aa"}, {"a", "aaa"}},
      {"^a{2,}?$", {"aa", "aaa"}, {"a"}},
      {"^a{,2}$", {"a{,2}"}, {"", "a"}},
      {"^[a-c_-]+$", {"a-_b"}, {"d", ""}},
      {"^[^a-c]$", {"d", "\xC3\xA4", "\xF0\x9F\x98\x80"}, {"a", "", "dd"}},
      {"^.$", {"a", "\xE2\x82\xAC"}, {"\n", "\r", "\xE2\x80\xA8", ""}},
      {"^\\d\\w\\s$", {"1_ ", "9z\t"}, {"a1 ", "1- "}},
      {"^\\D\\W\\S$", {"a-b"}, {"1-b", "aab", "a- "}},
      {"^\\x41\\u0042\\u{43}\\cJ\\0$", {{"ABC\n\0", 5}}, {"ABC\n"}},
      {"^\\ud83d\\ude00$", {"\xF0\x9F\x98\x80"}, {"a"}},
      {"^[\\w.-]+\\/\\.$", {"a.b-c/."}, {"a/b"}},
      {"^[\\w-.]+$", {"a-.b"}, {"a+b"}},
      {"^(?<year>\\d{4})$", {"2024"}, {"20245"}},
      {"(^$)|(^x)", {"", "x", "xy"}, {"y"}},
      {"a^b", {}, {"ab", "a^b"}},
      {"^]}$", {"]}"}, {"]"}},
      {"^[]$", {}, {"", "a"}},
      {"^[^]$", {"\n", "a"}, {""}},
      {"^(a*)*$", {"", "aaa"}, {"b"}},
      {"^(|a)+b$", {"b", "aab"}, {"a"}},
  };
  for (const Case& c : cases) {
    const Regular tested = language(c.pattern);
    for (const std::string_view text : c.in) EXPECT_TRUE(tested.contains(text)) << c.pattern << " " << text;
    for (const std::string_view text : c.out) EXPECT_FALSE(tested.contains(text)) << c.pattern << " " << text;
  }
}

TEST(Regex, WhatIsNotKeptIsNamed) {
  const struct {
    std::string_view pattern, named;
    ErrorCode code;
  } cases[] = {
      {"(?=a)", "Lookahead", ErrorCode::unsupported},      {"(?!a)", "Negative lookahead", ErrorCode::unsupported},
      {"(?<=a)b", "Lookbehind", ErrorCode::unsupported},   {"(?<!a)b", "Negative lookbehind", ErrorCode::unsupported},
      {"(a)\\1", "backreference", ErrorCode::unsupported}, {"\\bword", "edge", ErrorCode::unsupported},
      {"\\p{L}", "property", ErrorCode::unsupported},      {"(?i)a", "flags", ErrorCode::unsupported},
      {"(a", "(", ErrorCode::invalid_argument},            {"a)", ")", ErrorCode::invalid_argument},
      {"[a", "[", ErrorCode::invalid_argument},            {"*a", "repeats nothing", ErrorCode::invalid_argument},
      {"[z-a]", "range", ErrorCode::invalid_argument},     {"a{3,2}", "repetition", ErrorCode::invalid_argument},
      {"\\", "backslash", ErrorCode::invalid_argument},    {"\\u12", "digits", ErrorCode::invalid_argument},
      {"\\e", "escape", ErrorCode::invalid_argument},      {"^*", "repeats ^", ErrorCode::invalid_argument},
  };
  for (const auto& c : cases) {
    const auto made = regex_language(c.pattern);
    ASSERT_FALSE(made) << c.pattern;
    EXPECT_EQ(made.error().code, c.code) << c.pattern;
    EXPECT_NE(made.error().message.find(c.named), std::string::npos) << made.error().message;
  }
}

TEST(Regex, TooLargeEndsQuickly) {
  for (const std::string& pattern : {std::string("(a{1000}){1000}"), std::string("a{1000000000}"), std::string("^.*a.{2000}$"), std::string("((((a{99}){99}){99}){99}){99}"),
                                     std::string(100'000, '('), std::string("^(a?){50000}$"), std::string("(((){999}){999}){999}")}) {
    const auto made = regex_language(pattern);
    ASSERT_FALSE(made) << pattern.substr(0, 50);
    EXPECT_EQ(made.error().code, ErrorCode::unsupported) << pattern.substr(0, 50);
  }
}

TEST(Regular, CommonAndWithout) {
  const Regular words = language("^[a-z]+$"), with_a = language("a");
  const auto both = words.common(with_a), rest = words.without(with_a);
  ASSERT_TRUE(both && rest);
  EXPECT_TRUE(both->contains("bar"));
  EXPECT_FALSE(both->contains("bor"));
  EXPECT_FALSE(both->contains("a1"));
  EXPECT_TRUE(rest->contains("bor"));
  EXPECT_FALSE(rest->contains("bar"));
  EXPECT_FALSE(rest->contains("1"));
  EXPECT_TRUE(both->common(*rest)->empty());
  EXPECT_TRUE(words.without(words)->empty());
  EXPECT_TRUE(Regular::all().is_all());
  EXPECT_TRUE(language("").is_all());
  EXPECT_FALSE(words.is_all());
  EXPECT_TRUE(Regular::all().without(Regular::texts({}))->is_all());
}

TEST(Regular, Texts) {
  const Regular some = Regular::texts({"key", "ke", "", "\xC3\xA4"});
  for (const std::string_view text : {"key", "ke", "", "\xC3\xA4"}) EXPECT_TRUE(some.contains(text)) << text;
  for (const std::string_view text : {"k", "keys", "\xC3\xB6"}) EXPECT_FALSE(some.contains(text)) << text;
  const auto others = Regular::all().without(some);
  ASSERT_TRUE(others);
  EXPECT_TRUE(others->contains("keys"));
  EXPECT_FALSE(others->contains("key"));
  EXPECT_TRUE(Regular::texts({}).empty());
}

TEST(Regular, Lengths) {
  EXPECT_EQ(language("^a{2,5}b?$").shortest(), 2);
  EXPECT_EQ(language("^a{2,5}b?$").longest(), 6);
  EXPECT_EQ(language("^a+$").longest(), std::nullopt);
  EXPECT_EQ(language("^$").longest(), 0);
  const auto some = language("^(ab)*$").of_length(3, 7);
  ASSERT_TRUE(some);
  for (const std::string_view text : {"abab", "ababab"}) EXPECT_TRUE(some->contains(text));
  for (const std::string_view text : {"", "ab", "abababab"}) EXPECT_FALSE(some->contains(text));
  EXPECT_TRUE(language("^(ab)*$").of_length(5, 5)->empty());
  const auto open = language("^(ab)*$").of_length(3, -1);
  EXPECT_TRUE(open->contains("abababababab"));
  EXPECT_FALSE(open->contains("ab"));
  EXPECT_FALSE(language("^a*$").of_length(1'000'000, -1));
  EXPECT_EQ(language("^a*$").of_length(0, 1'000'000)->longest(), Regular::kMostStates - 1);
  EXPECT_EQ(*language("^[\xC3\xA4\xF0\x9F\x98\x80]+$").of_length(0, 3)->longest(), 3);
}

/// Random expressions of a and b: both ways to say a product agree on all short texts.
TEST(Regular, AgreesWithItselfOnShortTexts) {
  std::mt19937 random(20'241);
  const auto any = [&](auto self, int depth) -> std::string {
    switch (random() % (depth > 3 ? 2 : 6)) {
      case 0: return "a";
      case 1: return "b";
      case 2: return "(" + self(self, depth + 1) + "|" + self(self, depth + 1) + ")";
      case 3: return self(self, depth + 1) + self(self, depth + 1);
      case 4: return "(" + self(self, depth + 1) + ")*";
      default: return "(" + self(self, depth + 1) + "){1,2}";
    }
  };
  for (int i = 0; i < 200; ++i) {
    const std::string one = "^(" + any(any, 0) + ")$", other = "^(" + any(any, 0) + ")$";
    const Regular a = language(one), b = language(other);
    const auto both = a.common(b), rest = a.without(b), short_ones = a.of_length(2, 4);
    for (unsigned bits = 0; bits < 1U << 7; ++bits) {
      std::string text;
      for (unsigned n = bits + 1; n > 1; n /= 2) text += n % 2 == 0 ? 'a' : 'b';
      ASSERT_EQ(both->contains(text), a.contains(text) && b.contains(text)) << one << other << text;
      ASSERT_EQ(rest->contains(text), a.contains(text) && !b.contains(text)) << one << other << text;
      ASSERT_EQ(short_ones->contains(text), a.contains(text) && text.size() >= 2 && text.size() <= 4) << one << text;
    }
  }
}

}  // namespace
}  // namespace foreword::engine
