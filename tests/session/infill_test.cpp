// The prompt of a text that lacks its middle.

#include "engine/infill.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/tokenizer/small_vocabulary.h"

namespace foreword::engine {
namespace {

std::string shown(const Tokenizer& tokenizer, const Infill& infill) {
  const auto ids = encode_infill(tokenizer, infill);
  return ids ? tokenizer.decode(*ids, {.show_special = true}) : ids.error().message;
}

class InfillTest : public testing::Test {
 protected:
  InfillTest() {
    std::mt19937 random(31);
    vocabulary = test::byte_level_vocabulary("qwen2", 20, random);
    for (const char* mark : {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}) vocabulary.add(mark, 3);
  }
  test::SmallVocabulary vocabulary;
};

TEST_F(InfillTest, MarksStandBeforeBothTextsAndBehindThem) {
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  EXPECT_EQ(shown(tokenizer, {"int f() {\n", "\n}\n"}), "<|fim_prefix|>int f() {\n<|fim_suffix|>\n}\n<|fim_middle|>");
  EXPECT_EQ(shown(tokenizer, {"", ""}), "<|fim_prefix|><|fim_suffix|><|fim_middle|>");
  const auto ids = *encode_infill(tokenizer, {"a<|fim_middle|>", "b"});
  EXPECT_EQ(std::ranges::count(ids, tokenizer.fill_in_middle().middle), 1) << "what a file says is no mark";
}

TEST_F(InfillTest, OtherFilesComeFirstWhereTheVocabularyHasAMarkForThem) {
  const Infill infill{"a", "b", "x.c", {{"y.h", "int y;"}, {"z.h", "int z;"}}};
  EXPECT_EQ(shown(test::make_tokenizer(vocabulary.metadata()), infill), "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>");
  vocabulary.add("<|file_sep|>", 3);
  EXPECT_EQ(shown(test::make_tokenizer(vocabulary.metadata()), infill),
            "<|file_sep|>y.h\nint y;<|file_sep|>z.h\nint z;<|file_sep|>x.c\n<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>");
  vocabulary.add("<|repo_name|>", 3);
  EXPECT_TRUE(shown(test::make_tokenizer(vocabulary.metadata()), infill).starts_with("<|repo_name|>project\n<|file_sep|>y.h\n"));
}

TEST(Infill, AModelWithoutMarksSaysSo) {
  std::mt19937 random(31);
  auto vocabulary = test::byte_level_vocabulary("qwen2", 20, random);
  vocabulary.add("<|fim_prefix|>", 3);
  const auto ids = encode_infill(test::make_tokenizer(vocabulary.metadata()), {"a", "b"});
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace foreword::engine
