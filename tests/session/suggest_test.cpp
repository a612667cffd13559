#include <gtest/gtest.h>

#include <algorithm>

#include "engine/session.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

std::filesystem::path model_path() { return test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf"; }

class SuggestTest : public testing::Test {
 protected:
  void load() {
    ModelOptions options;
    options.n_threads = 2;
    session_.send(LoadModel{model_path(), options});
    while (!std::holds_alternative<ModelReady>(*outbox_.take())) {}
  }
  static Suggest request(std::uint64_t id, std::string before, std::int64_t max_tokens = 12) {
    Suggest suggest;
    suggest.id = id;
    suggest.context = std::string();
    suggest.before = std::move(before);
    suggest.limits.max_tokens = max_tokens;
    suggest.limits.least_share = 0;
    return suggest;
  }
  /// The last word on a request; `grown` counts the events before it.
  Drafts last(std::uint64_t id, int* grown = nullptr) {
    for (;;) {
      Event event = *outbox_.take();
      auto* drafts = std::get_if<Drafts>(&event);
      if (drafts == nullptr || drafts->id != id) continue;
      if (drafts->reason != SuggestReason::running) return *drafts;
      if (grown != nullptr) ++*grown;
    }
  }

  Mailbox<Event> outbox_;
  Session session_{outbox_};
};

TEST_F(SuggestTest, WithoutAModelThereIsAReason) {
  session_.send(request(1, "Dear"));
  EXPECT_EQ(last(1).reason, SuggestReason::no_model);
}

TEST_F(SuggestTest, DraftsGrowAndTheNextKeyReadsNothingTwice) {
  load();
  session_.send(request(1, "Thank you for your email. I am writ"));
  int grown = 0;
  const Drafts first = last(1, &grown);
  EXPECT_EQ(first.reason, SuggestReason::done);
  ASSERT_FALSE(first.drafts.empty());
  EXPECT_GT(grown, 0);
  EXPECT_GT(first.first_word_seconds, 0);
  session_.send(request(2, "Thank you for your email. I am writi"));
  const Drafts second = last(2);
  EXPECT_GE(second.reused_tokens, second.prompt_tokens - 2);
}

// The same text as a user's turn of a chat: the answer's tokens cannot come, and older messages may be left out.
TEST_F(SuggestTest, AUsersTurnGoesOn) {
  load();
  Suggest suggest = request(1, "Could you please se");
  suggest.context = std::vector<ChatMessage>{{Role::user, "Hello", {}}, {Role::assistant, "Hello! How can I help?", {}}};
  session_.send(suggest);
  const Drafts with_chat = last(1);
  EXPECT_EQ(with_chat.reason, SuggestReason::done);
  EXPECT_FALSE(with_chat.drafts.empty());
  for (const Draft& draft : with_chat.drafts) EXPECT_EQ(draft.text.find('<'), std::string::npos);
  suggest.id = 2;
  suggest.most_context = 4;
  session_.send(suggest);
  EXPECT_LT(last(2).prompt_tokens, with_chat.prompt_tokens);
}

// The newest wins; what was overtaken says so, and each request has exactly one last word.
TEST_F(SuggestTest, NewerRequestsTakeTheDesk) {
  load();
  constexpr std::uint64_t kRequests = 20;
  for (std::uint64_t id = 1; id <= kRequests; ++id) session_.send(request(id, "It had been raining since the morning and " + std::string(id, 'a'), 40));
  std::vector<int> ends(kRequests + 1);
  while (ends[kRequests] == 0) {
    Event event = *outbox_.take();
    if (const auto* drafts = std::get_if<Drafts>(&event); drafts != nullptr && drafts->reason != SuggestReason::running) {
      ++ends[drafts->id];
      if (drafts->id == kRequests) {
        EXPECT_EQ(drafts->reason, SuggestReason::done);
      }
    }
  }
  for (std::uint64_t id = 1; id <= kRequests; ++id) EXPECT_EQ(ends[id], 1) << id;
}

TEST_F(SuggestTest, AnAnswerComesFirst) {
  load();
  Generate generate;
  generate.id = 7;
  generate.prompt = std::string("Once upon a time");
  generate.max_tokens = 60;
  session_.send(generate);
  while (!std::holds_alternative<TextPiece>(*outbox_.take())) {}
  session_.send(request(1, "Dear"));
  EXPECT_EQ(last(1).reason, SuggestReason::busy);
  while (!std::holds_alternative<GenerationDone>(*outbox_.take())) {}
  session_.send(request(2, "Dear"));
  EXPECT_EQ(last(2).reason, SuggestReason::done);
}

// Drafts that ended for their length go on as an undisturbed job would have; the others are gone.
TEST_F(SuggestTest, ChosenDraftsGoOn) {
  load();
  session_.send(request(1, "I hope you are ", 24));
  const Drafts whole = last(1);
  session_.send(request(2, "I hope you are ", 6));
  const Drafts begun = last(2);
  ASSERT_FALSE(begun.drafts.empty());
  session_.send(AdjustDrafts{2, {begun.drafts.front().id}, 24});
  const Drafts more = last(2);
  ASSERT_EQ(more.drafts.size(), 1U);
  EXPECT_EQ(more.drafts.front().ids, whole.drafts.front().ids);
  session_.send(CancelSuggest{2});
  session_.send(AdjustDrafts{2, {0}, 30});  // of nothing: no answer
  session_.send(request(3, "Dear"));
  EXPECT_EQ(last(3).reason, SuggestReason::done);
}

// Whoever types fast tells between two steps that no draft counts any more, or other ones than those that run.
TEST_F(SuggestTest, AllDraftsMayBeGivenUpWhileTheyAreMade) {
  load();
  for (std::uint64_t id = 1; id <= 60; ++id) {
    session_.send(request(id, "It had been raining since the morning and ", 40));
    if (id % 2 == 0) session_.send(AdjustDrafts{id, {}, 0});
    for (Event event = *outbox_.take();; event = *outbox_.take()) {
      const auto* drafts = std::get_if<Drafts>(&event);
      if (drafts == nullptr || drafts->id != id) continue;
      if (drafts->reason != SuggestReason::running) break;
      session_.send(AdjustDrafts{id, id % 3 == 0 ? std::vector<std::int32_t>{40} : std::vector<std::int32_t>{}, 0});
    }
  }
  session_.send(request(100, "Dear"));
  EXPECT_EQ(last(100).reason, SuggestReason::done);
}

}  // namespace
}  // namespace foreword::engine
