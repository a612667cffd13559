// What holding an answer to a form costs a token, and what a schema costs before the first one. No model: rows of logits in which the text
// that is to be written is the likeliest, with noise, over a real vocabulary.
//
//   bench_grammar MODEL.gguf SCHEMA.json TEXT.json [ROUNDS]
//
// MODEL needs nothing but a vocabulary; TEXT is of the schema. For each token of it: choosing without a form, choosing with one (256 of the row tried,
// all the vocabulary where these do not decide), and the mask of the whole vocabulary, which is what an engine pays that computes it every time.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/gguf/gguf.h"
#include "engine/grammar/answer_form.h"
#include "engine/sampling/sampler.h"
#include "engine/schema/json_schema.h"

namespace foreword::engine {
namespace {

double now() { return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Times {
  const char* name;
  std::vector<double> us = {};
  void print() {
    std::ranges::sort(us);
    const auto at = [&](double share) { return us[static_cast<std::size_t>(share * static_cast<double>(us.size() - 1))]; };
    double sum = 0;
    for (const double one : us) sum += one;
    std::printf("| %s | %.1f | %.1f | %.1f | %.1f |\n", name, sum / static_cast<double>(us.size()), at(.5), at(.99), us.back());
  }
};

std::string contents(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

int run(int n, char** words) {
  if (n < 4) {
    std::fputs("bench_grammar MODEL.gguf SCHEMA.json TEXT.json [ROUNDS]\n", stderr);
    return 2;
  }
  const auto file = must(GgufFile::open(words[1]));
  const Tokenizer tokenizer = must(Tokenizer::from_gguf(file.metadata()));
  const std::string schema = contents(words[2]), text = contents(words[3]);
  const int rounds = n > 4 ? std::atoi(words[4]) : 5;

  double begin = now();
  const auto trie = std::make_shared<TokenTrie>(tokenizer);
  const double trie_us = now() - begin;
  Times compile{"schema to grammar"}, plain{"choosing, no form"}, held{"choosing, with the form"}, masks{"the whole vocabulary's mask"};
  const std::vector<TokenId> tokens = tokenizer.encode(text, {});
  const auto n_vocab = static_cast<std::size_t>(tokenizer.size());
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 2);
  std::vector<float> logits(n_vocab);
  for (int round = 0; round < rounds; ++round) {
    begin = now();
    const JsonForm form = must(json_form(schema));
    compile.us.push_back(now() - begin);
    AnswerForm answer(form.grammar, trie);
    Matcher matcher(form.grammar);  // of its own, so that it learns nothing from the other
    Matcher::State state = matcher.start();
    Sampler sampler({.temperature = .8F});
    TokenMask mask;
    std::string_view rest = text;
    for (std::size_t i = 0; i < tokens.size() && !rest.empty(); ++i) {
      for (float& logit : logits) logit = noise(random);
      const TokenId token = trie->first_of(rest);
      logits[static_cast<std::size_t>(token)] += 60;
      begin = now();
      (void)sampler.sample(LogitRow(logits), tokens, static_cast<std::int64_t>(i), {});
      double end = now();
      plain.us.push_back(end - begin);
      begin = now();
      const TokenId chosen = sampler.sample(answer.allowed(LogitRow(logits)), tokens, static_cast<std::int64_t>(i), {});
      end = now();
      held.us.push_back(end - begin);
      begin = now();
      trie->mark_allowed(matcher, state, mask);
      masks.us.push_back(now() - begin);
      if (chosen < 0 || !rest.starts_with(trie->bytes(chosen))) {
        std::fprintf(stderr, "The text leaves the form before \"%.40s\".\n", std::string(rest).c_str());
        return 1;
      }
      answer.take(chosen);
      answer.keep();
      state = matcher.next(state, trie->bytes(chosen));
      rest.remove_prefix(trie->bytes(chosen).size());
    }
  }
  std::printf("%zu tokens, %zu in the vocabulary, whose trie took %.0f ms\n\n| us | mean | median | p99 | most |\n|---|---|---|---|---|\n", tokens.size(), n_vocab, trie_us / 1000);
  for (Times* each : {&plain, &held, &masks, &compile}) each->print();
  return 0;
}

}  // namespace
}  // namespace foreword::engine

int main(int n, char** words) { return foreword::engine::run(n, words); }
