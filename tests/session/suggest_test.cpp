#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "engine/session.h"
#include "tests/session/outbox.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

std::filesystem::path model_path() { return test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf"; }

class SuggestTest : public testing::Test, protected WithOutbox {
 protected:
  void load() {
    ModelOptions options;
    options.device = test::device();
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
  // Another one, of which nothing has been read; the same again, but only the end of it.
  std::string question = "What do you think of it?";
  for (int i = 0; i < 5; ++i) question += " I have seen it twice, and I would go again.";
  suggest.context = std::vector<ChatMessage>{{Role::user, question, {}}, {Role::assistant, "So do I.", {}}};
  suggest.id = 2;
  suggest.most_context = 4;
  session_.send(suggest);
  const std::int64_t shortened = last(2).prompt_tokens;
  suggest.id = 3;
  suggest.most_context = 400;
  session_.send(suggest);
  EXPECT_LT(shortened, last(3).prompt_tokens);
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
  after(3, [&] { session_.send(request(1, "Dear")); });
  session_.send(generate);
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

// A45, A46, A48. What is typed is read as it is typed: the answer finds all but the end of the last word and of the turn, also
// behind a chat that is longer than what suggestions would look at.
TEST_F(SuggestTest, WhatIsTypedIsReadBeforeItIsSent) {
  load();
  std::vector<ChatMessage> chat;
  for (const bool is_long : {false, true}) {
    chat.push_back({Role::user, is_long ? std::string("Tell me about the meeting on Monday and the plan. ") : "Hello", {}});
    for (int i = 0; is_long && i < 30; ++i) chat.back().content += "Number " + std::to_string(i) + " is about the costs and the people. ";
    Generate first;
    first.id = 1;
    first.prompt = chat;
    first.max_tokens = 20;
    session_.send(first);
    chat.push_back({Role::assistant, {}, {}});
    for (Event event = *outbox_.take(); !std::holds_alternative<GenerationDone>(event); event = *outbox_.take()) {
      if (const auto* piece = std::get_if<TextPiece>(&event)) chat.back().content += piece->text;
    }
    const std::string typed = "Thank you for your message. Could you please send me the list of names before ten o'clock?";
    std::int64_t read = 0;
    for (std::size_t n = 4; n <= typed.size(); n += 3) {
      Suggest suggest = request(n, typed.substr(0, n));
      suggest.context = chat;
      suggest.most_context = 100;
      session_.send(suggest);
      const Drafts drafts = last(n);
      ASSERT_EQ(drafts.reason, SuggestReason::done) << drafts.message;
      read += drafts.prompt_tokens - drafts.reused_tokens;
    }
    EXPECT_LT(read, 160) << "each letter reads a token or two, not the chat";
    chat.push_back({Role::user, typed, {}});
    Generate answer;
    answer.id = 2;
    answer.prompt = chat;
    answer.max_tokens = 1;
    session_.send(answer);
    Event event = *outbox_.take();
    while (!std::holds_alternative<GenerationDone>(event)) event = *outbox_.take();
    const GenerationStats stats = std::get<GenerationDone>(event).stats;
    EXPECT_GE(stats.reused_tokens, stats.prompt_tokens - 16) << "of " << stats.prompt_tokens;
    EXPECT_EQ(is_long, stats.prompt_tokens > 300);
    chat.clear();
  }
}

// The cancel is sent on the engine's own thread, by what hears of the first word: no pass may begin behind it.
TEST(SuggestCancel, IsObeyedBeforeTheNextPass) {
  std::vector<Drafts> heard;
  std::promise<void> over;
  Session* session = nullptr;
  bool cancelled = false;
  Mailbox<Event>* outbox = nullptr;
  Mailbox<Event> events([&] {
    while (auto event = outbox->try_take()) {
      const auto* drafts = std::get_if<Drafts>(&*event);
      if (drafts == nullptr) continue;
      heard.push_back(*drafts);
      if (drafts->reason != SuggestReason::running) over.set_value();
      if (!std::exchange(cancelled, true)) session->send(CancelSuggest{1});
    }
  });
  outbox = &events;
  Session desk(events);
  session = &desk;
  ModelOptions options;
  options.device = test::device();
  options.n_threads = 2;
  desk.send(LoadModel{model_path(), options});
  Suggest suggest;
  suggest.id = 1;
  suggest.context = std::string();
  suggest.before = "Thank you for your email. I am ";
  suggest.limits.max_tokens = 200;
  suggest.limits.least_share = 0;
  desk.send(suggest);
  over.get_future().wait();
  ASSERT_EQ(heard.size(), 2u) << "the first word, and the end";
  EXPECT_EQ(heard[0].reason, SuggestReason::running);
  EXPECT_EQ(heard[1].reason, SuggestReason::cancelled);
  EXPECT_EQ(heard[1].decoded_tokens, heard[0].decoded_tokens) << "nothing was computed in between";
}

// A newer key that comes while a step finds out what there is to read: the time that a template asks for is asked in between.
TEST(SuggestCancel, IsObeyedBeforeThePassThatIsBeingPrepared) {
  Mailbox<Event> events;
  Session* session = nullptr;
  bool cancelled = false;
  Session desk(events, [&] {
    if (!std::exchange(cancelled, true)) session->send(CancelSuggest{1});
    return std::tm{};
  });
  session = &desk;
  ModelOptions options;
  options.device = test::device();
  options.n_threads = 2;
  options.draft = {"off"};  // so that nobody knows that the pass is too short to be given up
  desk.send(LoadModel{model_path(), options});
  Suggest suggest;
  suggest.id = 1;
  suggest.context = std::string();
  suggest.before = "Thank you for your email.";
  desk.send(suggest);
  for (;;) {
    const Event event = *events.take();
    const auto* drafts = std::get_if<Drafts>(&event);
    if (drafts == nullptr) continue;
    EXPECT_EQ(drafts->reason, SuggestReason::cancelled);
    EXPECT_EQ(drafts->prompt_seconds, 0) << "the text was not read any more";
    return;
  }
}

}  // namespace
}  // namespace foreword::engine
