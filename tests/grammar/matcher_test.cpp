// Grammars put together from parts, and the texts that are read by them.

#include "engine/grammar/matcher.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <regex>

#include "engine/grammar/grammar.h"
#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

using Part = GrammarBuilder::Part;

std::shared_ptr<const Grammar> built(const GrammarBuilder& builder, Part root) {
  auto grammar = builder.build(root);
  EXPECT_TRUE(grammar) << (grammar ? "" : grammar.error().message);
  return grammar ? *grammar : nullptr;
}

bool fits(Matcher& matcher, std::string_view text) { return matcher.may_end(matcher.next(matcher.start(), text)); }

/// ( S ) S or nothing, for brackets of two kinds.
Part brackets(GrammarBuilder& b) {
  const auto rule = b.rule("brackets");
  b.define(rule, b.choice({b.nothing(), b.sequence({b.text("("), b.call(rule), b.text(")"), b.call(rule)}),
                           b.sequence({b.text("["), b.call(rule), b.text("]"), b.call(rule)})}));
  return b.call(rule);
}

TEST(Matcher, FollowsBracketsToAnyDepth) {
  GrammarBuilder b;
  Matcher matcher(built(b, brackets(b)));
  EXPECT_TRUE(fits(matcher, ""));
  EXPECT_TRUE(fits(matcher, "([])[]"));
  EXPECT_FALSE(fits(matcher, "([)]"));
  EXPECT_FALSE(fits(matcher, "(("));
  EXPECT_EQ(matcher.next(matcher.start(), "())"), Matcher::kDead);
  const std::string deep(10000, '(');
  const Matcher::State middle = matcher.next(matcher.start(), deep);
  EXPECT_NE(middle, Matcher::kDead);
  EXPECT_FALSE(matcher.may_end(middle));
  EXPECT_TRUE(matcher.may_end(matcher.next(middle, std::string(10000, ')'))));
}

TEST(Matcher, CountsRepetitions) {
  struct Case {
    std::int64_t least, most;
    std::vector<int> good, bad;
  };
  for (const Case& c : {Case{0, 1, {0, 1}, {2}}, Case{1, 1, {1}, {0, 2}}, Case{0, -1, {0, 1, 50}, {}}, Case{1, -1, {1, 2, 50}, {0}},
                        Case{2, 4, {2, 3, 4}, {0, 1, 5}}, Case{3, -1, {3, 4, 100}, {0, 1, 2}}, Case{0, 3, {0, 1, 2, 3}, {4}}, Case{5, 5, {5}, {4, 6}}}) {
    for (const bool inside : {false, true}) {
      GrammarBuilder b;
      const Part one = b.text("ab");
      const Part many = b.repeat(one, c.least, c.most);
      Matcher matcher(built(b, inside ? b.sequence({b.text("<"), many, b.text(">")}) : many));
      const auto text = [&](int n) {
        std::string s;
        for (int i = 0; i < n; ++i) s += "ab";
        return inside ? "<" + s + ">" : s;
      };
      for (const int n : c.good) EXPECT_TRUE(fits(matcher, text(n))) << n << " of " << c.least << " to " << c.most;
      for (const int n : c.bad) EXPECT_FALSE(fits(matcher, text(n))) << n << " of " << c.least << " to " << c.most;
    }
  }
}

TEST(Matcher, WithoutAnUpperLimitTheNumberOfStatesStaysSmall) {
  GrammarBuilder b;
  const auto list = b.rule("list");
  b.define(list, b.choice({b.text("."), b.sequence({b.repeat(b.text("a"), 3, -1), b.text(","), b.call(list)})}));
  Matcher matcher(built(b, b.call(list)));
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "aaaaaaa,";
  EXPECT_TRUE(fits(matcher, text + "."));
  EXPECT_LT(matcher.n_states(), 20U);
}

TEST(Matcher, RepetitionsOfWhatMayBeEmptyEnd) {
  GrammarBuilder b;
  const Part maybe = b.optional(b.text("x"));
  Matcher matcher(built(b, b.sequence({b.repeat(b.repeat(maybe, 0, -1), 0, -1), b.repeat(maybe, 3, 5), b.text("y")})));
  EXPECT_TRUE(fits(matcher, "y"));
  EXPECT_TRUE(fits(matcher, "xxxxxxxxxxy"));
  EXPECT_FALSE(fits(matcher, "xxx"));
}

TEST(Matcher, SaysWhereATextMustEndAndWhatAloneCanCome) {
  GrammarBuilder b;
  Matcher matcher(built(b, b.sequence({b.text("no"), b.choice({b.text("ne"), b.text("thing"), b.nothing()})})));
  Matcher::State state = matcher.start();
  EXPECT_EQ(matcher.only_byte(state), 'n');
  state = matcher.next(state, "no");
  EXPECT_TRUE(matcher.may_end(state));
  EXPECT_FALSE(matcher.must_end(state));
  EXPECT_EQ(matcher.only_byte(state), -1) << "it may end here";
  state = matcher.next(state, "t");
  EXPECT_EQ(matcher.only_byte(state), 'h');
  state = matcher.next(state, "hing");
  EXPECT_TRUE(matcher.may_end(state) && matcher.must_end(state));
  EXPECT_TRUE(matcher.must_end(Matcher::kDead));
  EXPECT_FALSE(matcher.may_end(Matcher::kDead));
}

TEST(Matcher, ForgettingTheRestChangesNothing) {
  GrammarBuilder b;
  Matcher matcher(built(b, b.sequence({b.repeat(b.sequence({b.text("{"), brackets(b), b.text("}")}), 2, 3), b.text("!")})));
  Matcher::State state = matcher.next(matcher.start(), "{([[]])}{[(");
  const std::size_t before = matcher.n_states();
  state = matcher.keep_only(state);
  EXPECT_LT(matcher.n_states(), before);
  for (const std::string_view rest : {")]}!", ")]}{}!", ")()]}{}!"}) EXPECT_TRUE(matcher.may_end(matcher.next(state, rest))) << rest;
  for (const std::string_view rest : {"]}!", ")]}{}{}!", ")]!"}) EXPECT_FALSE(matcher.may_end(matcher.next(state, rest))) << rest;
  EXPECT_TRUE(fits(matcher, "{}{()}!"));
}

TEST(Grammar, RefusesWhatCannotBeFollowed) {
  GrammarBuilder b;
  const auto left = b.rule("left"), empty = b.rule("empty");
  b.define(empty, b.optional(b.text("e")));
  b.define(left, b.choice({b.text("a"), b.sequence({b.call(empty), b.call(left), b.text("b")})}));
  EXPECT_NE(b.build(b.call(left)).error().message.find("\"left\""), std::string::npos);
  {
    GrammarBuilder other;
    EXPECT_NE(other.build(other.call(other.rule("nobody"))).error().message.find("\"nobody\""), std::string::npos);
  }
  GrammarBuilder c;
  const auto never_ends = c.rule("never_ends");
  c.define(never_ends, c.sequence({c.text("a"), c.call(never_ends)}));
  EXPECT_EQ(c.build(c.call(never_ends)).error().code, ErrorCode::invalid_argument);
  // Beside something that ends it is left out.
  Matcher matcher(built(c, c.choice({c.call(never_ends), c.text("b")})));
  EXPECT_TRUE(fits(matcher, "b"));
  EXPECT_EQ(matcher.next(matcher.start(), "a"), Matcher::kDead);
}

TEST(Grammar, TooManyStepsAreRefused) {
  GrammarBuilder b;
  Part part = b.choice({b.text("ab"), b.text("cd")});
  for (int i = 0; i < 40; ++i) part = b.sequence({b.optional(part), b.text("x"), part});
  EXPECT_EQ(b.build(part).error().code, ErrorCode::unsupported);
}

/// A naive reading of UTF-8 beside the sets of bytes.
TEST(CharSets, HaveExactlyTheirCharacters) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr char32_t kEdges[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF};
  for (int round = 0; round < 60; ++round) {
    CharSet set;
    const auto any = [&]() -> char32_t { return random() % 2 ? kEdges[random() % std::size(kEdges)] + random() % 3 : random() % 0x110000; };
    for (std::size_t n = random() % 4 + 1; n > 0; --n) {
      const char32_t a = any(), c = any();
      set.add(std::min(a, c), std::max(a, c));
    }
    if (round % 2 == 1) set = set.complement();
    if (set.empty()) continue;
    GrammarBuilder b;
    Matcher matcher(built(b, b.chars(set)));
    const auto look = [&](char32_t c) {
      if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return;
      std::string bytes;
      append_utf8(bytes, c);
      EXPECT_EQ(fits(matcher, bytes), set.contains(c)) << std::hex << static_cast<std::uint32_t>(c);
      EXPECT_NE(set.contains(c), set.complement().contains(c));
    };
    for (const char32_t edge : kEdges) {
      for (int d = -2; d <= 2; ++d) look(static_cast<char32_t>(static_cast<std::int64_t>(edge) + d));
    }
    for (const CharSet::Range& range : set.ranges()) {
      for (int d = -1; d <= 1; ++d) {
        look(range.first + static_cast<char32_t>(d));
        look(range.last + static_cast<char32_t>(d));
      }
    }
    for (int i = 0; i < 2000; ++i) look(random() % 0x110000);
    for (const std::string_view wrong : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE0\x80\x80", "\xFF"}) EXPECT_FALSE(fits(matcher, wrong));
  }
}

/// Random expressions beside the standard library's.
TEST(Matcher, AgreesWithRegularExpressions) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 100; ++round) {
    GrammarBuilder b;
    std::string expression;
    const std::function<Part(int)> any = [&](int depth) -> Part {
      switch (depth == 0 ? 0 : random() % 4) {
        case 1: {
          expression += "(?:";
          std::vector<Part> parts;
          for (std::size_t n = 1 + random() % 3, i = 0; i < n; ++i) {
            if (i > 0) expression += "|";
            parts.push_back(any(depth - 1));
          }
          expression += ")";
          return b.choice(parts);
        }
        case 2: {
          std::vector<Part> parts;
          for (std::size_t n = random() % 3 + 1; n > 0; --n) parts.push_back(any(depth - 1));
          return b.sequence(parts);
        }
        case 3: {
          expression += "(?:";
          const Part inner = any(depth - 1);
          const int least = static_cast<int>(random() % 3), most = random() % 2 ? -1 : least + static_cast<int>(random() % 3);
          expression += "){" + std::to_string(least) + "," + (most < 0 ? "" : std::to_string(most)) + "}";
          return b.repeat(inner, least, most);
        }
        default: {
          const char letter = static_cast<char>('a' + random() % 2);
          expression += letter;
          return b.text({&letter, 1});
        }
      }
    };
    const Part root = any(3);
    const std::regex regex(expression);
    Matcher matcher(built(b, root));
    for (int length = 0; length <= 7; ++length) {
      for (int bits = 0; bits < 1 << length; bits += 1 + static_cast<int>(random() % 5)) {
        std::string text;
        for (int i = 0; i < length; ++i) text += (bits >> i & 1) ? 'b' : 'a';
        ASSERT_EQ(fits(matcher, text), std::regex_match(text, regex)) << expression << " and " << text;
      }
    }
  }
}

}  // namespace
}  // namespace foreword::engine
