// What was said before, and how drafts say it again (A35): counts against plain definitions, and drafts of the built-in model.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "engine/autocomplete/own_texts.h"
#include "engine/autocomplete/words.h"
#include "engine/sampling/log_sum.h"
#include "tests/drafts/draft_fixture.h"

namespace foreword::engine {
namespace {

using Texts = std::vector<std::vector<TokenId>>;

std::map<TokenId, double> as_map(std::span<const Ngrams::Next> next) {
  std::map<TokenId, double> map;
  for (const Ngrams::Next& each : next) map[each.token] += each.chance;
  return map;
}

/// Witten and Bell's interpolation, written down as it is defined: longer runs first, each passes on what it does not know.
std::map<TokenId, double> plain(const Texts& texts, const std::vector<TokenId>& before, const std::vector<float>& logits, bool alone) {
  std::map<TokenId, double> result;
  double rest = 1;
  for (std::size_t n = Ngrams::kOrder - 1;; --n) {
    std::map<TokenId, double> counts;
    double all = 0;
    for (const auto& text : texts) {
      for (std::size_t at = n; at < text.size() && n <= before.size(); ++at) {
        const bool same = std::equal(text.begin() + static_cast<std::ptrdiff_t>(at - n), text.begin() + static_cast<std::ptrdiff_t>(at), before.end() - static_cast<std::ptrdiff_t>(n));
        if (!same || logits[static_cast<std::size_t>(text[at])] == -INFINITY) continue;
        ++counts[text[at]];
        ++all;
      }
    }
    if (n == 0 && !alone) return result;
    const double known = all > 0 ? rest / (all + static_cast<double>(counts.size())) : 0;
    for (const auto& [token, count] : counts) result[token] += known * count;
    if (all > 0) rest = known * static_cast<double>(counts.size());
    if (n == 0) return result;
  }
}

TEST(Ngrams, AreThePlainCounts) {
  const unsigned seed = 5;
  std::mt19937 random(seed);
  for (int turn = 0; turn < 60; ++turn) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", turn " << turn);
    Texts texts(1 + random() % 5);
    for (auto& text : texts) {
      for (std::size_t n = random() % 40; n > 0; --n) text.push_back(static_cast<TokenId>(random() % 5));
    }
    Ngrams ngrams;
    for (std::size_t i = 0; i < texts.size();) {  // in portions
      const std::size_t n = std::min(texts.size() - i, 1 + random() % 3);
      ngrams.add(std::span(texts).subspan(i, n));
      i += n;
    }
    std::vector<TokenId> before;
    for (std::size_t n = random() % 5; n > 0; --n) before.push_back(static_cast<TokenId>(random() % 6));
    std::vector<float> logits(6, 0);
    if (turn % 3 == 0) logits[random() % 5] = -INFINITY;
    for (const bool alone : {false, true}) {
      const auto wanted = plain(texts, before, logits, alone), got = as_map(ngrams.after(before, logits, alone));
      ASSERT_EQ(got.size(), wanted.size());
      EXPECT_TRUE(std::ranges::is_sorted(ngrams.after(before, logits, alone), std::less<>{}, &Ngrams::Next::token));
      double all = 0;
      for (const auto& [token, chance] : wanted) {
        EXPECT_NEAR(got.at(token), chance, 1e-12);
        all += chance;
      }
      EXPECT_LE(all, 1);
    }
  }
}

TEST(Ngrams, NoRunGoesFromOneTextIntoAnother) {
  Ngrams ngrams;
  ngrams.add(Texts{{1, 2}, {3, 4}});
  const std::vector<float> logits(5, 0);
  EXPECT_TRUE(ngrams.after(std::vector<TokenId>{2}, logits, false).empty());
  EXPECT_EQ(as_map(ngrams.after(std::vector<TokenId>{2, 3}, logits, false)).count(4), 1u);
  ngrams.clear();
  EXPECT_TRUE(ngrams.empty());
  EXPECT_TRUE(ngrams.after(std::vector<TokenId>{3}, logits, true).empty());
}

using OwnTextsTest = DraftTest;

TEST_F(OwnTextsTest, AreBoundedAndForgottenByChat) {
  OwnTexts own;
  own.learn({{1, "My landlord is called Quillfeather."}, {2, "Hello there."}});
  const std::size_t both = own.ngrams(*tokenizer_).n_tokens();
  own.forget(1);
  EXPECT_EQ(own.size(), 1u);
  const std::size_t one = own.ngrams(*tokenizer_).n_tokens();
  EXPECT_LT(one, both);
  EXPECT_GT(one, 0u);
  own.forget(3);
  EXPECT_EQ(own.ngrams(*tokenizer_).n_tokens(), one);
  std::vector<OwnText> many;
  for (std::size_t i = 0; i < 3 * OwnTexts::kMostTexts; ++i) many.push_back({4, i % 100 == 0 ? std::string(3 * OwnTexts::kMostBytes, 'x') : "a b"});
  own.learn(std::move(many));
  EXPECT_EQ(own.size(), OwnTexts::kMostTexts);
  EXPECT_LT(own.ngrams(*tokenizer_).n_tokens(), OwnTexts::kMostTexts / 100 * OwnTexts::kMostBytes + 8 * OwnTexts::kMostTexts);
  own.forget_all();
  EXPECT_TRUE(own.ngrams(*tokenizer_).empty());
}

TEST_F(OwnTextsTest, AreCountedAFewAtATime) {
  OwnTexts some, all;
  std::vector<OwnText> texts;
  for (int i = 0; i < 180; ++i) texts.push_back({1, "This is text " + std::to_string(i) + "."});
  some.learn(texts);
  all.learn(texts);
  const std::size_t n = all.ngrams(*tokenizer_).n_tokens();
  std::size_t before = 0;
  int n_calls = 1;
  for (; some.count_some(*tokenizer_); ++n_calls) {
    ASSERT_LT(n_calls, 10);
    EXPECT_GT(some.counted().n_tokens(), before);
    EXPECT_LT(some.counted().n_tokens() - before, n / 2);
    before = some.counted().n_tokens();
  }
  EXPECT_GT(n_calls, 2);
  EXPECT_EQ(some.counted().n_tokens(), n);
  const std::vector<TokenId> said = tokens_of("This is");
  const std::vector<float> logits(static_cast<std::size_t>(tokenizer_->size()), 0);
  EXPECT_EQ(as_map(some.counted().after(said, logits, true)), as_map(all.counted().after(said, logits, true)));
}

/// Drafts behind a text, with what was said elsewhere.
class RememberingTest : public DraftTest {
 protected:
  std::vector<Draft> drafts(const std::string& before, const Ngrams* own, int count = 3) {
    const std::vector<TokenId> tokens = tokens_of(before);
    const HeldBack held = hold_back(*bytes_, tokens, 1);
    const SequenceId prefix = cache_->add_sequence();
    const auto kept = std::span(tokens).first(held.n_kept);
    const auto logits = read(prefix, kept);
    Ngrams here;
    DraftJob job(*tokenizer_, *bytes_, *cache_, {.count = count});
    EXPECT_TRUE(job.branch(prefix, logits, held.held, kept, remembered_for(own, kept, here)));
    cache_->remove_sequence(prefix);
    while (job.running()) step(job);
    return job.drafts();
  }
  static bool says(const std::vector<Draft>& drafts, std::string_view words) {
    return std::ranges::any_of(drafts, [&](const Draft& draft) { return draft.text.starts_with(words); });
  }
};

TEST_F(RememberingTest, A35WhatWasSaidElsewhereIsSuggestedAndForgottenAgain) {
  OwnTexts own;
  for (int i = 0; i < 3; ++i) own.learn({{1, "Please give my regards to Mr. Quillfeather when you see him."}});
  const std::string before = "I wrote to Mr. Quillf";
  EXPECT_FALSE(says(drafts(before, nullptr), "eather"));
  EXPECT_TRUE(says(drafts(before, &own.ngrams(*tokenizer_)), "eather"));
  own.forget(1);
  EXPECT_FALSE(says(drafts(before, &own.ngrams(*tokenizer_)), "eather"));
}

TEST_F(RememberingTest, ANameThatStandsInTheTextIsSuggestedThere) {
  const std::string name = "The Quillfeather house was old. Nobody liked the Quillfeather house. We went to the Quillf";
  EXPECT_TRUE(says(drafts(name, nullptr), "eather"));
}

// What stands in the text itself proposes other drafts; the first one is the model's own.
TEST_F(RememberingTest, TheFirstDraftIsTheModelsOwn) {
  for (const std::string_view text : kTexts) {
    const auto alone = drafts_of(std::string(text), {.count = 1});
    const auto all = drafts(std::string(text), nullptr);
    if (alone.empty() || all.empty() || all.front().id != 0) continue;
    EXPECT_EQ(all.front().ids, alone.front().ids) << text;
  }
}

}  // namespace
}  // namespace foreword::engine
