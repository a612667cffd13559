// D62: colours of code.

#include "ui/text/highlight.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace foreword::ui::text {
namespace {

/// Each token as its letter and text.
std::string shown(std::string_view language, std::string_view code) {
  std::string out;
  std::size_t at = 0;
  for (const TokenRun& run : highlight(language, code)) {
    const std::string part(code.substr(at, run.end - at));
    out += run.token == Token::plain ? part : std::string("<") + "pktfsncyard"[static_cast<std::size_t>(run.token)] + ":" + part + ">";
    at = run.end;
  }
  return out;
}

struct Sample {
  const char* language;
  const char* code;
  const char* wanted;
};

class D62Highlight : public ::testing::TestWithParam<Sample> {};

TEST_P(D62Highlight, KnowsTheLanguage) { EXPECT_EQ(shown(GetParam().language, GetParam().code), GetParam().wanted); }

INSTANTIATE_TEST_SUITE_P(
    All, D62Highlight,
    ::testing::Values(
        Sample{"c", "#include <x>\nint f(void); // no", "<d:#include> <x>\n<t:int> <f:f>(<t:void>); <c:// no>"},
        Sample{"C++", "auto s = \"a\\\"b\"; /* x\ny */ 0x1F'00", "<k:auto> s = <s:\"a\\\"b\">; <c:/* x\ny */> <n:0x1F'00>"},
        Sample{"python", "@cache\ndef f(x=None):\n  \"\"\"doc\n\"\"\"  # c", "<d:@cache>\n<k:def> <f:f>(x=<t:None>):\n  <s:\"\"\"doc\n\"\"\">  <c:# c>"},
        Sample{"js", "const a = `x\n${b}`;", "<k:const> a = <s:`x\n${b}`>;"},
        Sample{"ts", "type A = string;", "<k:type> A = <t:string>;"},
        Sample{"rust", "fn main() { let s: &'a str = r#\"x\"#; }", "<k:fn> <f:main>() { <k:let> s: &'a <t:str> = <s:r#\"x\"#>; }"},
        Sample{"go", "func f() error { return nil }", "<k:func> <f:f>() <t:error> { <k:return> <t:nil> }"},
        Sample{"java", "@Override public void f() {}", "<d:@Override> <k:public> <t:void> <f:f>() {}"},
        Sample{"bash", "if [ \"$x\" ]; then echo $HOME; fi # c", "<k:if> [ <s:\"$x\"> ]; <k:then> <t:echo> <y:$HOME>; <k:fi> <c:# c>"},
        Sample{"json", "{\"a\": \"b\", \"c\": -1.5e3, \"d\": null}", "{<y:\"a\">: <s:\"b\">, <y:\"c\">: -<n:1.5e3>, <y:\"d\">: <t:null>}"},
        Sample{"yaml", "key: true # c\nurl: \"x\"", "<y:key>: <t:true> <c:# c>\n<y:url>: <s:\"x\">"},
        Sample{"sql", "SELECT a FROM t WHERE b = 'x''y' -- c", "<k:SELECT> a <k:FROM> t <k:WHERE> b = <s:'x''y'> <c:-- c>"},
        Sample{"html", "<a href=\"x\">t</a><!-- c -->", "<<k:a> <y:href>=<s:\"x\">>t</<k:a>><c:<!-- c -->>"},
        Sample{"css", "a { color: red; } /* c */", "a { <y:color>: red; } <c:/* c */>"},
        Sample{"diff", "@@ 1\n-a\n+b\n c", "<d:@@ 1\n><r:-a\n><a:+b\n> c"},
        Sample{"unknown", "if x", "if x"}));

TEST(D62Highlight, CoversAnyBytesOfEveryLanguage) {
  std::mt19937 random(1);
  const std::string alphabet = "ab0 \n\t\"'`/*#<>-!=\\@$()[]{}:.+_\x80\xff";
  for (const char* language : {"c", "c++", "python", "js", "ts", "rust", "go", "java", "bash", "json", "yaml", "sql", "html", "css", "diff", "toml"}) {
    for (int round = 0; round < 200; ++round) {
      std::string code;
      for (unsigned i = random() % 40; i > 0; --i) code += alphabet[random() % alphabet.size()];
      std::size_t end = 0;
      for (const TokenRun& run : highlight(language, code)) {
        ASSERT_GT(run.end, end) << language << ": " << code;
        end = run.end;
      }
      ASSERT_EQ(end, code.size()) << language << ": " << code;
    }
  }
}

}  // namespace
}  // namespace foreword::ui::text
