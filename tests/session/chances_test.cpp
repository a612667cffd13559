// Chances of tokens that are told with an answer, also where its text is given back and read again.

#include <gtest/gtest.h>

#include <cmath>

#include "engine/answer_writer.h"
#include "engine/scheduler.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

struct Told {
  std::vector<TokenChances> prompt, answer;
  std::string prompt_text, text;
};

/// reopen_after: the text is given back after this many steps, as where room is short, and taken again; 0: never.
Told write(LoadedModel& model, int reopen_after) {
  Generate request;
  request.prompt = std::string("It was a sunny day. It was a");
  request.max_tokens = 12;
  request.sampling.temperature = 0;
  request.chances = 2;
  request.prompt_chances = true;
  Told told;
  AnswerWriter writer(model, request, std::chrono::steady_clock::now(), [&](Event event) {
    if (auto* prompt = std::get_if<PromptChances>(&event)) {
      told.prompt.insert(told.prompt.end(), prompt->tokens.begin(), prompt->tokens.end());
      told.prompt_text += prompt->text;
    }
    if (auto* piece = std::get_if<TextPiece>(&event)) {
      EXPECT_TRUE(piece->ids.empty() || piece->ids.size() == piece->chances.size());
      told.answer.insert(told.answer.end(), piece->chances.begin(), piece->chances.end());
      told.text += piece->text;
    }
  });
  EXPECT_TRUE(writer.encode({}));
  writer.open(nullptr);
  Scheduler scheduler(model.forward());
  Work* works[] = {&writer};
  for (int step = 1; !writer.done(); ++step) {
    EXPECT_TRUE(scheduler.step(works, {}));
    if (step != reopen_after || writer.done()) continue;
    writer.close();
    writer.open(nullptr);
  }
  return told;
}

std::string joined(const std::vector<TokenChances>& tokens) {
  std::string text;
  for (const TokenChances& token : tokens) text += token.chosen.bytes;
  return text;
}

TEST(Chances, EveryTokenHasThemOnce) {
  ModelOptions options;
  options.device = test::device();
  options.context = 256;
  options.n_threads = 2;
  const auto model = std::move(LoadedModel::open(test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf", options)).value();
  const Told once = write(*model, 0);
  ASSERT_GT(once.prompt.size(), 5U);
  EXPECT_EQ(once.answer.size(), 12U);
  EXPECT_TRUE(std::isnan(once.prompt[0].chosen.log_p));
  EXPECT_EQ(once.prompt_text, "It was a sunny day. It was a");
  EXPECT_EQ(joined(once.answer), once.text);
  std::int64_t at = 0;
  for (const TokenChances& token : once.answer) {
    EXPECT_EQ(token.begin, at);
    at += std::ssize(token.chosen.bytes);
    ASSERT_EQ(token.best.size(), 2U);
    EXPECT_EQ(token.best[0].token, token.chosen.token) << "the likeliest is chosen";
    EXPECT_EQ(token.best[0].log_p, token.chosen.log_p);
    EXPECT_GE(token.best[0].log_p, token.best[1].log_p);
  }
  for (const int steps : {1, 2, 5}) {
    SCOPED_TRACE(steps);
    const Told again = write(*model, steps);
    EXPECT_EQ(joined(again.prompt), joined(once.prompt));
    EXPECT_EQ(again.prompt_text, once.prompt_text);
    EXPECT_EQ(joined(again.answer), joined(once.answer));
    EXPECT_EQ(again.text, once.text);
  }
}

/// The vector of a text of several passes.
std::vector<float> state_of(LoadedModel& model, int reopen_after) {
  Generate request;
  std::string text;
  for (int i = 0; i < 60; ++i) text += " It rained on day " + std::to_string(i) + ".";
  request.prompt = text;
  request.wanted = Wanted::state;
  std::vector<float> state;
  int n_told = 0;
  AnswerWriter writer(model, request, std::chrono::steady_clock::now(), [&](Event event) {
    if (auto* told = std::get_if<PromptTold>(&event)) state = told->state, ++n_told;
    EXPECT_FALSE(std::holds_alternative<TextPiece>(event));
  });
  EXPECT_TRUE(writer.encode({}));
  writer.open(nullptr);
  Scheduler scheduler(model.forward());
  Work* works[] = {&writer};
  int n_steps = 0;
  while (!writer.done()) {
    EXPECT_TRUE(scheduler.step(works, {}));
    if (++n_steps != reopen_after || writer.done()) continue;
    writer.close();
    writer.open(nullptr);
  }
  EXPECT_EQ(n_told, 1);
  if (test::device() == std::string("cpu")) { EXPECT_GT(n_steps, 2); }
  return state;
}

TEST(States, AreThoseOfTheWholeTextAlsoWhereItIsReadAgain) {
  ModelOptions options;
  options.device = test::device();
  options.context = 1024;
  options.n_threads = 2;
  const auto model = std::move(LoadedModel::open(test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf", options)).value();
  const std::vector<float> once = state_of(*model, 0);
  EXPECT_EQ(std::ssize(once), model->model().config.hidden_size);
  EXPECT_EQ(state_of(*model, 0), once) << "known or not";
  EXPECT_EQ(state_of(*model, 2), once);
}

}  // namespace
}  // namespace foreword::engine
