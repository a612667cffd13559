// Grammars in llama.cpp's notation.

#include "engine/grammar/gbnf.h"

#include <gtest/gtest.h>

#include "engine/grammar/matcher.h"

namespace foreword::engine {
namespace {

struct Case {
  std::string_view what, grammar;
  std::vector<std::string_view> good, bad;
};

const Case kCases[] = {
    {"texts and alternatives", "root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "ye", "yesno", "maybe"}},
    {"the rest of a rule on other lines", "root ::=\n  a\n  | b # one of two\n\na ::= \"x\" \"y\"\nb::=\"z\"\n", {"xy", "z"}, {"x", "xyz"}},
    {"sets and ranges", "root ::= [a-cX_-] [^a-c\\n]", {"ad", "X-", "-_", "_é"}, {"aa", "dd", "a\n", "a"}},
    {"a set with brackets and a caret", R"(root ::= [\]\[^]+)", {"][^"}, {"\\", ""}},
    {"any character", "root ::= . .", {"ab", "é日", "\n\t", "😀x"}, {"a", "abc", "\xC3"}},
    {"repetitions", R"(root ::= "a"* "b"+ "c"? "d"{2} "e"{1,} "f"{,2} "g"{1,2})", {"bddeg", "aabbcddeeeffgg"}, {"ddeg", "bdeg", "bddg", "bddefffg", "bddeggg"}},
    {"groups", R"gbnf(root ::= ("a" | "b" ("c")* )+ "!")gbnf", {"abcc!", "b!"}, {"!", "c!"}},
    {"escapes", R"(root ::= "\"\\\n\t\x41\u00e9\U0001F600")", {"\"\\\n\tAé😀"}, {"\"\\"}},
    {"a comment with rules in it, and none in a text", "# root ::= \"no\"\nroot ::= \"# yes\" # end", {"# yes"}, {"no"}},
    {"names with digits, lines and signs", "root ::= a-1 B_2\na-1 ::= \"1\"\nB_2 ::= \"2\"", {"12"}, {"1"}},
    {"the empty text", "root ::= \"\" | \"a\"", {"", "a"}, {"b"}},
    {"recursion", "root ::= \"(\" root \")\" | \"\"", {"", "((()))"}, {"(", "())"}},
    {"a list as in llama.cpp's examples", "root ::= item+\nitem ::= \"- \" [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ \"\\n\"", {"- a b\n- é\n"}, {"- \n", "- a"}},
    {"JSON", R"gbnf(
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws
string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4})
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
)gbnf",
     {"{}", R"({"a": [1, -2.5e3, true, null, {"b": "c\n\u00e9é"}]})"}, {"[]", "{\"a\"}", "{\"a\": 01}", "{a: 1}"}},
};

TEST(Gbnf, ReadsTheNotation) {
  for (const Case& c : kCases) {
    const auto grammar = parse_gbnf(c.grammar);
    ASSERT_TRUE(grammar) << c.what << ": " << grammar.error().message;
    Matcher matcher(*grammar);
    const auto fits = [&](std::string_view text) { return matcher.may_end(matcher.next(matcher.start(), text)); };
    for (const std::string_view text : c.good) EXPECT_TRUE(fits(text)) << c.what << ": " << text;
    for (const std::string_view text : c.bad) EXPECT_FALSE(fits(text)) << c.what << ": " << text;
  }
}

TEST(Gbnf, SaysWhatIsWrongAndWhere) {
  struct Wrong {
    std::string_view grammar, said;
  };
  for (const Wrong& wrong : {Wrong{"", "no rule \"root\""}, Wrong{"a ::= \"b\"", "no rule \"root\""}, Wrong{"root ::= b", "\"b\" is used"},
                             Wrong{"root ::= \"a", "no end"}, Wrong{"root ::= \"a\nb\"", "Line 1"}, Wrong{"root ::= [a", "no end"}, Wrong{"root ::= (\"a\"", "a ) is missing"},
                             Wrong{"root ::= \"a\")", "\")\" is not expected"}, Wrong{"\nroot ::= \"a\"\nroot ::= \"b\"", "Line 3"}, Wrong{"root ::= \"\\q\"", "no such escape"},
                             Wrong{"root ::= \"\\x4\"", "2 hexadecimal"}, Wrong{"root ::= \"\\uD800\"", "no such character"}, Wrong{"root ::= [z-a]", "behind its end"},
                             Wrong{"root ::= \"a\"{3,2}", "larger number"}, Wrong{"root ::= \"a\"{99999999}", "repetitions"}, Wrong{"root ::= \"a\"{2", "a } is missing"},
                             Wrong{"root ::= \"a\"{x}", "a number"}, Wrong{"root ::= \"\xFF\"", "not UTF-8"}, Wrong{"root ::= \"\xC0\xAF\"", "not UTF-8"}, Wrong{"::= \"a\"", "a rule is expected"},
                             Wrong{"root ::= * \"a\"", "\"*\" is not expected"}, Wrong{"root ::= root \"a\" | \"b\"", "\"root\" can begin with itself"},
                             Wrong{"root ::= \"a\" root", "No text at all"}, Wrong{"root ::= <think>", "\"<\" is not expected"}}) {
    const auto grammar = parse_gbnf(wrong.grammar);
    ASSERT_FALSE(grammar) << wrong.grammar;
    EXPECT_NE(grammar.error().message.find(wrong.said), std::string::npos) << wrong.grammar << ": " << grammar.error().message;
  }
  const std::string deep = "root ::= " + std::string(100000, '(');
  EXPECT_NE(parse_gbnf(deep).error().message.find("too deeply"), std::string::npos);
}

}  // namespace
}  // namespace foreword::engine
