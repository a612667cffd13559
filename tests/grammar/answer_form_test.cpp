// Rows of logits held to a grammar, over small vocabularies.

#include "engine/grammar/answer_form.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "engine/grammar/gbnf.h"
#include "engine/grammar/thoughts.h"
#include "engine/sampling/sampler.h"
#include "tests/tokenizer/small_vocabulary.h"

namespace foreword::engine {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

std::shared_ptr<const Grammar> gbnf(std::string_view source) {
  auto grammar = parse_gbnf(source);
  EXPECT_TRUE(grammar) << (grammar ? "" : grammar.error().message);
  return *grammar;
}

/// Bytes, many pieces over a to d, and an end.
struct Vocabulary {
  explicit Vocabulary(unsigned seed, int n_merges = 200) {
    std::mt19937 random(seed);
    auto made = test::byte_level_vocabulary("qwen2", n_merges, random);
    // And some with whole characters of two and three bytes.
    for (const std::string_view text : {"é", "éa", "aé", "éé", "cé d", "日", "a日b", "日é"}) {
      std::string spelled;
      for (const char byte : text) append_utf8(spelled, character_of_byte(static_cast<unsigned char>(byte)));
      if (std::ranges::find(made.tokens, spelled) == made.tokens.end()) made.add(spelled);
    }
    end = static_cast<TokenId>(made.add("<|endoftext|>", 3));
    think = static_cast<TokenId>(made.add("<think>", 3));
    no_think = static_cast<TokenId>(made.add("</think>", 3));
    auto metadata = made.metadata();
    metadata.set("tokenizer.ggml.eos_token_id", {std::int64_t{end}});
    tokenizer.emplace(test::make_tokenizer(metadata));
    trie = std::make_shared<TokenTrie>(*tokenizer);
  }
  TokenId end = -1, think = -1, no_think = -1;
  std::optional<Tokenizer> tokenizer;
  std::shared_ptr<const TokenTrie> trie;
};

TEST(TokenTrie, MarksExactlyTheTokensThatFit) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Vocabulary vocabulary(seed);
  // Among them some in which anything goes: endless, for a few characters, without the wide ones, with some of them.
  constexpr const char* kGrammars[] = {"root ::= word (\" \" word)* \".\"\nword ::= [a-c]{1,5} \"é\"? | \"dd\" root \"d\"", "root ::= \"a\" .* | \"b\" [^ ]* \" \" root",
                                       "root ::= .{0,9} \"!\" root?", "root ::= ([a-d]{2,7} | [ -~]{0,40} \"é\")* \".\"", "root ::= [a-dà-ÿ]+ \" \" [^c]{3,12} root?",
                                       "root ::= [ -~] [ ab]{3,9} \".\" root?", "root ::= ([a-d ] | [^\\x00-\\x7f] \"c\"+)* \".\"",
                                       "root ::= . ([\\x00-\\x7f] | [^\\x00-\\x7f] \"c\")*"};
  std::optional<Matcher> of;
  Matcher::State state = Matcher::kDead;
  for (int step = 0; step < 480; ++step) {
    if (step % 60 == 0) state = of.emplace(gbnf(kGrammars[step / 60])).start();
    Matcher& matcher = *of;
    TokenMask mask;
    vocabulary.trie->mark_allowed(matcher, state, mask);
    std::set<TokenId> marked;
    for (std::size_t place = 0; place < mask.size() * 64; ++place) {
      if (mask[place >> 6] >> (place & 63) & 1) marked.insert(vocabulary.trie->at(place));
    }
    std::vector<TokenId> fitting;
    for (TokenId id = 0; id < static_cast<TokenId>(vocabulary.tokenizer->size()); ++id) {
      std::string bytes;
      vocabulary.tokenizer->append_bytes(id, bytes);
      const bool fits = !bytes.empty() && id != vocabulary.end && matcher.next(state, bytes) != Matcher::kDead;
      ASSERT_EQ(marked.contains(id), fits) << id << " is \"" << bytes << '"';
      if (fits) fitting.push_back(id);
    }
    if (fitting.empty()) state = matcher.start();
    else state = matcher.next(state, vocabulary.trie->bytes(fitting[random() % fitting.size()]));
  }
}

TEST(TokenTrie, SpellsAsTheTokenizerDoes) {
  std::mt19937 random(5);
  const Vocabulary bytes(5);
  auto made = test::sentence_piece_vocabulary(200, random);
  const Tokenizer pieces = test::make_tokenizer(made.metadata());
  for (const Tokenizer& tokenizer : {*bytes.tokenizer, pieces}) {
    const TokenTrie trie(tokenizer);
    for (int i = 0; i < 300; ++i) {
      std::string text = "b";
      for (std::size_t n = 1 + random() % 12; n > 0; --n) text += "abcd "[random() % 5];
      std::string spelled;
      for (std::string_view rest = text; !rest.empty();) {
        const TokenId token = trie.first_of(rest);
        ASSERT_NE(token, kNoToken) << text;
        ASSERT_TRUE(rest.starts_with(trie.bytes(token)));
        spelled += trie.bytes(token);
        rest.remove_prefix(trie.bytes(token).size());
      }
      EXPECT_EQ(spelled, text);
      std::vector<TokenId> ids = tokenizer.encode("\n" + text, {});
      while (!trie.bytes(ids.front()).ends_with('\n')) ids.erase(ids.begin());
      EXPECT_EQ(trie.first_of(text), ids[1]);
    }
  }
}

/// However much of a row is at hand, and however many are tried, the same token is chosen as from a row in which everything forbidden
/// is crossed out one by one.
TEST(AnswerForm, ChoosesAsFromARowThatIsCrossedOut) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Vocabulary vocabulary(seed, 600);
  const auto n = static_cast<std::size_t>(vocabulary.tokenizer->size());
  const auto grammar = gbnf("root ::= [ab]{3,40} | \"c\" [a-d ]* \"d\" | \"ca\" .{0,9}");
  for (int round = 0; round < 60; ++round) {
    SamplingParams params;
    params.seed = random();
    params.temperature = round % 4 == 0 ? 0.0F : 1.0F;
    params.top_k = round % 3 == 0 ? 0 : 5 + static_cast<std::int32_t>(random() % 40);
    params.top_p = round % 5 == 0 ? 1.0F : .9F;
    params.repeat_penalty = round % 2 == 0 ? 1.0F : 1.2F;
    Sampler sampler(params), naive(params);
    AnswerForm form(grammar, vocabulary.trie);
    Matcher matcher(grammar);
    Matcher::State state = matcher.start();
    std::vector<std::int32_t> text;
    for (int index = 0; index < 20 && !matcher.must_end(state); ++index) {
      std::vector<float> logits(n), crossed(n, kNever);
      for (std::size_t i = 0; i < n; ++i) logits[i] = static_cast<float>(random() % 4096) / 256.0F;
      logits[random() % n] = NAN;
      for (std::size_t i = 0; i < n; ++i) {
        const std::string_view bytes = vocabulary.trie->bytes(static_cast<TokenId>(i));
        const bool fits = bytes.empty() ? static_cast<TokenId>(i) == vocabulary.end && matcher.may_end(state) : matcher.next(state, bytes) != Matcher::kDead;
        if (fits) crossed[i] = logits[i];
      }
      // As a device sends it: some of the best, the rest on request.
      std::vector<Candidate> best;
      const std::function<std::span<const float>()> whole = [&]() -> std::span<const float> { return logits; };
      if (round % 2 == 1) {
        for (std::size_t i = 0; i < n; ++i) {
          if (!std::isnan(logits[i])) best.push_back({logits[i], static_cast<std::int32_t>(i)});
        }
        std::ranges::sort(best, kBetter);
        best.resize(64);
      }
      const LogitRow row = best.empty() ? LogitRow(logits) : LogitRow(best, n, whole);
      const std::int32_t token = sampler.sample(form.allowed(row), text, index, {});
      ASSERT_EQ(token, naive.sample(LogitRow(crossed), text, index, {}));
      ASSERT_GE(token, 0);
      if (token == vocabulary.end) break;
      form.take(token);
      state = matcher.next(state, vocabulary.trie->bytes(token));
      ASSERT_EQ(form.finished(), matcher.must_end(state));
      text.push_back(token);
    }
  }
}

TEST(AnswerForm, WritesWhatIsForcedAsTheTokenizerDoes) {
  const Vocabulary vocabulary(11, 400);
  for (const std::string_view forced : {"abcdabcd", "d cab bad", "aaaa"}) {
    AnswerForm form(gbnf("root ::= \"" + std::string(forced) + "\" ([.!] | \"a\"+ \".\")"), vocabulary.trie);
    std::mt19937 random(11);
    std::string text;
    for (std::string_view rest = forced; !rest.empty();) {
      std::vector<float> logits(static_cast<std::size_t>(vocabulary.tokenizer->size()));
      for (float& logit : logits) logit = static_cast<float>(random() % 1000);
      SamplingParams params{.temperature = 0};
      const std::int32_t token = Sampler(params).sample(form.allowed(LogitRow(logits)), {}, 0, {});
      const std::string_view bytes = vocabulary.trie->bytes(token);
      ASSERT_TRUE(token == vocabulary.trie->first_of(rest) || (bytes.starts_with(rest) && bytes.size() > rest.size())) << bytes << " for " << rest;
      form.take(token);
      rest.remove_prefix(std::min(rest.size(), bytes.size()));
    }
    EXPECT_FALSE(form.finished());
  }
}

TEST(AnswerForm, TakesBackWhatWasNotKept) {
  const Vocabulary vocabulary(7, 0);
  AnswerForm form(gbnf("root ::= \"abcd\""), vocabulary.trie);
  const auto token = [&](std::string_view text) { return vocabulary.trie->first_of(text); };
  form.take(token("a"));
  form.keep();
  form.take(token("b"));
  form.take(token("c"));
  form.take(token("d"));
  EXPECT_TRUE(form.finished());
  form.take_back();
  EXPECT_FALSE(form.finished());
  std::vector<std::int32_t> next;
  form.foresee(next);
  ASSERT_EQ(next.size(), 3U);
  EXPECT_EQ(vocabulary.trie->bytes(next[0]), "b");
}

TEST(AnswerForm, BeginsWithWhatIsThere) {
  const Vocabulary vocabulary(7, 0);
  AnswerForm form(gbnf("root ::= \"abcd\""), vocabulary.trie);
  EXPECT_FALSE(form.begin("x"));
  EXPECT_TRUE(form.begin("abc"));
  EXPECT_FALSE(form.may_end());
  form.take(vocabulary.trie->first_of("d"));
  EXPECT_TRUE(form.may_end() && form.finished());
}

TEST(Thoughts, StandBeforeTheAnswerOrDoNot) {
  Matcher matcher(behind_thoughts(*gbnf("root ::= \"{\" [a-z]* \"}\"")));
  const auto fits = [&](std::string_view text) { return matcher.may_end(matcher.next(matcher.start(), text)); };
  for (const std::string_view text :
       {"{a}", "<think>\nAnything { at <all> é.\n</think>\n\n{a}", "\xFF<think>x</thin</think>{a}", "<think>x\xFF</think>\n{}", "[THINK]no[/THINK]{a}", "\n<think></think>{a}",
        "\xFF<|channel|>analysis\xFF<|message|>It is {.\xFF<|end|>\xFF<|start|>assistant\xFF<|channel|>final\xFF<|message|>{a}", "<|channel|>final<|message|>{a}"}) {
    EXPECT_TRUE(fits(text)) << text;
  }
  for (const std::string_view text : {"<think>{a}", "think{a}", "<think>x</think>", "<think>x</think>y", "{a}<think></think>", "<|channel|>final<|message|>", "\n{a}"}) {
    EXPECT_FALSE(fits(text)) << text;
  }
}

/// A tokenizer that drops the first space of a text: what is read is of the form all the same, and may be written with that space.
TEST(Thoughts, ASpaceThatIsDroppedDoesNotCount) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto made = test::sentence_piece_vocabulary(200, random);
  const Tokenizer tokenizer = test::make_tokenizer(made.metadata());
  ASSERT_TRUE(tokenizer.drops_first_space());
  const auto trie = std::make_shared<TokenTrie>(tokenizer);
  int n_spaced = 0;
  for (const char* source : {"root ::= [a-d] [a-d ]{0,8} \"!\"", "root ::= [a-d ]{0,8} \"!\"", "root ::= \" \" [ab]+ \"!\""}) {
    const auto grammar = gbnf(source);
    for (int round = 0; round < 100; ++round) {
      AnswerForm form(behind_dropped_space(grammar), trie);
      StreamDecoder decoder(tokenizer, true);
      std::string text;
      bool first = true;
      while (!form.finished()) {
        std::vector<float> logits(static_cast<std::size_t>(tokenizer.size()));
        for (float& logit : logits) logit = static_cast<float>(random() % 1000) / 100;
        const std::int32_t token = Sampler({.temperature = 1, .seed = random()}).sample(form.allowed(LogitRow(logits)), {}, 0, {});
        ASSERT_GE(token, 0);
        if (std::exchange(first, false)) n_spaced += trie->bytes(token).starts_with(' ');
        form.take(token);
        text += decoder.push(token);
      }
      Matcher matcher(grammar);
      EXPECT_TRUE(matcher.may_end(matcher.next(matcher.start(), text + decoder.finish()))) << source << ": \"" << text << '"';
    }
  }
  EXPECT_GT(n_spaced, 0);
}

TEST(Thoughts, TagsThatAreTokensOfTheirOwnCount) {
  const Vocabulary vocabulary(7, 0);
  AnswerForm form(behind_thoughts(*gbnf("root ::= \"a\"")), vocabulary.trie);
  const auto allowed = [&](TokenId token) {
    std::vector<float> logits(static_cast<std::size_t>(vocabulary.tokenizer->size()), 0.0F);
    return form.allowed(LogitRow(logits)).all()[static_cast<std::size_t>(token)] > kNever;
  };
  EXPECT_TRUE(allowed(vocabulary.think));
  EXPECT_FALSE(allowed(vocabulary.no_think));
  EXPECT_FALSE(allowed(vocabulary.end));
  form.take(vocabulary.think);
  form.take(vocabulary.trie->first_of("x"));
  EXPECT_TRUE(allowed(vocabulary.no_think));
  EXPECT_FALSE(allowed(vocabulary.end));
  form.take(vocabulary.no_think);
  EXPECT_FALSE(allowed(vocabulary.think));
  EXPECT_FALSE(allowed(vocabulary.trie->first_of("x")));
  form.take(vocabulary.trie->first_of("a"));
  EXPECT_TRUE(form.finished());
}

}  // namespace
}  // namespace foreword::engine
