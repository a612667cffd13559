// The two algorithms against their definitions, written down plainly, and on texts made to hurt.

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "tests/tokenizer/small_vocabulary.h"

namespace foreword::engine {
namespace {

using test::SmallVocabulary;

const std::vector<std::string> kLetters = {"a", "b", "c",        "d",            " ",    " ",
                                           "a", "b", "\xC3\xA9", "\xE2\x96\x81", "\x96", "x"};

std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    all.push_back(text.substr(at, lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4));
    at += all.back().size();
  }
  return all;
}

/// Merges the best pair until there is none. `rank_of` gives -1 for pairs that never merge; the lowest is the best.
template <class RankOf>
std::vector<std::string> merge_plainly(std::vector<std::string> pieces, const RankOf& rank_of) {
  for (;;) {
    double best = -1;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
      const double rank = rank_of(pieces[i], pieces[i + 1]);
      if (rank >= 0 && (best < 0 || rank < best)) {
        best = rank;
        place = i;
      }
    }
    if (best < 0) return pieces;
    pieces[place] += pieces[place + 1];
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(Merging, SentencePieceIsItsDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 40; ++round) {
    const SmallVocabulary vocabulary = test::sentence_piece_vocabulary(60, random);
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    for (int i = 0; i < 20; ++i) {
      const std::string text = test::random_text(kLetters, 1 + random() % 60, random);
      std::string marked = "\xE2\x96\x81";
      for (const char c : text) marked += c == ' ' ? "\xE2\x96\x81" : std::string(1, c);
      const auto pieces = merge_plainly(characters(marked), [&](const std::string& left, const std::string& right) {
        const TokenId id = tokenizer.find(left + right);
        return id == kNoToken ? -1.0 : -vocabulary.scores[static_cast<std::size_t>(id)];
      });
      std::vector<TokenId> ids;
      for (const std::string& piece : pieces) {
        if (tokenizer.find(piece) != kNoToken) {
          ids.push_back(tokenizer.find(piece));
        } else {
          for (const char c : piece) ids.push_back(3 + static_cast<unsigned char>(c));
        }
      }
      ASSERT_EQ(tokenizer.encode(text, {}), ids) << "round " << round << ": " << text;
    }
  }
}

TEST(Merging, PiecesNeverBecomeATokenThatOnlyTemplatesWrite) {
  std::mt19937 random(3);
  SmallVocabulary vocabulary = test::sentence_piece_vocabulary(0, random);
  for (const char* piece : {"<", ">", "/", "s", "u", "n", "k", "0", "x", "6", "1", "<s", "</s", "<u", "<un", "<unk", "<0", "<0x", "<0x6", "<0x61"}) vocabulary.add(piece, 1, -1);
  const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
  for (const char* text : {"a<s>b", "<s>", "</s>", "<unk>", "<0x61>", "a</s><s>"}) {
    for (const TokenId id : tokenizer.encode(std::vector<TextSpan>{{text, false}}, {.parse_special = true})) {
      EXPECT_EQ(vocabulary.types[static_cast<std::size_t>(id)], 1) << text << ": " << tokenizer.text(id);
    }
  }
  EXPECT_EQ(tokenizer.encode("a<s>", {}), (std::vector<TokenId>{tokenizer.find("\xE2\x96\x81"), tokenizer.find("a"), tokenizer.find("<s"), tokenizer.find(">")}));
}

TEST(Merging, ByteLevelIsItsDefinition) {
  std::mt19937 random(2);
  for (int round = 0; round < 40; ++round) {
    const SmallVocabulary vocabulary = test::byte_level_vocabulary("gpt-2", 60, random);
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    std::map<std::string, double> ranks;
    for (const std::string& merge : vocabulary.merges) ranks.emplace(merge, static_cast<double>(ranks.size()));
    for (int i = 0; i < 20; ++i) {
      // One word: letters only, so that the word rule leaves it whole.
      const std::string text = test::random_text({"a", "b", "c", "d", "\xC3\xA9"}, 1 + random() % 40, random);
      std::string mapped;
      for (const char c : text) append_utf8(mapped, character_of_byte(static_cast<unsigned char>(c)));
      const auto pieces = merge_plainly(characters(mapped), [&](const std::string& left, const std::string& right) {
        const auto found = ranks.find(left + ' ' + right);
        return found == ranks.end() ? -1.0 : found->second;
      });
      std::vector<TokenId> ids;
      for (const std::string& piece : pieces) {
        if (tokenizer.find(piece) != kNoToken) {
          ids.push_back(tokenizer.find(piece));
        } else {
          for (const std::string& one : characters(piece)) ids.push_back(tokenizer.find(one));
        }
      }
      ASSERT_EQ(tokenizer.encode(text, {}), ids) << "round " << round << ": " << text;
    }
  }
}

TEST(Merging, WholeWordFirstOnlyWhereTheRuleSaysSo) {
  std::mt19937 random(3);
  for (const auto& [pre, whole] : {std::pair{"llama-bpe", true}, std::pair{"dbrx", false}}) {
    SmallVocabulary vocabulary = test::byte_level_vocabulary(pre, 0, random);
    const auto word = static_cast<TokenId>(vocabulary.add("hello"));
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary.metadata());
    EXPECT_EQ(tokenizer.encode("hello", {}).size(), whole ? 1u : 5u) << pre;
    EXPECT_EQ(tokenizer.encode("hello", {}).front() == word, whole) << pre;
  }
}

TEST(Merging, MissingBytesAreDroppedOrUnknown) {
  SmallVocabulary bytes{.model = "gpt2", .pre = "gpt-2", .tokens = {}, .types = {}, .scores = {}, .merges = {}};
  bytes.add("a");
  EXPECT_EQ(test::make_tokenizer(bytes.metadata()).encode("aza", {}), (std::vector<TokenId>{0, 0}));
  SmallVocabulary pieces{.model = "llama", .pre = "", .tokens = {}, .types = {}, .scores = {}, .merges = {}};
  pieces.add("<unk>", 2);
  pieces.add("<s>", 3);
  pieces.add("a");
  pieces.add("\xE2\x96\x81");
  EXPECT_EQ(test::make_tokenizer(pieces.metadata()).encode("aza", {}), (std::vector<TokenId>{3, 2, 0, 2}));
}

// A megabyte each. Quadratic time would be hours.
TEST(Merging, HostileTextsTakeAlmostLinearTime) {
  std::mt19937 random(4);
  constexpr std::size_t kBytes = 1 << 20;
  const std::pair<const char*, std::string> texts[] = {
      {"one letter", std::string(kBytes, 'a')},
      {"letters without a space", test::random_text({"a", "b", "c", "d"}, kBytes, random)},
      {"spaces", std::string(kBytes, ' ')},
      {"space marks", test::random_text({"\xE2\x96\x81"}, kBytes / 3, random)},
      {"bytes", test::random_bytes(kBytes, random)},
  };
  SmallVocabulary pieces = test::sentence_piece_vocabulary(60, random);
  SmallVocabulary bytes = test::byte_level_vocabulary("gpt-2", 60, random);
  std::string run = "a";
  for (int i = 0; i < 12; ++i) {
    bytes.merges.push_back(run + ' ' + run);
    run += run;
    bytes.add(run);
    pieces.add(run, 1, -i);
  }
  for (const SmallVocabulary* vocabulary : {&pieces, &bytes}) {
    const Tokenizer tokenizer = test::make_tokenizer(vocabulary->metadata());
    for (const auto& [name, text] : texts) {
      const auto start = std::chrono::steady_clock::now();
      const std::vector<TokenId> ids = tokenizer.encode(text, {});
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      EXPECT_LT(seconds.count(), 10.0) << vocabulary->model << " on " << name;
      if (vocabulary->model == "gpt2") {
        EXPECT_TRUE(tokenizer.decode(ids, {.clean_spaces = false}) == text) << name;
      }
    }
  }
}

}  // namespace
}  // namespace foreword::engine
