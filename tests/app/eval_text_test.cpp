// The arithmetic of `foreword eval`: records, choice, alignment, windows, n-grams.

#include "app/eval_text.h"

#include <gtest/gtest.h>

#include <numeric>

#include "app/eval_records.h"

namespace foreword::app {
namespace {

using engine::TextSpan;

std::string complaint(const std::string& lines) {
  const auto records = parse_eval_records(lines, "valid.jsonl");
  return records ? "accepted" : records.error().message;
}

TEST(EvalRecords, AreReadWithTheirKinds) {
  const auto records = parse_eval_records(
      "{\"source\":\"a\",\"kind\":\"mail\",\"text\":\"Hi\\n\"}\r\n\n"
      "{\"kind\":\"edit\",\"turns\":[{\"role\":\"user\",\"content\":\"fix\"},{\"role\":\"assistant\",\"content\":\"fixed\"}]}",
      "valid.jsonl");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].source, "a");
  EXPECT_EQ(kEvalKinds[(*records)[0].kind].name, "mail");
  EXPECT_EQ((*records)[0].text, "Hi\n");
  EXPECT_TRUE(kEvalKinds[(*records)[1].kind].answer_only);
  EXPECT_EQ((*records)[1].turns[1].content, "fixed");
}

TEST(EvalRecords, ABadLineIsNamed) {
  const std::string good = "{\"kind\":\"prose\",\"text\":\"a\"}\n";
  for (const std::string bad :
       {"hello", "[1]", "{\"kind\":\"prose\",\"text\":\"a\"", "{\"kind\":\"prose\"}", "{\"kind\":\"poem\",\"text\":\"a\"}", "{\"text\":\"a\"}",
        "{\"kind\":\"prose\",\"text\":5}", "{\"kind\":\"chat\",\"text\":\"a\"}", "{\"kind\":\"chat\",\"turns\":[]}",
        "{\"kind\":\"chat\",\"turns\":[5]}", "{\"kind\":\"chat\",\"turns\":[{\"role\":\"user\"}]}",
        "{\"kind\":\"chat\",\"turns\":[{\"role\":\"poet\",\"content\":\"a\"}]}",
        "{\"kind\":\"edit\",\"turns\":[{\"role\":\"user\",\"content\":\"a\"}]}", "{\"kind\":\"prose\",\"text\":\"\xFF\"}"}) {
    EXPECT_TRUE(complaint(good + "\n" + bad + "\n" + good).starts_with("valid.jsonl, line 3: ")) << complaint(good + "\n" + bad);
  }
  EXPECT_EQ(complaint(good), "accepted");
  EXPECT_TRUE(complaint("\n \n").starts_with("valid.jsonl holds no record"));
  EXPECT_NE(complaint("\x28\xB5\x2F\xFD\n").find("not compressed"), std::string::npos);
}

TEST(Spread, TakesEvenlyAndAboutAsMuchAsWasAsked) {
  const std::vector<std::int64_t> ones(1000, 1);
  EXPECT_EQ(spread(ones, 0).size(), 1000u);
  EXPECT_EQ(spread(ones, 1000).size(), 1000u);
  const auto ten = spread(ones, 10);
  ASSERT_EQ(ten.size(), 10u);
  for (std::size_t i = 1; i < ten.size(); ++i) EXPECT_EQ(ten[i] - ten[i - 1], 100u);
  std::vector<std::int64_t> mixed;
  for (int i = 0; i < 900; ++i) mixed.push_back(i % 3 == 0 ? 100 : 3);
  std::int64_t sum = 0, large = 0;
  for (const std::size_t i : spread(mixed, 8000)) sum += mixed[i], large += mixed[i] == 100 ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(sum), 8000, 100);
  EXPECT_NEAR(static_cast<double>(large), 75, 8) << "large ones are neither left out nor preferred";
  EXPECT_EQ(spread(std::vector<std::int64_t>{500, 500, 500}, 1).size(), 1u);
  EXPECT_TRUE(spread({}, 5).empty());
}

std::string counted(const std::vector<std::string>& pieces, const std::vector<TextSpan>& text) {
  const auto shares = token_shares(pieces, text);
  if (!shares) return "lost";
  std::string line;
  for (const TokenShare& share : *shares) line += (share.counted ? "+" : "-") + std::to_string(share.bytes) + " ";
  return line;
}

TEST(TokenShares, CountBytesOfTheTextAlone) {
  const std::vector<TextSpan> chat = {{"<u>", true}, {"Hello you", false}, {"<e>\nbot: ", true}, {"Yes", false}, {"<e>", true}};
  EXPECT_EQ(counted({"<u>", "Hello", " you", "<e>", "\nbot", ": ", "Yes", "<e>"}, chat), "-0 +5 +4 -0 -0 -0 +3 -0 ");
  EXPECT_EQ(counted({"<u>", "Hello", " you", "<e>", "\nbot", ":", " Yes", "<e>"}, chat), "-0 +5 +4 -0 -0 -0 +3 -0 ")
      << "a token on the border counts with its part of the text";
}

TEST(TokenShares, KnowTheSpaceThatATokenizerAddsAndWhatItDrops) {
  EXPECT_EQ(counted({" Once", " upon"}, {{"Once upon", false}}), "+4 +5 ");
  EXPECT_EQ(counted({" ", "Once"}, {{"Once", false}}), "+0 +4 ") << "the word mark before the text is paid for";
  EXPECT_EQ(counted({"a", "b"}, {{"a  b ", false}}), "+1 +1 ");
  EXPECT_EQ(counted({"\xC3", "\xA9"}, {{"\xC3\xA9", false}}), "+1 +1 ") << "bytes of one character";
}

TEST(TokenShares, AreNotGuessed) {
  EXPECT_EQ(counted({"a", "c"}, {{"ab", false}}), "lost");
  EXPECT_EQ(counted({"a"}, {{"ab", false}}), "lost");
  EXPECT_EQ(counted({"a", "b", "c"}, {{"ab", false}}), "lost");
}

TEST(Windows, PredictEveryTokenOnce) {
  std::vector<engine::TokenId> ids(10);
  std::iota(ids.begin(), ids.end(), 100);
  for (const engine::TokenId bos : {1, engine::kNoToken}) {
    for (std::int64_t context = 2; context < 13; ++context) {
      std::vector<int> times(ids.size());
      for (const EvalWindow& window : cut_windows(ids, bos, context)) {
        EXPECT_LE(std::ssize(window.tokens), context);
        for (std::size_t i = 1; i < window.tokens.size(); ++i) {
          const std::size_t at = static_cast<std::size_t>(window.first) + i - 1;
          EXPECT_EQ(window.tokens[i], ids[at]);
          ++times[at];
        }
        if (bos == 1) EXPECT_EQ(window.tokens[0], 1);
        else EXPECT_EQ(window.tokens[0], ids[static_cast<std::size_t>(window.first) - 1]);
      }
      for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(times[i], bos != 1 && i == 0 ? 0 : 1) << context << " " << i;
    }
  }
  EXPECT_TRUE(cut_windows({}, 1, 8).empty());
  EXPECT_TRUE(cut_windows({}, engine::kNoToken, 8).empty());
}

TEST(Text, OpeningsAreWholeWordsOfLongTexts) {
  EXPECT_EQ(opening_of("The cat sat on the mat and slept.", 10), "The cat");
  EXPECT_EQ(opening_of("The cat sat on the mat and slept.", 11), "The cat sat");
  EXPECT_EQ(opening_of("Too short", 10), "");
  EXPECT_EQ(opening_of(std::string(50, 'a'), 10), "");
  EXPECT_EQ(normal_space("  a\n\tb  c "), "a b c");
}

TEST(Ngrams, AreCountedAsTheirPapersDo) {
  NgramCounter none;
  none.add("one two");
  EXPECT_FALSE(none.repeated());
  EXPECT_DOUBLE_EQ(*none.distinct(2), 1);
  EXPECT_FALSE(none.distinct(3));
  NgramCounter same;
  same.add("a b c d a b c d");  // 4-grams: abcd bcda cdab dabc abcd
  EXPECT_DOUBLE_EQ(*same.repeated(), 0.2);
  EXPECT_DOUBLE_EQ(*same.distinct(1), 0.5);
  EXPECT_DOUBLE_EQ(*same.distinct(2), 4.0 / 7);
  same.add("a b c d");  // new in its own text, not among all
  EXPECT_DOUBLE_EQ(*same.repeated(), 1.0 / 6);
  EXPECT_DOUBLE_EQ(*same.distinct(1), 4.0 / 12);
  NgramCounter ab;
  ab.add("a bc");
  ab.add("ab c");
  EXPECT_DOUBLE_EQ(*ab.distinct(2), 1) << "words do not run into each other";
}

}  // namespace
}  // namespace foreword::app
