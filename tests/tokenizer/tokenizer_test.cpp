// What holds for every vocabulary: round trips, streams, spans with an origin, BOS and EOS.

#include "engine/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/fixtures.h"
#include "tests/tokenizer/small_vocabulary.h"

namespace foreword::engine {
namespace {

using test::SmallVocabulary;

const std::vector<std::string> kParts = {
    "a",  "b", " ", "  ", "\n",      "1",   "\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x9F\x99\x82", "'s",
    " .", "<", "|", ">",  "<|end|>", "<s>", "<shown>",  "\xFF",         "\xE2\x96",         "\xED\xA0\x80"};

/// One of each model, with control, user-defined, unused and undefined tokens.
std::vector<SmallVocabulary> small_vocabularies(std::mt19937& random) {
  std::vector<SmallVocabulary> all = {test::byte_level_vocabulary("qwen2", 50, random),
                                      test::byte_level_vocabulary("gpt-2", 50, random),
                                      test::sentence_piece_vocabulary(50, random)};
  for (SmallVocabulary& vocabulary : all) {
    vocabulary.add("<|end|>", 3);
    vocabulary.add("<shown>", 4);
    vocabulary.add("unused", 5);
    vocabulary.add("undefined", 0);
    vocabulary.add("\xE2\x96\xF0 broken");
  }
  return all;
}

TEST(TokenizerProperties, ByteLevelVocabulariesGiveBackEveryByte) {
  std::mt19937 random(11);
  for (const char* pre : {"default", "llama-bpe", "qwen2", "gpt-2", "starcoder", "falcon", "deepseek-llm",
                          "deepseek-coder", "deepseek-v3", "tekken", "gpt-4o"}) {
    SmallVocabulary vocabulary = test::byte_level_vocabulary(pre, 50, random);
    vocabulary.add("<shown>", 4);
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    for (int i = 0; i < 200; ++i) {
      const std::string text =
          i % 2 ? test::random_bytes(random() % 200, random) : test::random_text(kParts, random() % 60, random);
      ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, {}), {.clean_spaces = false}), text) << pre << " seed 11";
    }
  }
}

TEST(TokenizerProperties, SentencePieceGivesBackEveryByteWithoutSpaceMarks) {
  std::mt19937 random(12);
  const Tokenizer tokenizer = test::make_tokenizer(test::sentence_piece_vocabulary(80, random).metadata());
  for (int i = 0; i < 500; ++i) {
    const std::string text =
        i % 2 ? test::random_bytes(random() % 200, random) : test::random_text(kParts, random() % 60, random);
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, {}), {}), text) << "seed 12";
  }
}

TEST(TokenizerProperties, AStreamGivesWhatWholeDecodingGives) {
  std::mt19937 random(13);
  for (const SmallVocabulary& vocabulary : small_vocabularies(random)) {
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    for (int i = 0; i < 300; ++i) {
      std::vector<TokenId> ids;
      for (std::size_t n = random() % 40; n > 0; --n) {
        ids.push_back(static_cast<TokenId>(random() % (vocabulary.tokens.size() + 4)) - 2);  // some are no ids
      }
      const bool show = i % 2;
      std::string whole = tokenizer.decode(ids, {.show_special = show, .clean_spaces = false});
      StreamDecoder stream(tokenizer, true, show);
      std::string streamed;
      for (const TokenId id : ids) {
        const std::string piece = stream.push(id);
        for (std::size_t at = 0; at < piece.size();) {
          const Utf8Step step = read_utf8(piece, at);
          ASSERT_EQ(step.state, Utf8State::good);
          at += step.length;
        }
        streamed += piece;
      }
      streamed += stream.finish();
      ASSERT_EQ(streamed, take_valid_utf8(whole, true)) << vocabulary.model << " seed 13";
    }
  }
}

TEST(TokenizerProperties, HalfACharacterIsHeldBack) {
  std::mt19937 random(14);
  const Tokenizer tokenizer = test::make_tokenizer(test::byte_level_vocabulary("gpt-2", 0, random).metadata());
  StreamDecoder stream(tokenizer, true);
  const std::string smile = "\xF0\x9F\x99\x82";
  const std::vector<TokenId> ids = tokenizer.encode(smile, {});
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.push(ids[1]), "");
  EXPECT_EQ(stream.push(ids[2]), "");
  EXPECT_EQ(stream.push(ids[3]), smile);
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.push(tokenizer.encode("a", {})[0]), "\xEF\xBF\xBD" "a");
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TokenizerProperties, UntrustedSpansAreOneText) {
  std::mt19937 random(15);
  for (const SmallVocabulary& vocabulary : small_vocabularies(random)) {
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    for (int i = 0; i < 300; ++i) {
      const std::string text = test::random_text(kParts, random() % 60, random);
      std::vector<TextSpan> spans(1);
      for (const char c : text) {
        if (random() % 5 == 0) spans.emplace_back();
        spans.back().text += c;
      }
      for (const bool parse : {false, true}) {
        const EncodeOptions options{.add_special = true, .parse_special = parse};
        ASSERT_EQ(tokenizer.encode(spans, options), tokenizer.encode(text, {.add_special = true}))
            << vocabulary.model << " seed 15: " << text;
      }
      for (TextSpan& span : spans) span.trusted = true;
      ASSERT_EQ(tokenizer.encode(spans, {.parse_special = true}), tokenizer.encode(text, {.parse_special = true}));
    }
  }
}

TEST(TokenizerSpans, ControlTokensComeFromTrustedTextOnly) {
  std::mt19937 random(16);
  for (const SmallVocabulary& vocabulary : small_vocabularies(random)) {
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    const TokenId end = tokenizer.find("<|end|>"), shown = tokenizer.find("<shown>");
    const auto count = [&](const std::vector<TextSpan>& spans, TokenId id) {
      const std::vector<TokenId> ids = tokenizer.encode(spans, {.parse_special = true});
      return std::count(ids.begin(), ids.end(), id);
    };
    EXPECT_EQ(count({{"a<|end|>b", false}}, end), 0);
    EXPECT_EQ(count({{"a<|end|>b", true}}, end), 1);
    EXPECT_EQ(count({{"<|end|>", false}, {"<|end|>", true}, {"<|end|>", false}}, end), 1);
    EXPECT_EQ(count({{"<|en", true}, {"d|>", false}}, end), 0);
    EXPECT_EQ(count({{"<|en", false}, {"d|>", true}}, end), 0);
    EXPECT_EQ(count({{"<|en", true}, {"", false}, {"d|>", true}}, end), 1);
    EXPECT_EQ(count({{"<|en", true}, {"x", false}, {"d|>", true}}, end), 0);
    EXPECT_EQ(count({{"<shown>", false}}, shown), 1);
    EXPECT_EQ(count({{"<sho", true}, {"wn>", false}}, shown), 1);
    EXPECT_EQ(tokenizer.encode(std::vector<TextSpan>{{"<|end|>", true}}, {}),
              tokenizer.encode(std::string_view("<|end|>"), {}));
  }
}

TEST(TokenizerSpans, BosAndEosStandOnce) {
  std::mt19937 random(17);
  Metadata metadata = test::sentence_piece_vocabulary(10, random).metadata();
  metadata.set("tokenizer.ggml.add_eos_token", {true});
  const Tokenizer tokenizer = test::make_tokenizer(metadata);
  const EncodeOptions both{.add_special = true, .parse_special = true};
  const auto encode = [&](const std::string& text, bool trusted) {
    return tokenizer.encode(std::vector<TextSpan>{{text, trusted}}, both);
  };
  EXPECT_EQ(encode("", true), (std::vector<TokenId>{1, 2}));
  EXPECT_EQ(encode("<s>", true), (std::vector<TokenId>{1, 2}));
  EXPECT_EQ(encode("<s></s>", true), (std::vector<TokenId>{1, 2}));
  EXPECT_GT(encode("<s>", false).size(), 3u);
  // A plain text has no template that could have written one.
  EXPECT_EQ(tokenizer.encode("<s>", both), (std::vector<TokenId>{1, 1, 2}));
  EXPECT_EQ(tokenizer.encode("", both), (std::vector<TokenId>{1, 2}));
}

TEST(TokenizerDecode, TheSpaceThatEncodingPutInFrontGoes) {
  std::mt19937 random(18);
  const Tokenizer tokenizer = test::make_tokenizer(test::sentence_piece_vocabulary(0, random).metadata());
  const TokenId space = tokenizer.find("\xE2\x96\x81"), a = tokenizer.find("a");
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{space, a}, {}), "a");
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{space, space, a}, {}), " a");
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{tokenizer.bos(), space, a}, {}), " a");
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{tokenizer.bos(), space, a}, {.show_special = true}), "<s> a");
  EXPECT_EQ(StreamDecoder(tokenizer, false).push(space), " ");
}

TEST(TokenizerDecode, OnlyBehindPlainTextDoesAnAnswerLoseItsFirstSpace) {
  std::mt19937 random(18);
  SmallVocabulary vocabulary = test::sentence_piece_vocabulary(0, random);
  vocabulary.add("[/INST]", 3);
  vocabulary.add("<shown>", 4);
  Metadata metadata = vocabulary.metadata();
  const auto loses = [&](std::vector<TextSpan> prompt) {
    const Tokenizer tokenizer = test::make_tokenizer(metadata);
    const bool does = tokenizer.loses_first_space(prompt);
    // With it, the ids are those of the prompt and then those that were decoded.
    std::vector<TokenId> ids = tokenizer.encode(prompt, {.parse_special = true});
    ids.insert(ids.end(), {tokenizer.find("\xE2\x96\x81"), tokenizer.find("a")});
    prompt.push_back({does ? " a" : "a", false});
    const bool is_right = tokenizer.encode(prompt, {.parse_special = true}) == ids;
    return std::pair(does, is_right);
  };
  constexpr std::pair kYes{true, true}, kNo{false, true};
  EXPECT_EQ(loses({{"[INST] ", true}, {"b", false}, {" [/INS", true}}), kYes);
  EXPECT_EQ(loses({{"Assistant:", true}, {"", false}}), kYes);
  EXPECT_EQ(loses({{"b[/INST]", false}}), kYes) << "a text, not the token";
  EXPECT_EQ(loses({{"b[/INST]", true}}), kNo);
  EXPECT_EQ(loses({{"b<shown>", true}}), kNo);
  EXPECT_FALSE(loses({{"answer:\n", true}}).first);
  EXPECT_FALSE(loses({{"answer: ", true}}).first);
  EXPECT_EQ(loses({}), kNo);
  metadata.set("tokenizer.ggml.add_space_prefix", {false});
  EXPECT_FALSE(loses({{"Assistant:", true}}).first) << "nothing is dropped";
}

TEST(TokenizerDecode, CleanSpaces) {
  std::mt19937 random(19);
  const auto cleaned = [&](const char* pre, const std::string& text) {
    const Tokenizer tokenizer = test::make_tokenizer(test::byte_level_vocabulary(pre, 0, random).metadata());
    return tokenizer.decode(tokenizer.encode(text, {}), {});
  };
  EXPECT_EQ(cleaned("gpt-2", "a . b , c ! d ?"), "a. b, c! d?");
  EXPECT_EQ(cleaned("gpt-2", "  . .."), " ...");
  EXPECT_EQ(cleaned("gpt-2", "a ' b"), "a'b");
  EXPECT_EQ(cleaned("gpt-2", "a ' ' b"), "a'' b");
  EXPECT_EQ(cleaned("gpt-2", "it 's I 'm we 're I 've"), "it's I'm we're I've");
  EXPECT_EQ(cleaned("gpt-2", "can 't I 'd we 'll"), "can 't I 'd we 'll");
  EXPECT_EQ(cleaned("qwen2", "a . b"), "a . b");
}

}  // namespace
}  // namespace foreword::engine
