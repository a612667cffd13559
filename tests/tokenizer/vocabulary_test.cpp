// Reading tokenizer keys: defaults, corrections, and a sentence for everything that a file can get wrong.

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/tokenizer/small_vocabulary.h"

namespace foreword::engine {
namespace {

using test::SmallVocabulary;

SmallVocabulary byte_level(const std::string& pre) {
  std::mt19937 random(31);
  return test::byte_level_vocabulary(pre, 20, random);
}

SmallVocabulary sentence_piece() {
  std::mt19937 random(32);
  return test::sentence_piece_vocabulary(20, random);
}

TEST(Vocabulary, WhatAFileGetsWrongIsASentenceWithTheKey) {
  struct Case {
    const char* key;
    MetaValue value;
    ErrorCode code;
  };
  using Strings = std::vector<std::string>;
  using Integers = std::vector<std::int64_t>;
  using Reals = std::vector<double>;
  const Case cases[] = {
      {"tokenizer.ggml.model", {std::int64_t{1}}, ErrorCode::corrupt},
      {"tokenizer.ggml.model", {std::string("rwkv")}, ErrorCode::unsupported},
      {"tokenizer.ggml.model", {std::string("t5")}, ErrorCode::unsupported},
      {"tokenizer.ggml.pre", {std::int64_t{1}}, ErrorCode::corrupt},
      {"tokenizer.ggml.pre", {std::string("who-knows")}, ErrorCode::unsupported},
      {"tokenizer.ggml.tokens", {Strings{}}, ErrorCode::corrupt},
      {"tokenizer.ggml.tokens", {Integers{1, 2}}, ErrorCode::corrupt},
      {"tokenizer.ggml.tokens", {std::string("a")}, ErrorCode::corrupt},
      {"tokenizer.ggml.token_type", {Integers{1, 1}}, ErrorCode::corrupt},
      {"tokenizer.ggml.token_type", {Strings{"a"}}, ErrorCode::corrupt},
      {"tokenizer.ggml.scores", {Reals{1.0}}, ErrorCode::corrupt},
      {"tokenizer.ggml.scores", {Strings{"a"}}, ErrorCode::corrupt},
      {"tokenizer.ggml.scores", {Reals(5000, std::numeric_limits<double>::quiet_NaN())}, ErrorCode::corrupt},
      {"tokenizer.ggml.merges", {Strings{"a b", "ab"}}, ErrorCode::corrupt},
      {"tokenizer.ggml.merges", {Strings{""}}, ErrorCode::corrupt},
      {"tokenizer.ggml.merges", {Strings{" "}}, ErrorCode::corrupt},
      {"tokenizer.ggml.merges", {Integers{1}}, ErrorCode::corrupt},
      {"tokenizer.ggml.bos_token_id", {std::string("x")}, ErrorCode::corrupt},
      {"tokenizer.ggml.eot_token_id", {Reals{1.0}}, ErrorCode::corrupt},
      {"tokenizer.ggml.fim_pre_token_id", {std::string("x")}, ErrorCode::corrupt},
      {"tokenizer.ggml.add_bos_token", {std::string("yes")}, ErrorCode::corrupt},
      {"tokenizer.ggml.suppress_tokens", {Strings{"x"}}, ErrorCode::corrupt},
      {"general.name", {std::int64_t{3}}, ErrorCode::corrupt},
  };
  for (const Case& one : cases) {
    Metadata metadata = byte_level("gpt-2").metadata();
    metadata.set(one.key, one.value);
    const auto result = Tokenizer::from_gguf(metadata);
    ASSERT_FALSE(result.has_value()) << one.key;
    EXPECT_EQ(result.error().code, one.code) << result.error().message;
    const bool names_key = result.error().message.find(one.key) != std::string::npos;
    EXPECT_TRUE(names_key || one.code == ErrorCode::unsupported) << result.error().message;
  }
}

TEST(Vocabulary, ScoresMayBeWholeNumbers) {
  std::mt19937 random(5);
  const SmallVocabulary vocabulary = test::sentence_piece_vocabulary(60, random);
  Metadata metadata = vocabulary.metadata();
  metadata.set("tokenizer.ggml.scores", {std::vector<std::int64_t>(vocabulary.scores.begin(), vocabulary.scores.end())});
  const Tokenizer real = test::make_tokenizer(vocabulary.metadata()), whole = test::make_tokenizer(metadata);
  for (int i = 0; i < 50; ++i) {
    const std::string text = test::random_text({"a", "b", "c", "d", " "}, 40, random);
    ASSERT_EQ(whole.encode(text, {}), real.encode(text, {})) << text;
  }
}

TEST(Vocabulary, MissingKeysAreNamed) {
  for (const char* key : {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    const Metadata whole = byte_level("gpt-2").metadata();
    Metadata metadata;
    for (const auto& [name, value] : whole.all()) {
      if (name != key) metadata.set(name, value);
    }
    const auto result = Tokenizer::from_gguf(metadata);
    ASSERT_FALSE(result.has_value()) << key;
    EXPECT_EQ(result.error().code, ErrorCode::corrupt);
    EXPECT_NE(result.error().message.find(key), std::string::npos) << result.error().message;
  }
}

TEST(Vocabulary, UnknownRuleIsNamed) {
  const auto result = Tokenizer::from_gguf(byte_level("new-rule").metadata());
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("uses the word rule new-rule, which this version does not know"),
            std::string::npos);
}

TEST(Vocabulary, DefaultsAndKeys) {
  const Tokenizer pieces = test::make_tokenizer(sentence_piece().metadata());
  EXPECT_EQ(pieces.bos(), 1);
  EXPECT_EQ(pieces.eos(), 2);
  EXPECT_TRUE(pieces.adds_bos());
  EXPECT_TRUE(pieces.is_end_of_generation(2));
  EXPECT_TRUE(pieces.is_control(1));
  const Tokenizer bytes = test::make_tokenizer(byte_level("qwen2").metadata());
  EXPECT_EQ(bytes.bos(), 11);
  EXPECT_FALSE(bytes.adds_bos());
  EXPECT_EQ(test::make_tokenizer(byte_level("glm4").metadata()).bos(), kNoToken);
  EXPECT_TRUE(test::make_tokenizer(byte_level("llama3").metadata()).adds_bos());

  Metadata metadata = byte_level("llama3").metadata();
  metadata.set("tokenizer.ggml.bos_token_id", {std::int64_t{5}});
  metadata.set("tokenizer.ggml.eos_token_id", {std::int64_t{1} << 40});  // outside: the default stays
  metadata.set("tokenizer.ggml.add_bos_token", {false});
  metadata.set("tokenizer.ggml.suppress_tokens", {std::vector<std::int64_t>{7, -1, 9, 1 << 30}});
  const Tokenizer changed = test::make_tokenizer(metadata);
  EXPECT_EQ(changed.bos(), 5);
  EXPECT_EQ(changed.eos(), 11);
  EXPECT_FALSE(changed.adds_bos());
  const auto suppressed = changed.suppressed();
  EXPECT_EQ(std::vector<TokenId>(suppressed.begin(), suppressed.end()), (std::vector<TokenId>{7, 9}));

  Metadata without = byte_level("glm4").metadata();
  without.set("tokenizer.ggml.add_bos_token", {true});
  const auto refused = Tokenizer::from_gguf(without);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("tokenizer.ggml.bos_token_id"), std::string::npos);
}

TEST(Vocabulary, TemplatesGetNoTextThatNobodyNamed) {
  SmallVocabulary vocabulary = byte_level("qwen2");
  Metadata metadata = vocabulary.metadata();
  const Tokenizer unnamed = test::make_tokenizer(metadata);
  EXPECT_EQ(unnamed.bos(), 11);
  EXPECT_EQ(unnamed.bos_text(), "") << "no template writes a comma, which is what 11 is in files without the key";
  EXPECT_EQ(unnamed.eos_text(), "");
  metadata.set("tokenizer.ggml.bos_token_id", {std::int64_t{'b'}});
  const Tokenizer named = test::make_tokenizer(metadata);
  EXPECT_EQ(named.bos_text(), "b");
  EXPECT_EQ(named.eos_text(), "");
  metadata.set("tokenizer.ggml.eos_token_id", {std::int64_t{1} << 40});
  EXPECT_EQ(test::make_tokenizer(metadata).eos_text(), "") << "outside the vocabulary: not named";
  vocabulary.types[11] = 3;
  EXPECT_EQ(test::make_tokenizer(vocabulary.metadata()).eos_text(), vocabulary.tokens[11]) << "a control token is meant";
  EXPECT_EQ(test::make_tokenizer(byte_level("glm4").metadata()).bos_text(), "");
  const Tokenizer pieces = test::make_tokenizer(sentence_piece().metadata());
  EXPECT_EQ(pieces.bos_text(), "<s>");
  EXPECT_EQ(pieces.eos_text(), "</s>");
}

TEST(Vocabulary, EndTokensAreFoundByText) {
  SmallVocabulary vocabulary = byte_level("qwen2");
  const auto end = static_cast<TokenId>(vocabulary.add("<|im_end|>"));
  const auto again = static_cast<TokenId>(vocabulary.add("<|im_end|>"));
  const auto prefix = static_cast<TokenId>(vocabulary.add("<|fim_prefix|>", 4));
  const auto file = static_cast<TokenId>(vocabulary.add("<|file_sep|>"));
  const auto plain = static_cast<TokenId>(vocabulary.add("<|other|>"));
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  EXPECT_TRUE(tokenizer.is_end_of_generation(end));
  EXPECT_TRUE(tokenizer.is_control(end));
  EXPECT_TRUE(tokenizer.is_end_of_generation(again));
  EXPECT_EQ(tokenizer.find("<|im_end|>"), end);
  EXPECT_TRUE(tokenizer.is_control(prefix));
  EXPECT_EQ(tokenizer.fill_in_middle().prefix, prefix);
  EXPECT_EQ(tokenizer.fill_in_middle().suffix, kNoToken);
  EXPECT_FALSE(tokenizer.is_end_of_generation(prefix));
  EXPECT_TRUE(tokenizer.is_end_of_generation(file));
  EXPECT_FALSE(tokenizer.is_end_of_generation(plain));
  EXPECT_TRUE(tokenizer.is_end_of_generation(tokenizer.eos()));
  EXPECT_FALSE(tokenizer.is_end_of_generation(kNoToken));
}

TEST(Vocabulary, GptOssShowsItsChannelsButOnlyTemplatesWriteThem) {
  SmallVocabulary vocabulary = byte_level("gpt-4o");
  const auto start = static_cast<TokenId>(vocabulary.add("<|start|>", 3));
  const auto end = static_cast<TokenId>(vocabulary.add("<|end|>", 3));
  const auto call = static_cast<TokenId>(vocabulary.add("<|call|>", 3));
  const auto back = static_cast<TokenId>(vocabulary.add("<|return|>", 3));
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  EXPECT_FALSE(tokenizer.is_end_of_generation(end));
  EXPECT_FALSE(tokenizer.is_control(end));
  EXPECT_TRUE(tokenizer.is_end_of_generation(call));
  EXPECT_TRUE(tokenizer.is_end_of_generation(back));
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{start, end, call}, {}), "<|start|><|end|>");
  EXPECT_EQ(tokenizer.encode("<|start|>", {}), std::vector<TokenId>{start});
  const EncodeOptions parse{.parse_special = true};
  EXPECT_EQ(tokenizer.encode(std::vector<TextSpan>{{"<|start|>", true}}, parse), std::vector<TokenId>{start});
  EXPECT_GT(tokenizer.encode(std::vector<TextSpan>{{"<|start|>", false}}, parse).size(), 1u);
}

TEST(Vocabulary, MarksAroundThoughtsAreSeenAndOnlyTemplatesWriteThem) {
  SmallVocabulary vocabulary = byte_level("gpt-2");
  const auto open = static_cast<TokenId>(vocabulary.add("[THINK]", 3)), close = static_cast<TokenId>(vocabulary.add("[/THINK]", 3));
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{open, close}, {}), "[THINK][/THINK]");
  EXPECT_EQ(tokenizer.encode(std::vector<TextSpan>{{"[THINK]", true}}, {.parse_special = true}), std::vector<TokenId>{open});
  EXPECT_GT(tokenizer.encode(std::vector<TextSpan>{{"[THINK]", false}}, {.parse_special = true}).size(), 1u);
}

TEST(Vocabulary, WithoutReturnTheEndTokenEnds) {
  SmallVocabulary vocabulary = byte_level("gpt-4o");
  const auto end = static_cast<TokenId>(vocabulary.add("<|end|>", 4));
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  EXPECT_TRUE(tokenizer.is_end_of_generation(end));
  EXPECT_TRUE(tokenizer.is_control(end));
}

TEST(Vocabulary, Phi3SwallowsTheWhiteSpaceBehindSpecialTokens) {
  SmallVocabulary vocabulary = sentence_piece();
  const auto user = static_cast<TokenId>(vocabulary.add("<|user|>", 3));
  constexpr std::pair<const char*, bool> kNames[] = {
      {"My PHI-3 mini", true}, {"phi3", true}, {"Phi 3 Mini 4k Instruct", true}, {"Phi 3.5 Mini Instruct", true}, {"phi_3_medium", true},
      {"Phi 4", false}, {"Phi 2", false}, {"Dolphin 3.0", false}, {"Other", false},
  };
  for (const auto& [name, swallows] : kNames) {
    Metadata metadata = vocabulary.metadata();
    metadata.set("general.name", {std::string(name)});
    const Tokenizer tokenizer = test::make_tokenizer(metadata);
    const EncodeOptions parse{.parse_special = true};
    EXPECT_EQ(tokenizer.encode("<|user|> \n\t", parse) == std::vector<TokenId>{user}, swallows) << name;
    EXPECT_GT(tokenizer.encode("<s> \n", parse).size(), 1u) << name;
  }
}

TEST(Vocabulary, WhatIsUsualButNotThereIsNoToken) {
  Metadata metadata;
  metadata.set("tokenizer.ggml.model", {std::string("gpt2")});
  metadata.set("tokenizer.ggml.pre", {std::string("default")});
  metadata.set("tokenizer.ggml.tokens", {std::vector<std::string>{"a", "b"}});
  metadata.set("tokenizer.ggml.merges", {std::vector<std::string>{}});
  const Tokenizer small = test::make_tokenizer(metadata);
  EXPECT_EQ(small.bos(), kNoToken);
  EXPECT_EQ(small.eos(), kNoToken);
  EXPECT_EQ(small.bos_text(), "");
  metadata.set("tokenizer.ggml.add_bos_token", {true});
  EXPECT_FALSE(Tokenizer::from_gguf(metadata));
}

TEST(Vocabulary, EmptyTextsAndRepeatedTexts) {
  SmallVocabulary vocabulary = byte_level("gpt-2");
  const auto empty = static_cast<TokenId>(vocabulary.add(""));
  const auto repeated = static_cast<TokenId>(vocabulary.add("a"));
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  EXPECT_EQ(tokenizer.text(empty), "[EMPTY_" + std::to_string(empty) + "]");
  EXPECT_EQ(tokenizer.find("a"), 'a');
  EXPECT_EQ(tokenizer.encode("a", {}), std::vector<TokenId>{'a'});
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{repeated}, {}), "a");
  EXPECT_EQ(tokenizer.text(-1), "");
  EXPECT_EQ(tokenizer.text(static_cast<TokenId>(tokenizer.size())), "");
}

}  // namespace
}  // namespace foreword::engine
