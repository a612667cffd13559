#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "engine/autocomplete/words.h"
#include "engine/sampling/log_sum.h"
#include "engine/tokenizer/unicode.h"
#include "tests/drafts/draft_fixture.h"

namespace foreword::engine {
namespace {

using DraftJobTest = DraftTest;

// K drafts in one batch are what K runs alone give: each token of a draft is the likeliest one behind the tokens before it.
TEST_F(DraftJobTest, RowsInOneBatchAreWhatEachWouldBeAlone) {
  for (const std::string_view text : kTexts) {
    const std::vector<TokenId> tokens = tokens_of(text);
    const HeldBack held = hold_back(*bytes_, tokens, 1);
    for (const Draft& draft : drafts_of(std::string(text), {.count = 5, .max_tokens = 16})) {
      const SequenceId id = cache_->add_sequence();
      std::vector<float> logits = read(id, std::span(tokens).first(held.n_kept));
      std::string bytes;
      for (std::size_t i = 0; i < draft.ids.size(); ++i) {
        std::vector<float> allowed(logits.size(), -INFINITY);
        if (bytes.size() < held.held.size()) {
          for (const TokenId each : bytes_->agreeing(std::string_view(held.held).substr(bytes.size()))) allowed[static_cast<std::size_t>(each)] = logits[static_cast<std::size_t>(each)];
        } else {
          allowed = logits;
          for (const TokenId each : tokenizer_->suppressed()) allowed[static_cast<std::size_t>(each)] = -INFINITY;
        }
        const LogSum sum = log_sum_of(allowed);
        // Which first words there are is searched for; behind them nothing is.
        const bool behind = bytes.size() >= held.held.size() && word_end(std::string_view(bytes).substr(held.held.size()), 0) != std::string_view::npos;
        if (behind || draft.id == 0) {
          EXPECT_EQ(draft.ids[i], static_cast<TokenId>(sum.argmax)) << text << ", draft " << draft.id << ", token " << i;
        }
        EXPECT_FLOAT_EQ(draft.log_probs[i], allowed[static_cast<std::size_t>(draft.ids[i])] - sum.log_sum);
        bytes += bytes_->of(draft.ids[i]);
        logits = read(id, std::span(&draft.ids[i], 1));
      }
      cache_->remove_sequence(id);
    }
  }
}

// A13. First words differ; texts join what was typed to valid UTF-8; the greedy draft leads.
TEST_F(DraftJobTest, DraftsBeginDifferentlyAndJoinWhatWasTyped) {
  for (const std::string_view text : kTexts) {
    const std::vector<Draft> drafts = drafts_of(std::string(text), {});
    std::set<std::string> words;
    for (const Draft& draft : drafts) {
      SCOPED_TRACE(std::string(text) + "|" + draft.text);
      EXPECT_NE(draft.end, DraftEnd::running);
      EXPECT_LE(draft.ids.size(), 12U);
      EXPECT_TRUE(words.insert(first_word_folded(draft.text)).second);
      std::string bytes = std::string(text) + draft.text;
      EXPECT_EQ(take_valid_utf8(bytes, false), std::string(text) + draft.text);
      EXPECT_EQ(draft.text.find('\n'), std::string::npos);
    }
    // The greedy one leads, unless it had nothing to say (it ended before its first word).
    for (std::size_t i = 1; i < drafts.size(); ++i) EXPECT_NE(drafts[i].id, 0);
  }
}

// Where a word could well become another one, that is a draft too.
TEST_F(DraftJobTest, FirstWordsAreAlsoLookedForBehindTheSameToken) {
  int n_same = 0;
  for (const std::string_view text : kTexts) {
    const std::vector<Draft> drafts = drafts_of(std::string(text), {});
    for (std::size_t i = 1; i < drafts.size(); ++i) n_same += drafts[i].ids.front() == drafts.front().ids.front() ? 1 : 0;
  }
  EXPECT_GT(n_same, 0);
}

// A word of one character saves no key: it has a place only if there is nothing better.
TEST_F(DraftJobTest, WordsThatSaveNothingComeLast) {
  const auto saves = [](const Draft& draft) { return word_end(draft.text, 0) == std::string::npos ? draft.text.size() > 1 : word_end(draft.text, 0) > 1; };
  int n_marks = 0, n_words = 0;
  for (const std::string text : {"I have a dog and a cat", "He was tired and went home", "The meeting is on Monday", "Please send me the report", "We went to the park",
                                 "Milk, eggs, ", "In 19", "Room 2", "1", "Chapter "}) {
    for (const Draft& draft : drafts_of(text, {})) {
      if (draft.id == 0) continue;
      saves(draft) ? ++n_words : ++n_marks;
    }
  }
  EXPECT_GT(n_words, 10 * n_marks);
}

// What was taken back comes back: for any split, the tokens kept and the bytes held are the text.
TEST_F(DraftJobTest, HealingLosesNoByte) {
  const std::string text = "Dear Sarah, the naïve café isn't 42 steps away. 日本語 \xF0\x9F\x98\x80 ok\n\nRegards";
  for (std::size_t end = 0; end <= text.size(); ++end) {
    const std::vector<TokenId> tokens = tokens_of(text.substr(0, end));
    const HeldBack held = hold_back(*bytes_, tokens, 1);
    ASSERT_GE(held.n_kept, 1U);
    EXPECT_LE(held.held.size(), kMostHeldBytes);
    EXPECT_LE(tokens.size() - held.n_kept, kMostHeldTokens);
    std::string bytes;
    for (std::size_t i = 1; i < held.n_kept; ++i) bytes += bytes_->of(tokens[i]);
    EXPECT_EQ(bytes + held.held, text.substr(0, end));
    if (!held.held.empty()) {
      EXPECT_TRUE(held.held == " " || open_word(text.substr(0, end)) != std::string::npos);
      for (const TokenId id : bytes_->agreeing(held.held)) {
        const std::string_view piece = bytes_->of(id);
        EXPECT_TRUE(piece.starts_with(held.held) || held.held.starts_with(piece)) << piece;
      }
    }
  }
  EXPECT_EQ(hold_back(*bytes_, tokens_of("How d"), 1).held, " d");
  EXPECT_EQ(hold_back(*bytes_, tokens_of("How "), 1).held, " ") << "words bring their space";
  EXPECT_EQ(hold_back(*bytes_, tokens_of("How?"), 1).held, "");
}

TEST_F(DraftJobTest, AWordThatIsWholeIsSettled) {
  std::vector<float> logits(static_cast<std::size_t>(tokenizer_->size()), -10.0F);
  const TokenId to = tokens_of("like to").back();
  ASSERT_EQ(bytes_->of(to), " to");
  EXPECT_FALSE(settled(*bytes_, logits, " to")) << "all alike";
  logits[static_cast<std::size_t>(to)] = 5;
  EXPECT_EQ(settled(*bytes_, logits, " to"), to);
  EXPECT_EQ(settled(*bytes_, logits, " tomato"), to) << "a part of it is settled";
  EXPECT_FALSE(settled(*bytes_, logits, " t")) << "goes beyond what was typed";
  EXPECT_FALSE(settled(*bytes_, logits, ""));
}

TEST_F(DraftJobTest, LimitsEndDrafts) {
  const auto all = drafts_of("Thank you for your ", {.max_tokens = 5, .least_share = 0});
  ASSERT_FALSE(all.empty());
  for (const Draft& draft : all) EXPECT_LE(draft.ids.size(), 5U);
  for (const Draft& draft : drafts_of("Thank you for your ", {.least_mean_log_prob = 0})) ADD_FAILURE() << "nothing is certain: " << draft.text;
  for (const Draft& draft : drafts_of("I hope you are we", {.max_tokens = 40})) {
    double sum = 0;
    for (std::size_t i = 0; i < draft.log_probs.size(); ++i) {
      const double p = std::exp(static_cast<double>(draft.log_probs[i]));
      if (i > 0) {
        EXPECT_GE(p, 0.1 * sum / static_cast<double>(i));
      }
      sum += p;
    }
  }
}

// Random use: rows go on, some are given up, a job is dropped at any time. No page is lost, and what stays is what an
// undisturbed job would have made.
TEST_F(DraftJobTest, WhatIsGivenUpChangesNothingElse) {
  const unsigned seed = 11;
  std::mt19937 random(seed);
  for (int turn = 0; turn < 20; ++turn) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", turn " << turn);
    const std::string text(kTexts[random() % std::size(kTexts)]);
    const std::vector<Draft> whole = drafts_of(text, {.max_tokens = 24});
    const std::vector<TokenId> tokens = tokens_of(text);
    const HeldBack held = hold_back(*bytes_, tokens, 1);
    const SequenceId prefix = cache_->add_sequence();
    const auto logits = read(prefix, std::span(tokens).first(held.n_kept));
    {
      DraftJob job(*tokenizer_, *bytes_, *cache_, {.max_tokens = 8});
      ASSERT_TRUE(job.branch(prefix, logits, held.held));
      cache_->remove_sequence(prefix);
      for (auto n = static_cast<int>(random() % 12); n > 0 && job.running(); --n) step(job);
      if (random() % 2 == 0) {
        while (job.running()) step(job);
        std::vector<std::int32_t> kept;
        for (const Draft& draft : job.drafts()) {
          if (random() % 2 == 0) kept.push_back(draft.id);
        }
        job.keep_only(kept);
        job.extend(24);
        while (job.running()) step(job);
        for (const Draft& draft : job.drafts()) {
          const auto same = std::ranges::find(whole, draft.id, &Draft::id);
          ASSERT_NE(same, whole.end());
          EXPECT_EQ(draft.ids, same->ids);
          EXPECT_EQ(draft.text, same->text);
        }
      }
    }
    ASSERT_EQ(cache_->n_free_blocks(), kSlots / 64);
  }
}

// A file may name an ordinary word as what ends an answer.
TEST_F(DraftTest, WhatEndsAnAnswerHasNoBytes) {
  const auto file = GgufFile::open(test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf");
  Metadata metadata = file->metadata();
  const auto the = static_cast<std::int64_t>(tokens_of(" the").back());
  EXPECT_EQ(bytes_->of(static_cast<TokenId>(the)), " the");
  metadata.set("tokenizer.ggml.eos_token_id", {the});
  const Tokenizer tokenizer = std::move(Tokenizer::from_gguf(metadata)).value();
  const TokenBytes bytes(tokenizer);
  EXPECT_EQ(bytes.of(static_cast<TokenId>(the)), "");
  EXPECT_EQ(std::ranges::count(bytes.agreeing(" t"), static_cast<TokenId>(the)), 0);
}

TEST(LogSum, IsTheLogOfTheSum) {
  std::mt19937 random(3);
  for (const std::size_t n : {1U, 7U, 8U, 513U, 100000U}) {
    std::vector<float> logits;
    for (std::size_t i = 0; i < n; ++i) logits.push_back(static_cast<float>(random() % 4000) / 100.0F - 20);
    double largest = -1e9, sum = 0;
    for (const float x : logits) largest = std::max(largest, static_cast<double>(x));
    for (const float x : logits) sum += std::exp(x - largest);
    const LogSum result = log_sum_of(logits);
    EXPECT_NEAR(result.log_sum, largest + std::log(sum), 1e-5);
    EXPECT_EQ(static_cast<std::ptrdiff_t>(result.argmax), std::ranges::max_element(logits) - logits.begin());
  }
  const float odd[] = {NAN, -INFINITY, 2, NAN, 2, 1};
  EXPECT_EQ(log_sum_of(odd).argmax, 2U);
  EXPECT_NEAR(log_sum_of(odd).log_sum, std::log(2 * std::exp(2.0) + std::exp(1.0)), 1e-5);
  EXPECT_EQ(log_sum_of(std::vector<float>(3, -INFINITY)).log_sum, -INFINITY);
  EXPECT_EQ(log_sum_of(std::vector<float>{1, INFINITY, 2}).log_sum, -INFINITY) << "nothing can be said";
}

}  // namespace
}  // namespace foreword::engine
