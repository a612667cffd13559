// Diverse beam search: its step against plain definitions, and drafts that are made by it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "engine/autocomplete/beam_drafts.h"
#include "engine/autocomplete/words.h"
#include "tests/drafts/draft_fixture.h"

namespace foreword::engine {
namespace {

constexpr int kTokens = 5, kLength = 4;

/// Log-probs of a chain: what follows which token; row kTokens is the beginning.
std::vector<std::vector<double>> random_chain(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 2);
  std::vector<std::vector<double>> rows(kTokens + 1, std::vector<double>(kTokens));
  for (auto& row : rows) {
    double sum = 0;
    for (double& each : row) sum += std::exp(each = normal(random));
    for (double& each : row) each -= std::log(sum);
  }
  return rows;
}

struct Beam {
  std::vector<TokenId> ids;
  double score = 0;
};

/// Groups of `width` beams each after kLength steps.
std::vector<std::vector<Beam>> search(const std::vector<std::vector<double>>& chain, std::size_t n_groups, std::size_t width, double lambda) {
  std::vector<std::vector<Beam>> groups(n_groups, {Beam{}});
  for (int step = 0; step < kLength; ++step) {
    std::vector<std::vector<BeamCandidate>> candidates;
    for (const auto& group : groups) {
      auto& list = candidates.emplace_back();
      for (std::size_t i = 0; i < group.size(); ++i) {
        const auto& row = chain[group[i].ids.empty() ? kTokens : static_cast<std::size_t>(group[i].ids.back())];
        for (TokenId token = 0; token < kTokens; ++token) list.push_back({i, token, group[i].score + row[static_cast<std::size_t>(token)]});
      }
    }
    const auto chosen = diverse_step(candidates, width, lambda);
    std::vector<std::vector<Beam>> next(n_groups);
    for (std::size_t g = 0; g < n_groups; ++g) {
      for (const BeamCandidate& each : chosen[g]) {
        Beam& beam = next[g].emplace_back(groups[g][each.parent]);
        beam.ids.push_back(each.token);
        beam.score = each.score;
      }
    }
    groups = std::move(next);
  }
  return groups;
}

// All 625 sequences, best first.
std::vector<Beam> all_sequences(const std::vector<std::vector<double>>& chain) {
  std::vector<Beam> all{Beam{}};
  for (int step = 0; step < kLength; ++step) {
    std::vector<Beam> longer;
    for (const Beam& beam : all) {
      for (TokenId token = 0; token < kTokens; ++token) {
        Beam& next = longer.emplace_back(beam);
        next.score += chain[beam.ids.empty() ? kTokens : static_cast<std::size_t>(beam.ids.back())][static_cast<std::size_t>(token)];
        next.ids.push_back(token);
      }
    }
    all = std::move(longer);
  }
  std::ranges::sort(all, [](const Beam& a, const Beam& b) { return a.score > b.score; });
  return all;
}

TEST(DiverseBeam, WithRoomForAllItFindsTheBestInOrder) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const auto chain = random_chain(seed);
    const auto all = all_sequences(chain);
    const auto groups = search(chain, 1, all.size(), 0.5);
    ASSERT_EQ(groups[0].size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_NEAR(groups[0][i].score, all[i].score, 1e-9);
    EXPECT_EQ(groups[0][0].ids, all[0].ids);
  }
}

TEST(DiverseBeam, WithoutAPenaltyAllGroupsAreOrdinaryBeamSearch) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto chain = random_chain(seed);
    const auto alone = search(chain, 1, 2, 0.5);
    for (const auto& group : search(chain, 3, 2, 0)) {
      for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(group[i].ids, alone[0][i].ids) << seed;
    }
  }
}

TEST(DiverseBeam, APenaltyCountsTheBeamsOfEarlierGroups) {
  const std::vector<std::vector<BeamCandidate>> groups = {{{0, 1, -1.0}, {0, 2, -1.1}, {1, 1, -1.2}}, {{0, 1, -0.5}, {0, 2, -1.2}, {0, 3, -1.4}}};
  const auto chosen = diverse_step(groups, 2, 0.5);
  EXPECT_EQ(chosen[0][0].token, 1);
  EXPECT_EQ(chosen[0][1].token, 2);
  ASSERT_EQ(chosen[1].size(), 2U);
  EXPECT_EQ(chosen[1][0].token, 1) << "-0.5 less 0.5";
  EXPECT_DOUBLE_EQ(chosen[1][0].score, -1.0);
  EXPECT_EQ(chosen[1][1].token, 3) << "-1.2 less 0.5 is behind";
  const std::vector<std::vector<BeamCandidate>> twice = {{{0, 4, -1}, {1, 4, -1}}, {{0, 4, 0}, {0, 5, -0.9}}};
  EXPECT_EQ(diverse_step(twice, 2, 0.5)[1][0].token, 5) << "two beams, twice the penalty";
}

class BeamTest : public DraftTest {
 protected:
  /// From the texts' prefix, with these beams; only: all other groups are given up as soon as first words are known.
  std::vector<Draft> beams_of(std::string_view text, const DraftLimits& limits, const BeamShape& shape, int only = -1) {
    const std::vector<TokenId> tokens = tokens_of(text);
    const HeldBack held = hold_back(*bytes_, tokens, 1);
    const SequenceId prefix = cache_->add_sequence();
    const auto logits = read(prefix, std::span(tokens).first(held.n_kept));
    std::vector<Draft> drafts;
    {
      DraftGround ground{&*tokenizer_, &*bytes_, limits, held.held};
      BeamDrafts job(ground, *cache_, shape);
      EXPECT_TRUE(job.branch(prefix, logits));
      cache_->remove_sequence(prefix);
      while (job.running()) {
        const std::int32_t ids[] = {only};
        if (only >= 0 && job.searching()) job.keep_only(ids);
        if (!job.running()) break;
        Batch batch;
        EXPECT_TRUE(job.add_rows(batch));
        EXPECT_LE(batch.size(), std::max<std::int64_t>(2 * limits.count - 1, static_cast<std::int64_t>(shape.width) * limits.count));
        EXPECT_TRUE(forward_->run(batch, [&](std::int64_t row, std::span<const float> row_logits) { job.take(row, row_logits); }));
        EXPECT_TRUE(job.end_step());
        grows(job.drafts());
      }
      drafts = job.drafts();
    }
    said_.clear();
    EXPECT_EQ(cache_->n_free_blocks(), kSlots / 64) << "all pages came back";
    return drafts;
  }

  /// What was said of a draft is the beginning of what is said now, unless it ends.
  void grows(const std::vector<Draft>& drafts) {
    for (const Draft& draft : drafts) {
      std::string& before = said_[draft.id];
      if (draft.end == DraftEnd::running || draft.end == DraftEnd::length) {
        EXPECT_TRUE(draft.text.starts_with(before)) << before << " | " << draft.text;
      }
      before = draft.text;
    }
  }
  std::map<std::int32_t, std::string> said_;
};

TEST_F(BeamTest, OneBeamWithoutAPenaltyIsTheBatchedWay) {
  for (const std::string_view text : kTexts) {
    const auto batched = drafts_of(std::string(text), {.max_tokens = 16}), beams = beams_of(text, {.max_tokens = 16}, {1, 0});
    ASSERT_EQ(batched.size(), beams.size()) << text;
    for (std::size_t i = 0; i < batched.size(); ++i) {
      EXPECT_EQ(batched[i].ids, beams[i].ids) << text;
      EXPECT_EQ(batched[i].text, beams[i].text);
      EXPECT_EQ(batched[i].end, beams[i].end);
    }
  }
}

// K drafts in one batch are what each would be alone, where no draft has to avoid another.
TEST_F(BeamTest, GroupsInOneBatchAreWhatEachWouldBeAlone) {
  for (const std::string_view text : kTexts) {
    const auto together = beams_of(text, {}, {2, 0});
    for (const Draft& draft : together) {
      const auto alone = beams_of(text, {}, {2, 0}, draft.id);
      const auto same = std::ranges::find(alone, draft.id, &Draft::id);
      ASSERT_NE(same, alone.end()) << text;
      EXPECT_EQ(same->ids, draft.ids) << text;
      EXPECT_EQ(same->log_probs, draft.log_probs);
    }
  }
}

TEST_F(BeamTest, DraftsBeginDifferentlyAndTheirScoresAreExact) {
  int differ = 0;
  for (const std::string_view text : kTexts) {
    const auto drafts = beams_of(text, {}, {});
    const auto batched = drafts_of(std::string(text), {});
    std::set<std::string> words;
    for (const Draft& draft : drafts) {
      EXPECT_TRUE(words.insert(first_word_folded(draft.text)).second) << text;
      EXPECT_NE(draft.end, DraftEnd::running);
      double sum = 0;
      for (const float each : draft.log_probs) sum += each;
      EXPECT_NEAR(draft.score, sum / static_cast<double>(draft.ids.size()), 1e-9);
      const auto greedy = std::ranges::find(batched, draft.id, &Draft::id);
      if (greedy != batched.end() && greedy->ids != draft.ids) ++differ;
    }
  }
  EXPECT_GT(differ, 0) << "a search that never finds anything else is none";
}

TEST_F(BeamTest, TheJobOffersIt) {
  EXPECT_EQ(draft_method_from_name("beam"), DraftMethod::beam);
  EXPECT_FALSE(draft_method_from_name("none"));
  for (const DraftMethodRow& row : draft_methods()) {
    EXPECT_EQ(row_of(row.method).name, row.name);
    const auto drafts = drafts_of("Thank you for your ", {.method = row.method});
    EXPECT_FALSE(drafts.empty()) << row.name;
  }
}

}  // namespace
}  // namespace foreword::engine
