// Special tokens against the plain procedure, and their cost with many of them.

#include "engine/tokenizer/special_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>

namespace foreword::engine {
namespace {

using Writer = SpecialToken::Writer;

/// Text still raw, or a token.
struct Fragment {
  std::string text;
  TokenId id = kNoToken;
};

/// Longest first, over the whole text.
std::vector<Fragment> cut_plainly(std::vector<SpecialToken> tokens, const std::string& text) {
  std::sort(tokens.begin(), tokens.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text.size() != b.text.size() ? a.text.size() > b.text.size() : a.id < b.id;
  });
  std::vector<Fragment> fragments = {{text, kNoToken}};
  for (const SpecialToken& token : tokens) {
    std::vector<Fragment> after;
    for (const Fragment& fragment : fragments) {
      if (fragment.id != kNoToken) {
        after.push_back(fragment);
        continue;
      }
      std::string rest = fragment.text;
      for (std::size_t at = rest.find(token.text); at != rest.npos; at = rest.find(token.text)) {
        after.push_back({rest.substr(0, at), kNoToken});
        after.push_back({"", token.id});
        rest.erase(0, at + token.text.size());
        if (token.strips_right) rest.erase(0, std::min(rest.find_first_not_of(" \t\n\v\f\r"), rest.size()));
      }
      after.push_back({rest, kNoToken});
    }
    fragments = after;
  }
  std::erase_if(fragments, [](const Fragment& fragment) { return fragment.id == kNoToken && fragment.text.empty(); });
  return fragments;
}

std::string shown(const std::vector<Fragment>& fragments) {
  std::string text;
  for (const Fragment& fragment : fragments) {
    text += fragment.id == kNoToken ? "'" + fragment.text + "' " : std::to_string(fragment.id) + " ";
  }
  return text;
}

std::vector<Fragment> cut(const SpecialTokens& specials, const std::string& text,
                          const SpecialTokens::Allowed& allowed) {
  std::vector<Fragment> fragments;
  std::size_t done = 0;
  for (const SpecialTokens::Hit& hit : specials.find(text, allowed)) {
    if (hit.begin > done) fragments.push_back({text.substr(done, hit.begin - done), kNoToken});
    fragments.push_back({"", hit.id});
    done = hit.end;
  }
  if (done < text.size()) fragments.push_back({text.substr(done), kNoToken});
  return fragments;
}

TEST(SpecialTokens, AreFoundAsByThePlainProcedure) {
  std::mt19937 random(21);
  constexpr std::string_view kLetters = "aab <\n";
  for (int round = 0; round < 3000; ++round) {
    const auto word = [&](std::size_t n) {
      std::string text;
      for (; n > 0; --n) text += kLetters[random() % kLetters.size()];
      return text;
    };
    std::vector<SpecialToken> tokens;
    for (TokenId id = 0; id < 8; ++id) {
      const Writer writer = random() % 3 == 0 ? Writer::template_only : Writer::anyone;
      tokens.push_back({word(1 + random() % 5), id, random() % 3 == 0, writer});
    }
    const std::string text = word(random() % 60);
    const SpecialTokens specials(tokens);
    EXPECT_EQ(shown(cut(specials, text, [](const SpecialToken&, std::size_t, std::size_t) { return true; })),
              shown(cut_plainly(tokens, text)))
        << "seed 21, round " << round;

    std::erase_if(tokens, [](const SpecialToken& token) { return token.writer != Writer::anyone; });
    const SpecialTokens::Allowed anyone = [](const SpecialToken& token, std::size_t, std::size_t) {
      return token.writer == Writer::anyone;
    };
    EXPECT_EQ(shown(cut(specials, text, anyone)), shown(cut_plainly(tokens, text))) << "seed 21, round " << round;
  }
}

TEST(SpecialTokens, ManyTokensAndLongTexts) {
  std::vector<SpecialToken> tokens;
  for (TokenId id = 0; id < 4000; ++id) tokens.push_back({"<|reserved_" + std::to_string(id) + "|>", id});
  std::string newlines;
  for (TokenId id = 4000; id < 4031; ++id) tokens.push_back({newlines += '\n', id});
  const SpecialTokens specials(tokens);
  const auto all = [](const SpecialToken&, std::size_t, std::size_t) { return true; };

  std::string text;
  for (std::size_t i = 0; text.size() < (4u << 20); ++i) text += tokens[i % 4000].text + " text ";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GT(specials.find(text, all).size(), 100000u);
  EXPECT_EQ(specials.find(std::string(31 << 16, '\n'), all).size(), 1u << 16);
  EXPECT_EQ(specials.find(std::string(4 << 20, '<'), all).size(), 0u);
  // None may stand there, and all are alike; a token of a megabyte, which every place begins.
  const SpecialTokens alike(std::vector<SpecialToken>(1'000'000, SpecialToken{"e", 7}));
  EXPECT_EQ(alike.find(std::string(10'000, 'e'), [](const SpecialToken&, std::size_t, std::size_t) { return false; }).size(), 0u);
  const SpecialTokens endless({{std::string(1 << 20, 'a') + "b", 8}});
  EXPECT_EQ(endless.find(std::string(4 << 20, 'a'), all).size(), 0u);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 10.0);
}

}  // namespace
}  // namespace foreword::engine
