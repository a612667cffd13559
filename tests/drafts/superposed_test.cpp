// Superposed Decoding against its description, written down literally and slowly: section 9.2 of the decoding specification.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "engine/autocomplete/superposed_drafts.h"
#include "engine/autocomplete/token_ngrams.h"
#include "engine/autocomplete/words.h"
#include "engine/model/random_model.h"
#include "engine/sampling/log_sum.h"
#include "tests/drafts/draft_fixture.h"

namespace foreword::engine {
namespace {

struct LiteralDraft {
  std::vector<TokenId> ids;
  double score = 0;
};
using LiteralMixture = std::map<TokenId, double>;
using Row = std::function<std::vector<float>(const LiteralMixture&)>;  // an empty mixture: behind the prefix
using Ngrams = std::function<double(const std::vector<TokenId>&, TokenId)>;
using Ends = std::function<bool(const std::vector<TokenId>&)>;

/// The lines of the specification, one after another.
std::vector<LiteralDraft> literally(int k, double alpha, double temperature, int n, int n_steps, const Row& row, const Ngrams& png, const Ends& ends) {
  std::vector<LiteralDraft> alive{{}}, finished;
  for (int step = 1; step <= n_steps && !alive.empty(); ++step) {
    // ONE pass on ONE mixed embedding; w = softmax over drafts of the cumulative scores; equal last tokens add up
    LiteralMixture mixture;
    if (step > 1) {
      double sum = 0;
      for (const LiteralDraft& d : alive) sum += std::exp(d.score);
      for (const LiteralDraft& d : alive) mixture[d.ids.back()] += std::exp(d.score) / sum;
    }
    const std::vector<float> logits = row(mixture);
    // p = softmax(logits / T); keep the n largest, renormalise
    std::vector<std::pair<double, TokenId>> p;
    double all = 0;
    for (std::size_t x = 0; x < logits.size(); ++x) all += std::exp(logits[x] / temperature);
    for (std::size_t x = 0; x < logits.size(); ++x) p.emplace_back(std::exp(logits[x] / temperature) / all, static_cast<TokenId>(x));
    std::sort(p.begin(), p.end(), [](const auto& a, const auto& b) { return a.first > b.first || (a.first == b.first && a.second < b.second); });
    p.resize(static_cast<std::size_t>(n));
    double kept = 0;
    for (const auto& [chance, x] : p) kept += chance;
    for (auto& [chance, x] : p) chance /= kept;
    // k * n candidates, cumulative score
    std::vector<LiteralDraft> candidates;
    for (const LiteralDraft& d : alive) {
      bool all_unknown = true;
      for (const auto& [chance, x] : p) all_unknown = all_unknown && png && png(d.ids, x) == 0;
      for (const auto& [chance, x] : p) {
        double s = std::log(chance);
        if (png) s = all_unknown ? (1 - alpha) * std::log(chance) - 200 : png(d.ids, x) == 0 ? -INFINITY : (1 - alpha) * std::log(chance) + alpha * std::log(png(d.ids, x));
        if (s == -INFINITY) continue;
        LiteralDraft& candidate = candidates.emplace_back(d);
        candidate.ids.push_back(x);
        candidate.score += s;
      }
    }
    // best 2k -> ended ones to the finished list -> k alive
    std::stable_sort(candidates.begin(), candidates.end(), [](const LiteralDraft& a, const LiteralDraft& b) { return a.score > b.score; });
    if (std::ssize(candidates) > 2 * k) candidates.resize(static_cast<std::size_t>(2 * k));
    alive.clear();
    for (const LiteralDraft& candidate : candidates) {
      if (ends(candidate.ids)) finished.push_back(candidate);
      else if (std::ssize(alive) < k) alive.push_back(candidate);
    }
  }
  // rank alive and finished by own score / length
  finished.insert(finished.end(), alive.begin(), alive.end());
  std::stable_sort(finished.begin(), finished.end(), [](const LiteralDraft& a, const LiteralDraft& b) {
    return a.score / static_cast<double>(a.ids.size()) > b.score / static_cast<double>(b.ids.size());
  });
  if (std::ssize(finished) > k) finished.resize(static_cast<std::size_t>(k));
  return finished;
}

/// Logits that depend on the mixture and on the step, for arithmetic alone.
std::vector<float> made_up_row(unsigned seed, int step, const LiteralMixture& mixture) {
  std::vector<float> logits(40);
  std::mt19937 base(seed * 100 + static_cast<unsigned>(step));
  for (float& each : logits) each = static_cast<float>(base()) / 2e9F;
  for (const auto& [token, weight] : mixture) {
    std::mt19937 random(seed * 1000 + static_cast<unsigned>(token));
    for (float& each : logits) each += static_cast<float>(weight) * static_cast<float>(random()) / 2e9F;
  }
  return logits;
}

TEST(Superposition, WhatIsNotFiniteIsNoChoice) {
  const std::vector<TokenWeight> best = sharpened(std::vector<float>{1, INFINITY, 2, NAN, -INFINITY}, 1, 5);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].token, 2);
  EXPECT_EQ(best[1].token, 0);
}

TEST(Superposition, IsWhatTheDescriptionSays) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    for (const int k : {1, 2, 3, 6}) {
      for (const bool smoothed : {false, true}) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", k " << k << (smoothed ? ", n-grams" : ""));
        const SuperposedParams params = smoothed ? SuperposedParams{.54, .3, 7} : SuperposedParams{0, .3, 3 * k};
        const auto ends = [&](const std::vector<TokenId>& ids) { return (ids.back() * 7 + static_cast<int>(ids.size())) % 11 == 0; };
        Ngrams png;
        if (smoothed) {
          png = [&](const std::vector<TokenId>& ids, TokenId x) {
            const unsigned last = ids.empty() ? 0 : static_cast<unsigned>(ids.back());
            return last % 9 == 3 || (last + static_cast<unsigned>(x)) % 4 == 0 ? 0.0 : static_cast<double>((last * 13 + static_cast<unsigned>(x) * 7) % 17 + 1) / 40;
          };
        }
        int row_step = 0;
        const Row row = [&](const LiteralMixture& mixture) { return made_up_row(seed, row_step++, mixture); };
        const auto expected = literally(k, params.alpha, params.temperature, params.n, 6, row, png, ends);

        Superposition lines(k, params, [&](std::span<const TokenId> ids, TokenId next) {
          std::vector<TokenId> all(ids.begin(), ids.end());
          all.push_back(next);
          return ends(all) ? Superposition::Verdict::ends : Superposition::Verdict::goes_on;
        }, png ? Superposition::NgramChance([&](std::span<const TokenId> ids, TokenId x) { return png({ids.begin(), ids.end()}, x); }) : Superposition::NgramChance());
        for (int step = 0; step < 6 && !lines.alive().empty(); ++step) {
          LiteralMixture mixture;
          if (step > 0) {
            double sum = 0;
            for (const TokenWeight& each : lines.mixture()) {
              EXPECT_TRUE(mixture.emplace(each.token, each.weight).second) << "each token once";
              sum += each.weight;
            }
            EXPECT_NEAR(sum, 1, 1e-12);
          }
          lines.step(made_up_row(seed, step, mixture));
          EXPECT_LE(std::ssize(lines.alive()), k);
        }
        const auto found = lines.ranked();
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_EQ(found[i].ids, expected[i].ids);
          EXPECT_NEAR(found[i].score, expected[i].score, 1e-6);
        }
      }
    }
  }
}

TEST(Superposition, ParametersAreThePublishedOnes) {
  EXPECT_DOUBLE_EQ(superposed_params(3, true).alpha, .54);
  EXPECT_DOUBLE_EQ(superposed_params(3, true).temperature, .06);
  EXPECT_EQ(superposed_params(3, true).n, 9);
  EXPECT_EQ(superposed_params(5, true).n, 15);
  EXPECT_EQ(superposed_params(3, false).n, 9);
  EXPECT_EQ(superposed_params(4, false).n, 12);
}

TEST(TokenNgrams, AreCounted) {
  std::mt19937 random(5);
  std::vector<std::vector<TokenId>> texts(20);
  TokenNgrams ngrams;
  EXPECT_TRUE(ngrams.empty());
  for (auto& text : texts) {
    for (int i = 0; i < 60; ++i) text.push_back(static_cast<TokenId>(random() % 4));
    ngrams.add(text);
  }
  const auto count = [&](std::span<const TokenId> run) {
    int n = 0;
    for (const auto& text : texts) {
      for (auto at = text.begin(); (at = std::search(at, text.end(), run.begin(), run.end())) != text.end(); ++at) ++n;
    }
    return n;
  };
  constexpr double kWeights[] = {.01, .04, .15, .18, .12};
  for (int turn = 0; turn < 200; ++turn) {
    std::vector<TokenId> ids;
    for (auto n = random() % 7; n > 0; --n) ids.push_back(static_cast<TokenId>(random() % 5));
    const auto next = static_cast<TokenId>(random() % 5);
    double expected = 0;
    for (std::size_t i = 1; i <= std::min<std::size_t>(5, ids.size()); ++i) {
      std::vector<TokenId> run(ids.end() - static_cast<std::ptrdiff_t>(i), ids.end());
      const int n = count(run);
      run.push_back(next);
      if (n > 0) expected += kWeights[i - 1] * count(run) / n;
    }
    EXPECT_NEAR(ngrams.chance(ids, next), expected, 1e-12);
  }
}

class SuperposedTest : public DraftTest {
 protected:
  std::vector<float> named(std::vector<float> logits) const {
    for (const TokenId id : tokenizer_->suppressed()) logits[static_cast<std::size_t>(id)] = -INFINITY;
    return logits;
  }
  std::string text_of(const std::vector<TokenId>& ids) const {
    std::string text;
    for (const TokenId id : ids) text += bytes_->of(id);
    return text;
  }
  /// What a draft shows: a line to its end, or whole words.
  std::string whole_words_of(const std::vector<TokenId>& ids) const {
    std::string text = text_of(ids);
    if (const auto line = text.find('\n'); line != text.npos) return text.substr(0, line);
    return ends_sentence(text) ? text : text.substr(0, whole_words(text));
  }
  bool ends(const std::vector<TokenId>& ids) const {
    const std::string text = text_of(ids);
    return bytes_->of(ids.back()).empty() || text.find('\n') != std::string::npos || ends_sentence(text);
  }
  /// Mean log-prob of the tokens one by one behind the prefix.
  double exact_mean(std::span<const TokenId> prefix, const std::vector<TokenId>& ids) {
    const SequenceId id = cache_->add_sequence();
    std::vector<float> logits = named(read(id, prefix));
    double sum = 0;
    for (const TokenId token : ids) {
      sum += logits[static_cast<std::size_t>(token)] - log_sum_of(logits).log_sum;
      logits = named(read(id, std::span(&token, 1)));
    }
    cache_->remove_sequence(id);
    return sum / static_cast<double>(ids.size());
  }
};

// Texts whose end is whole, so that nothing is held back.
constexpr std::string_view kWhole[] = {"Thank you for your message.", "It had been raining since the morning,", "Dear Anna,\n\n", "\"Where are you going?\""};

TEST_F(SuperposedTest, OnAModelItIsWhatTheDescriptionSays) {
  for (const std::string_view text : kWhole) {
    for (const int k : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << text << ", k " << k);
      const std::vector<TokenId> prompt = tokens_of(text);
      ASSERT_EQ(hold_back(*bytes_, prompt, 1).held, "");
      const SequenceId id = cache_->add_sequence();
      const auto behind_prompt = named(read(id, prompt));
      const Row row = [&](const LiteralMixture& mixture) {
        if (mixture.empty()) return behind_prompt;
        Batch batch;
        // The heaviest first: which one stands in the row is of no account, but sums of floats have an order.
        std::vector<std::pair<double, TokenId>> parts;
        for (const auto& [token, weight] : mixture) parts.emplace_back(weight, token);
        std::sort(parts.rbegin(), parts.rend());
        Batch::Mix mix{0, {}, {}};
        for (const auto& [weight, token] : parts) mix.tokens.push_back(token), mix.weights.push_back(static_cast<float>(weight));
        batch.add(mix.tokens.front(), id, -1, true);
        batch.mixes.push_back(mix);
        std::vector<float> logits;
        EXPECT_TRUE(forward_->run(batch, [&](std::int64_t, std::span<const float> all) { logits.assign(all.begin(), all.end()); }));
        EXPECT_TRUE(cache_->commit(id, 1));
        return named(logits);
      };
      const auto lines = literally(k, 0, .06, 3 * k, 8, row, {}, [&](const std::vector<TokenId>& ids) { return ends(ids); });
      cache_->remove_sequence(id);
      // Then exactly scored, in that order; first words differ; none is more than a nat behind.
      std::vector<std::pair<double, std::vector<TokenId>>> expected;
      for (const LiteralDraft& line : lines) {
        std::vector<TokenId> ids = line.ids;
        if (bytes_->of(ids.back()).empty()) ids.pop_back();
        if (!ids.empty() && !whole_words_of(ids).empty()) expected.emplace_back(exact_mean(prompt, ids), ids);
      }
      std::stable_sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
      std::set<std::string> words;
      const double best = expected.empty() ? 0 : expected.front().first;
      std::erase_if(expected, [&](const auto& each) { return each.first < best - 1 || !words.insert(first_word_folded(whole_words_of(each.second))).second; });

      const auto drafts = drafts_of(std::string(text), {.count = k, .max_tokens = 12, .least_share = 0, .method = DraftMethod::superposed});
      ASSERT_EQ(drafts.size(), expected.size());
      for (std::size_t i = 0; i < drafts.size(); ++i) {
        EXPECT_EQ(drafts[i].ids, expected[i].second);
        EXPECT_NEAR(drafts[i].score, expected[i].first, 1e-3);
        EXPECT_LE(drafts[i].ids.size(), 8U);
      }
    }
  }
}

TEST_F(SuperposedTest, OneDraftIsTheGreedyOne) {
  for (const std::string_view text : kTexts) {
    const DraftLimits limits{.count = 1, .max_tokens = 8, .least_share = 0};
    DraftLimits superposed = limits;
    superposed.method = DraftMethod::superposed;
    const auto greedy = drafts_of(std::string(text), limits), mixed = drafts_of(std::string(text), superposed);
    if (greedy.empty() || mixed.empty()) continue;
    EXPECT_EQ(mixed.front().ids, greedy.front().ids) << text;
  }
}

TEST_F(SuperposedTest, DraftsJoinWhatWasTyped) {
  std::size_t n = 0;
  for (const std::string_view text : kTexts) {
    const auto drafts = drafts_of(std::string(text), {.method = DraftMethod::superposed});
    std::set<std::string> words;
    for (const Draft& draft : drafts) {
      EXPECT_TRUE(words.insert(first_word_folded(draft.text)).second) << text;
      EXPECT_EQ(text_of(draft.ids).find(hold_back(*bytes_, tokens_of(text), 1).held), 0U) << text;
      EXPECT_NE(draft.end, DraftEnd::running);
      EXPECT_NE(draft.end, DraftEnd::length) << "it cannot go on";
    }
    n += drafts.size();
  }
  EXPECT_GT(n, std::size(kTexts) / 2);
}

// What was typed may take two tokens, of which the second is none that the mixture's row finds likely.
TEST_F(SuperposedTest, EveryTokenOfWhatWasTypedIsHeld) {
  const auto row_of = [&](std::initializer_list<std::pair<std::string_view, float>> chances) {
    std::vector<float> logits(static_cast<std::size_t>(tokenizer_->size()), -20);
    for (const auto& [text, logit] : chances) logits[static_cast<std::size_t>(tokens_of(text).back())] = logit;
    return logits;
  };
  const std::vector<float> first = row_of({{" th", 10}, {" t", 9}}), behind = row_of({{" of", 10}, {" and", 9}, {" to", 8}, {" in", 7}, {" is", 6}, {" for", 5}, {" on", 4}});
  for (const int k : {1, 2}) {
    DraftGround ground{.tokenizer = &*tokenizer_, .bytes = &*bytes_, .limits = {.count = k, .max_tokens = 5, .least_share = 0}, .held = " the"};
    SuperposedDrafts drafts(ground, *cache_);
    const SequenceId prefix = cache_->add_sequence();
    read(prefix, tokens_of("In"));
    ASSERT_TRUE(drafts.branch(prefix, first));
    cache_->remove_sequence(prefix);
    while (drafts.running()) {
      Batch batch;
      ASSERT_TRUE(drafts.add_rows(batch));
      for (std::int64_t row = 0; row < batch.size(); ++row) drafts.take(row, behind);
      ASSERT_TRUE(drafts.end_step());
    }
    ASSERT_FALSE(drafts.drafts().empty()) << k;
    for (const Draft& draft : drafts.drafts()) {
      EXPECT_TRUE(text_of(draft.ids).starts_with(" the of")) << text_of(draft.ids);
      EXPECT_TRUE(draft.text.starts_with(" of")) << draft.text;
    }
  }
}

TEST_F(SuperposedTest, AMixtureOfOneIsThatTokenBitForBit) {
  const std::vector<TokenId> prompt = tokens_of("Thank you for your ");
  const auto row_of = [&](std::vector<std::int32_t> tokens, std::vector<float> weights) {
    const SequenceId id = cache_->add_sequence();
    read(id, prompt);
    Batch batch;
    batch.add(prompt[2], id, -1, true);
    if (!tokens.empty()) batch.mixes.push_back({0, std::move(tokens), std::move(weights)});
    std::vector<float> logits;
    EXPECT_TRUE(forward_->run(batch, [&](std::int64_t, std::span<const float> all) { logits.assign(all.begin(), all.end()); }));
    cache_->remove_sequence(id);
    return logits;
  };
  const auto plain = row_of({}, {});
  EXPECT_EQ(row_of({prompt[2]}, {1}), plain);
  EXPECT_EQ(row_of({prompt[2], prompt[3]}, {1, 0}), plain);
  EXPECT_NE(row_of({prompt[2], prompt[3]}, {0.5, 0.5}), plain);
  Batch batch;
  const SequenceId id = cache_->add_sequence();
  batch.add(0, id, -1, true);
  batch.mixes.push_back({0, {0, 1 << 30}, {0.5, 0.5}});
  EXPECT_FALSE(forward_->run(batch, [](std::int64_t, std::span<const float>) {})) << "a token that does not exist";
  cache_->remove_sequence(id);
}

// A model whose row for token 2 is the mixture of those for 0 and 1 reads token 2 as it reads that mixture.
TEST(MixedEmbedding, IsTheWeightedSumOfTheRows) {
  const ModelShape tiny{"tiny", 2, 64, 128, 4, 2, 16, 96, false, ""};
  const auto writer = random_model(tiny, gpu::Format::f32, 3);
  ASSERT_TRUE(writer);
  std::ostringstream out;
  ASSERT_TRUE(writer->write(out));
  std::string bytes = out.str();
  const auto open = [&] { return std::move(GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny")).value(); };
  const auto d = static_cast<std::size_t>(tiny.hidden_size);
  const std::uint64_t at = open().find("token_embd.weight")->offset;
  std::vector<float> rows(3 * d);
  std::memcpy(rows.data(), bytes.data() + at, rows.size() * sizeof(float));
  for (std::size_t i = 0; i < d; ++i) rows[2 * d + i] = 0.25F * rows[i] + 0.75F * rows[d + i];
  std::memcpy(bytes.data() + at, rows.data(), rows.size() * sizeof(float));

  const auto backend = std::move(gpu::open_device("cpu", {.n_threads = 1})).value();
  const auto file = std::make_shared<const GgufFile>(open());
  const Model model = std::move(load_model(file, *backend, 64, 64)).value();
  const Config& c = model.config;
  KvCache cache = std::move(KvCache::create(*backend, {c.n_layers, c.n_kv_heads, c.head_dim, gpu::DType::f32}, 256)).value();
  Forward forward = std::move(Forward::create(*backend, model, cache, 8)).value();
  std::vector<std::vector<float>> found;
  for (const bool mixed : {false, true}) {
    const SequenceId id = cache.add_sequence();
    Batch batch;
    batch.add(5, id, -1, false);
    batch.add(mixed ? 0 : 2, id, 0, true);
    if (mixed) batch.mixes.push_back({1, {0, 1}, {0.25F, 0.75F}});
    batch.add(7, id, 1, true);
    ASSERT_TRUE(forward.run(batch, [&](std::int64_t, std::span<const float> logits) { found.emplace_back(logits.begin(), logits.end()); }));
    cache.remove_sequence(id);
  }
  ASSERT_EQ(found.size(), 4U);
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t i = 0; i < found[row].size(); ++i) ASSERT_NEAR(found[row][i], found[row + 2][i], 1e-4);
  }
}

}  // namespace
}  // namespace foreword::engine
