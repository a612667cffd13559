// D61, D62, D67: markdown to blocks, also while it grows.

#include "ui/text/markdown.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <random>

#include "ui/text/markdown_stream.h"

namespace foreword::ui::text {
namespace {

std::vector<Block> blocks_of(std::string_view source) {
  MarkdownStream stream;
  stream.update(source, false);
  return stream.blocks();
}

/// Blocks in short: kind and text, marks as tags.
std::string shown(const std::vector<Block>& blocks) {
  static constexpr std::pair<InlineMark, char> kTags[] = {{kStrong, 'b'}, {kEmphasis, 'i'}, {kCode, 'c'}, {kStrike, 's'}, {kLink, 'a'}};
  std::string out;
  for (const Block& block : blocks) {
    out += "pHCTR"[static_cast<std::size_t>(block.kind)];
    out += block.nest + block.marker + (block.task == TaskMark::none ? "" : block.task == TaskMark::open ? "o" : "x") + ":";
    std::size_t at = 0;
    for (const InlineRun& run : block.runs) {
      std::string tags;
      for (const auto& [mark, tag] : kTags) {
        if ((run.marks & mark) != 0) tags += tag;
      }
      const std::string part = block.text.substr(at, run.end - at);
      out += tags.empty() ? part : "<" + tags + ">" + part + "</>";
      at = run.end;
    }
    if (block.runs.empty()) out += block.text;
    out += "|";
  }
  return out;
}
std::string shown(std::string_view source) { return shown(blocks_of(source)); }

TEST(Markdown, D61KnowsWhatCommonMarkKnows) {
  EXPECT_EQ(shown("# Title\n\nText *one* **two** ***three*** `code` ~~gone~~"),
            "H:Title|p:Text <i>one</> <b>two</> <bi>three</> <c>code</> <s>gone</>|");
  EXPECT_EQ(shown("- a\n- b\n  - c\n\n1. x\n2. y"), "pl•:a|pl•:b|pll•:c|pl1.:x|pl2.:y|");
  EXPECT_EQ(shown("> quote\n> > deep\n\n---\n"), "pq:quote|pqq:deep|R:|");
  EXPECT_EQ(shown("- [ ] open\n- [x] done\n-"), "pl•o:open|pl•x:done|pl•:|");
  EXPECT_EQ(shown("[text](http://a.b) and https://c.d and ![picture](p.png)"), "p:<a>text</> and <a>https://c.d</> and <a>picture</>|");
  EXPECT_EQ(shown("3) c\n4) d"), "pl3.:c|pl4.:d|");
  EXPECT_EQ(shown("a &amp; b &#x2014; &bogus; \\*"), "p:a & b \u2014 &bogus; *|");
}

TEST(Markdown, LineEndsOfAPoemStay) { EXPECT_EQ(shown("one\ntwo  \nthree"), "p:one\ntwo\nthree|"); }

TEST(Markdown, D61Tables) {
  const auto blocks = blocks_of("| a | b | c |\n|:--|:-:|--:|\n| 1 | **2** | 3 \\| 4 |\n| 5 |\n");
  ASSERT_EQ(shown(blocks), "T:a\tb\tc\n1\t<b>2</>\t3 | 4\n5\t\t|");
  EXPECT_EQ(blocks[0].columns, (std::vector<Align>{Align::left, Align::center, Align::right}));
  ASSERT_EQ(blocks[0].cells.size(), 9u);
  EXPECT_EQ(blocks[0].text.substr(blocks[0].cells[5].begin, blocks[0].cells[5].end - blocks[0].cells[5].begin), "3 | 4");
}

TEST(Markdown, D62CodeKeepsEveryByteAndItsLanguage) {
  const auto blocks = blocks_of("```c++ title\n\tint x = 1 & 2;\n\n  // *no*\n```\n\n    indented\n");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].text, "\tint x = 1 & 2;\n\n  // *no*");
  EXPECT_EQ(blocks[0].language, "c++");
  EXPECT_EQ(blocks[1].text, "indented");
}

TEST(Markdown, D62HtmlIsShownAndPicturesAreLinks) {
  EXPECT_EQ(shown("<script>alert(1)</script> <b>x</b>"), "p:<script>alert(1)</script> <b>x</b>|");
  EXPECT_EQ(blocks_of("![x](http://spy/1.png)")[0].links, (std::vector<std::string>{"http://spy/1.png"}));
}

TEST(Markdown, D67TexIsShownAsItIsWritten) {
  EXPECT_EQ(shown("so \\(a_1 * b_2 * c\\) is"), "p:so <c>\\(a_1 * b_2 * c\\)</> is|");
  EXPECT_EQ(shown("\\[\nx_1 = \\frac{1}{2}\n\\]"), "p:<c>\\[\nx_1 = \\frac{1}{2}\n\\]</>|");
  EXPECT_EQ(shown("so $a_1 * b_2$ is, and $$c_1$$"), "p:so <c>$a_1 * b_2$</> is, and <c>$$c_1$$</>|");
  EXPECT_EQ(shown("`\\(` code \\( open"), "p:<c>\\(</> code ( open|");
}

TEST(Markdown, MoneyIsNoMathematics) { EXPECT_EQ(shown("It costs $5, and then $6 more."), "p:It costs $5, and then $6 more.|"); }

/// The law of streaming: at every length the blocks are those of the whole text.
void expect_equal_at_every_prefix(const std::string& source, std::size_t step) {
  MarkdownStream stream;
  for (std::size_t n = step; n <= source.size(); n += step) {
    stream.update(std::string_view(source).substr(0, n), n > step);
    const Markdown whole = parse_markdown(std::string_view(source).substr(0, n));
    ASSERT_EQ(shown(stream.blocks()), shown(whole.blocks)) << "prefix " << n << " of \"" << source << '"';
    ASSERT_EQ(stream.blocks(), whole.blocks);
  }
}

const std::vector<std::string> kLines = {
    "word", "- item", "* star", "1. one", "2) two", "  - nested", "   indented", "    code", "> quote", ">", "```", "```py", "~~~", "# head", "===", "---",
    "| a | b |", "|---|---|", "**bold", "text**", "`tick", "$x$", "\\[", "\\]", "<div>", "-", "1.", "+ plus", "\ttab", "[a](b)", "***", "   ```", "10. ten", "2"};

TEST(MarkdownStream, D61EqualsAFullParseAtEveryPrefixOfRandomDocuments) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::string source;
    for (int i = 0; i < 30; ++i) source += kLines[random() % kLines.size()] + (random() % 2 == 0 ? "\n\n" : "\n");
    expect_equal_at_every_prefix(source, 1);
    if (HasFatalFailure()) return;
  }
}

TEST(MarkdownStream, ALoneCarriageReturnEndsALineToo) {
  expect_equal_at_every_prefix("[']. x\n\n<d> h\r\r\rt* <b>\nhm\r\r\n", 1);
  expect_equal_at_every_prefix("See [one].\n\nMore\r\r[one]: http://one\n\nEnd.\n", 1);
  static constexpr std::string_view kEnds[] = {"\n", "\n\n", "\r", "\r\r", "\r\n", "\r\n\r\n"};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::string source;
    for (int i = 0; i < 20; ++i) source += kLines[random() % kLines.size()] + std::string(kEnds[random() % std::size(kEnds)]);
    expect_equal_at_every_prefix(source, 1);
    if (HasFatalFailure()) return;
  }
}

TEST(MarkdownStream, D61LinkDefinitionsReachBack) {
  expect_equal_at_every_prefix("See [one] and [two].\n\nMore text.\n\n[one]: http://one\n\nEnd.\n\n[two]: <http://two>\n\nLast.\n", 1);
}

// The parser leaves a link that it did not enter.
TEST(Markdown, ALinkThatOnlyEndsIsNone) {
  const std::vector<Block> blocks = blocks_of("![]([)]()x\n\n[a](b) **c**");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1].links, std::vector<std::string>{"b"});
  for (const Block& block : blocks) {
    for (const InlineRun& run : block.runs) EXPECT_TRUE((run.marks & kLink) == 0 || run.link < block.links.size());
  }
}

TEST(MarkdownStream, AListIsTheSameWhereverItStands) { expect_equal_at_every_prefix("o\n\n10. n\n\n\n\tt\n\n10. n\n\n\n\tt\n\nEnd.\n", 1); }

TEST(MarkdownStream, BlanksMakeNoLineOfIt) {
  expect_equal_at_every_prefix("\\[\n \n\\]\n1", 1);
  expect_equal_at_every_prefix("so \\(a\n\t \n1\\)\n\nEnd.\n", 1);
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::string source;
    for (int i = 0; i < 30; ++i) source += kLines[random() % kLines.size()] + std::string(random() % 2 == 0 ? "\n" : random() % 2 == 0 ? "\n \n" : "\n\t\n\n");
    expect_equal_at_every_prefix(source, 1);
    if (HasFatalFailure()) return;
  }
}

TEST(MarkdownStream, DefinitionsHaveLabelsOfSeveralLinesAndStandInItems) {
  expect_equal_at_every_prefix("See [a b].\n\nMore.\n\n[a\nb]: http://one\n\nEnd.\n", 1);
  expect_equal_at_every_prefix("See [a].\n\nMore.\n\n- [a]: http://one\n\nEnd.\n", 1);
  expect_equal_at_every_prefix("See [a\\]].\n\nMore.\n\n> 10) [a\\]]: http://one\n\nEnd.\n", 1);
  const std::vector<std::string> pieces = {"[a]", "[a", "b]", "[a\\]", "]: http://x", "[b]: y", "> ", "- ", "1. ", "  ", "[", "]", ":", "a b", "# h"};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::string source;
    for (int i = 0; i < 30; ++i) source += pieces[random() % pieces.size()] + (random() % 3 == 0 ? "" : random() % 2 == 0 ? "\n" : "\n\n");
    expect_equal_at_every_prefix(source, 1);
    if (HasFatalFailure()) return;
  }
}

TEST(MarkdownStream, WhatLooksLikeADefinitionInCodeIsNone) {
  for (const char* source : {"    if a[i]:\n", "for x in y[1:2]:\n", "See [a](b): c\n", "dict[str, int]: x"}) EXPECT_FALSE(parse_markdown(source).defines_links) << source;
  for (const char* source : {"[a]: b", "> - [a]: b", "[a\nb]: c", "[a\\]]: c"}) EXPECT_TRUE(parse_markdown(source).defines_links) << source;
}

TEST(MarkdownStream, D61OnlyTheOpenBlockIsParsedAgain) {
  std::string source;
  MarkdownStream stream;
  std::size_t last_parse = 0, n_tokens = 0;
  for (int paragraph = 0; paragraph < 200; ++paragraph) {
    for (int word = 0; word < 40; ++word) {
      source += word % 9 == 0 ? "**strong** " : "word ";
      const std::size_t before = stream.n_parsed_bytes();
      stream.update(source, true);
      last_parse = stream.n_parsed_bytes() - before;
      EXPECT_GE(stream.first_changed() + 2, stream.blocks().size());
      ++n_tokens;
      ASSERT_LT(last_parse, 1000u) << "token " << n_tokens;
    }
    source += "\n\n";
  }
  std::printf("%zu tokens, %zu bytes: %.0f bytes parsed a token\n", n_tokens, source.size(),
              static_cast<double>(stream.n_parsed_bytes()) / static_cast<double>(n_tokens));
}

TEST(Markdown, WhatTheUserSaysIsNotInterpreted) {
  const auto blocks = parse_plain("*a* <b>\n# c\n\n```py\nx\n```\nend");
  EXPECT_EQ(shown(blocks), "p:*a* <b>\n# c|C:x|p:end|");
  EXPECT_EQ(blocks[1].language, "py");
}

struct Hostile {
  const char* name;
  std::function<std::string()> make;
};

std::string times(const std::string& part, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += part;
  return out;
}

class HostileMarkdown : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileMarkdown, EndsSoonAndKeepsTheText) {
  const std::string source = GetParam().make();
  const auto start = std::chrono::steady_clock::now();
  const auto blocks = blocks_of(source);
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  std::size_t shown_bytes = 0;
  for (const Block& block : blocks) shown_bytes += block.text.size();
  std::printf("%-24s %8zu bytes: %6.1f ms, %zu blocks, %zu bytes shown\n", GetParam().name, source.size(), ms, blocks.size(), shown_bytes);
  EXPECT_FALSE(blocks.empty());
}

std::string random_bytes() {
  std::mt19937 random(5);
  std::string out(200'000, ' ');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileMarkdown,
    ::testing::Values(Hostile{"brackets", [] { return times("[", 100'000); }}, Hostile{"pictures", [] { return times("![", 50'000); }},
                      Hostile{"stars", [] { return times("*a ", 60'000); }}, Hostile{"strong stars", [] { return times("**a ", 60'000) + times("b** ", 60'000); }},
                      Hostile{"backticks", [] { std::string s; for (int i = 1; i < 500; ++i) s += "a" + times("`", static_cast<std::size_t>(i)); return s; }},
                      Hostile{"quotes", [] { return times(">", 100'000) + "x"; }}, Hostile{"nested lists", [] { return times("- ", 50'000) + "x"; }},
                      Hostile{"wide table", [] { return times("|a", 30'000) + "\n" + times("|-", 30'000) + "\n" + times("x\n", 30'000); }},
                      Hostile{"1 MB table", [] { return "| a | b | c |\n|---|---|---|\n" + times("| 1 | two words | `x` |\n", 43'000); }},
                      Hostile{"1 MB of paragraphs", [] { return times("Some *words* here.\n\n", 50'000); }},
                      Hostile{"1 MB line", [] { return times("word ", 200'000); }}, Hostile{"links", [] { return times("[a](b) ", 40'000); }},
                      Hostile{"open links", [] { return times("[a](", 40'000); }}, Hostile{"tex", [] { return times("\\(\\)", 50'000); }},
                      Hostile{"tex without an end", [] { return times("\\(\\[", 200'000); }}, Hostile{"colons", [] { return times("]:", 200'000); }},
                      Hostile{"definitions", [] { return times("[a]: b\n", 30'000) + times("[a] ", 30'000); }},
                      Hostile{"labels of one line", [] { return "x" + times("[a]:", 90'000); }}, Hostile{"labels behind marks", [] { return "x" + times("[a]:>>>>", 40'000); }},
                      Hostile{"entities", [] { return times("&amp;", 50'000); }}, Hostile{"zeros", [] { return std::string(100'000, '\0'); }},
                      Hostile{"random bytes", random_bytes}),
    [](const auto& test) { std::string name; for (const char c : std::string(test.param.name)) { if (c != ' ') name += c; } return name; });

}  // namespace
}  // namespace foreword::ui::text
