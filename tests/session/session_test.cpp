#include "engine/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include <unistd.h>

#include "engine/model/random_model.h"
#include "tests/session/outbox.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

/// A small model of random weights: it writes nonsense, but the same nonsense for the same seed.
std::filesystem::path model_path() { return test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf"; }

struct Outcome {
  std::string text;
  std::vector<TokenId> ids;
  std::optional<GenerationStats> stats;
  std::optional<Error> error;
  std::int64_t prompt_tokens = 0, reused_tokens = 0;
};

class SessionTest : public testing::Test, protected WithOutbox {
 protected:
  void load(std::int64_t context = 256, gpu::KvEncoding kv = {}, const std::filesystem::path& path = model_path()) {
    ModelOptions options;
    options.device = test::device();
    options.kv = kv;
    options.context = context;
    options.n_threads = 2;
    session_.send(LoadModel{path, options});
    Event event = *outbox_.take();
    ASSERT_TRUE(std::holds_alternative<ModelLoading>(event));
    while (std::holds_alternative<ModelLoading>(event)) event = *outbox_.take();
    ASSERT_TRUE(std::holds_alternative<ModelReady>(event));
    summary_ = std::get<ModelReady>(event).model;
  }

  static Generate raw(std::uint64_t id, std::string text, std::int64_t max_tokens, std::uint64_t seed = 1) {
    Generate request;
    request.id = id;
    request.prompt = std::move(text);
    request.max_tokens = max_tokens;
    request.sampling.seed = seed;
    return request;
  }

  /// Reads events until the request ends. `at_token` runs after each token.
  Outcome wait(std::uint64_t id, const std::function<void(std::size_t n)>& at_token = {}) {
    Outcome outcome;
    while (auto event = outbox_.take()) {
      if (auto* started = std::get_if<GenerationStarted>(&*event); started && started->id == id) {
        outcome.prompt_tokens = started->prompt_tokens;
        outcome.reused_tokens = started->reused_tokens;
      } else if (auto* piece = std::get_if<TextPiece>(&*event); piece && piece->id == id) {
        outcome.text += piece->text;
        outcome.ids.insert(outcome.ids.end(), piece->ids.begin(), piece->ids.end());
        if (at_token && !piece->ids.empty()) at_token(outcome.ids.size());
      } else if (auto* done = std::get_if<GenerationDone>(&*event); done && done->id == id) {
        outcome.stats = done->stats;
        return outcome;
      } else if (auto* failed = std::get_if<GenerationFailed>(&*event); failed && failed->id == id) {
        outcome.error = failed->error;
        return outcome;
      }
    }
    return outcome;
  }

  Outcome run(Generate request) {
    const std::uint64_t id = request.id;
    session_.send(std::move(request));
    return wait(id);
  }

  Session session_{outbox_};
  ModelSummary summary_;
};

TEST_F(SessionTest, LoadsAndTellsWhatItReallyUses) {
  load(100);
  EXPECT_EQ(summary_.architecture, "qwen2");
  EXPECT_EQ(summary_.context, 100);
  EXPECT_GT(summary_.n_parameters, 10000);
  EXPECT_GT(summary_.kv_bytes, 0);
  EXPECT_FALSE(summary_.device.empty());
}

TEST_F(SessionTest, SameSeedSameTextOtherSeedOtherText) {
  load();
  const Outcome first = run(raw(1, "Once upon a time", 40));
  ASSERT_TRUE(first.stats);
  EXPECT_EQ(first.stats->stop_reason, StopReason::length);
  EXPECT_EQ(first.stats->n_tokens, 40);
  EXPECT_EQ(first.ids.size(), 40U);
  const Outcome again = run(raw(2, "Once upon a time", 40));
  EXPECT_EQ(again.ids, first.ids);
  EXPECT_EQ(again.text, first.text);
  EXPECT_NE(run(raw(3, "Once upon a time", 40, 2)).ids, first.ids);
}

TEST_F(SessionTest, APrefixThatEndsInAClosedPageIsReusedUpToThatPage) {
  load(1024, {gpu::KvFormat::q8, gpu::KvFormat::q4h});
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word " + std::to_string(i) + ", ";
  const Outcome first = run(raw(1, text, 40));
  ASSERT_TRUE(first.stats) << first.error->message;
  ASSERT_GT(first.prompt_tokens, 300);
  const Outcome again = run(raw(2, text, 40));
  EXPECT_EQ(again.reused_tokens, again.prompt_tokens - 1);
  const Outcome other = run(raw(3, text.substr(0, text.size() / 2) + "something else", 40));
  ASSERT_TRUE(other.stats) << other.error->message;
  EXPECT_GT(other.reused_tokens, 0);
  EXPECT_EQ(other.reused_tokens % 64, 0) << other.reused_tokens;
}

TEST_F(SessionTest, KeepsTheCommonPrefixAndTheSameText) {
  load();
  const Outcome cold = run(raw(1, "Once upon a time there was", 20));
  EXPECT_EQ(cold.reused_tokens, 0);
  const Outcome warm = run(raw(2, "Once upon a time there was", 20));
  EXPECT_EQ(warm.reused_tokens, warm.prompt_tokens - 1) << "the last token is read again for its logits";
  EXPECT_EQ(warm.ids, cold.ids);
  const Outcome longer = run(raw(3, "Once upon a time there was a dog", 20));
  EXPECT_GT(longer.reused_tokens, 3);
  run(raw(4, "Something else entirely", 5));
  EXPECT_EQ(run(raw(5, "Once upon a time there was a dog", 20)).ids, longer.ids);
}

std::string words(int from, int n) {
  std::string text;
  for (int i = from; i < from + n; ++i) text += "word " + std::to_string(i) + ", ";
  return text;
}

TEST_F(SessionTest, ASecondChatLeavesTheFirstOnesPages) {
  load(1024);
  const auto ask = [&](std::uint64_t id, TextOwner chat, const std::string& text) {
    Generate request = raw(id, text, 8);
    request.chat = chat;
    return run(std::move(request));
  };
  const std::string one = words(0, 40), two = words(5000, 40);
  const Outcome first = ask(1, 1, one);
  EXPECT_LT(ask(2, 2, two).reused_tokens, 10) << "no more than the words that both begin with";
  const Outcome again = ask(3, 1, one + first.text + " and");
  EXPECT_GE(again.reused_tokens, first.prompt_tokens);
  EXPECT_GE(ask(4, 2, two + " and").reused_tokens, again.prompt_tokens / 2);
}

TEST_F(SessionTest, ManyShortChatsReadTheirCommonInstructionsOnce) {
  load(4096);
  const std::string instructions = words(0, 200);
  std::int64_t computed = 0, common = 0;
  for (std::uint64_t i = 0; i < 32; ++i) {
    Generate request = raw(i + 1, instructions + "Question " + std::to_string(7919 * i) + "?", 3);
    request.chat = static_cast<TextOwner>(i + 1);
    const Outcome outcome = run(std::move(request));
    ASSERT_TRUE(outcome.stats) << outcome.error->message;
    if (i == 0) common = outcome.prompt_tokens - 20;
    else EXPECT_GE(outcome.reused_tokens, common - 63) << "chat " << i + 1;
    computed += outcome.prompt_tokens - outcome.reused_tokens;
  }
  ASSERT_GT(common, 1000);
  EXPECT_LT(computed, common + 32 * (63 + 20));
}

TEST_F(SessionTest, AnotherAnswerKeepsTheOldOnesPages) {
  load(1024);
  const std::string question = words(0, 40);
  Generate request = raw(1, question, 100, 1);
  request.chat = 1;
  const Outcome first = run(request);
  request.id = 2;
  request.sampling.seed = 2;
  EXPECT_EQ(run(request).reused_tokens, first.prompt_tokens - 1);
  Generate back = raw(3, question + first.text, 1);
  back.chat = 1;
  EXPECT_GE(run(back).reused_tokens, first.prompt_tokens) << "random bytes are not read as the tokens that wrote them";
}

TEST_F(SessionTest, APrivateTextServesItsOwnerAlone) {
  load(1024);
  Generate secret = raw(1, words(0, 40), 3);
  secret.chat = -5;
  const Outcome first = run(secret);
  Generate other = raw(2, words(0, 40), 3);
  other.chat = 7;
  EXPECT_EQ(run(other).reused_tokens, 0);
  secret.id = 3;
  EXPECT_EQ(run(secret).reused_tokens, first.prompt_tokens - 1);
  session_.send(ForgetChat{-5, false});
  session_.send(ForgetChat{7, false});
  secret.id = 4;
  EXPECT_EQ(run(secret).reused_tokens, 0);
}

TEST_F(SessionTest, AFullCacheGivesUpTheOldestChatFirst) {
  load(384);
  const auto ask = [&](std::uint64_t id, TextOwner chat, int from) {
    Generate request = raw(id, words(from, 18), 3);
    request.chat = chat;
    const Outcome outcome = run(std::move(request));
    EXPECT_TRUE(outcome.stats) << outcome.error->message;
    return outcome;
  };
  const Outcome first = ask(1, 1, 0);
  ASSERT_GT(first.prompt_tokens, 64);
  for (int chat = 2; chat < 8; ++chat) ask(static_cast<std::uint64_t>(chat), chat, 1000 * chat);
  const Outcome latest = ask(20, 7, 7000);
  EXPECT_EQ(latest.reused_tokens, latest.prompt_tokens - 1);
  EXPECT_LT(ask(21, 1, 0).reused_tokens, 64) << "the first made room";
}

TEST_F(SessionTest, AStopIsObeyedWithinOneStep) {
  load();
  constexpr int kBefore = 8, kMostOfAStep = 64;  // drafts that are all right
  after(kBefore, [&] { session_.send(Stop{1}); });
  session_.send(raw(1, "Once upon a time", -1));
  const Outcome outcome = wait(1);
  ASSERT_TRUE(outcome.stats);
  EXPECT_EQ(outcome.stats->stop_reason, StopReason::cancelled);
  EXPECT_LT(outcome.ids.size(), kBefore + kMostOfAStep) << "it would have gone on to the end of the context";
  EXPECT_EQ(run(raw(2, "Once upon a time", 5)).ids.size(), 5U) << "the session goes on";
}

TEST_F(SessionTest, D39AnAnswerGoesOnAsIfItHadNeverBeenStopped) {
  load();
  const auto ask = [&](std::uint64_t id, std::int64_t max_tokens, std::string so_far) {
    Generate request = raw(id, "", max_tokens);
    request.prompt = std::vector<ChatMessage>{{Role::user, "Tell me a story.", {}}};
    request.answer_so_far = std::move(so_far);
    request.sampling.temperature = 0;
    return run(std::move(request));
  };
  const Outcome half = ask(1, 8, "");
  ASSERT_TRUE(half.stats);
  const Outcome rest = ask(2, 8, half.text);
  ASSERT_TRUE(rest.stats);
  EXPECT_GT(rest.prompt_tokens, half.prompt_tokens) << "the beginning stands in the prompt";
  EXPECT_GE(rest.reused_tokens, half.prompt_tokens - 1) << "what was read is not read again";
}

TEST_F(SessionTest, AnAnswerThatGoesOnReadsTheSpaceThatItBeganWith) {
  FW_NEED_FIXTURES();
  load(256, {}, test::fixtures_dir() / "models" / "stories260K-F32.gguf");
  std::uint64_t id = 0;
  for (const char* asked : {"Tell me a story.", "Who is Lily?", "What did Tom see?", "Where is the cat?"}) {
    const auto ask = [&](std::int64_t max_tokens, std::string so_far) {
      Generate request = raw(++id, "", max_tokens);
      request.prompt = std::vector<ChatMessage>{{Role::user, asked, {}}};
      request.answer_so_far = std::move(so_far);
      request.sampling.temperature = 0;
      return run(std::move(request));
    };
    const Outcome half = ask(5, ""), whole = ask(12, ""), rest = ask(7, half.text);
    ASSERT_TRUE(half.stats && whole.stats && rest.stats);
    EXPECT_EQ(rest.prompt_tokens, half.prompt_tokens + 5) << "the tokens are those that were written: " << asked;
    EXPECT_EQ(half.text + rest.text, whole.text) << asked;
  }
}

TEST_F(SessionTest, EndsAtTheContext) {
  load(64);
  const Outcome outcome = run(raw(1, "Once upon a time", -1));
  ASSERT_TRUE(outcome.stats);
  EXPECT_EQ(outcome.stats->stop_reason, StopReason::context);
  EXPECT_EQ(outcome.stats->prompt_tokens + outcome.stats->n_tokens, 64);
}

TEST_F(SessionTest, ATurnThatDoesNotFitIsRefusedWithBothNumbers) {
  load(16);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word ";
  const Outcome outcome = run(raw(1, text, 5));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::invalid_argument);
  EXPECT_NE(outcome.error->message.find("holds 16"), std::string::npos) << outcome.error->message;
  EXPECT_NE(outcome.error->message.find(","), std::string::npos) << outcome.error->message;
  EXPECT_TRUE(run(raw(2, "Hi", 3)).stats);
}

TEST_F(SessionTest, ZeroTokensAskedZeroGiven) {
  load();
  const Outcome outcome = run(raw(1, "Hi", 0));
  ASSERT_TRUE(outcome.stats);
  EXPECT_EQ(outcome.stats->n_tokens, 0);
  EXPECT_EQ(outcome.stats->stop_reason, StopReason::length);
}

TEST_F(SessionTest, StopTextsEndTheAnswerAndAreNotShown) {
  load();
  const Outcome whole = run(raw(1, "Once upon a time", 30));
  ASSERT_GT(whole.text.size(), 12U);
  std::size_t at = 6;
  while ((static_cast<unsigned char>(whole.text[at]) & 0xC0) == 0x80) ++at;
  const std::string stop = whole.text.substr(at, 3);
  Generate request = raw(2, "Once upon a time", 30);
  request.stop = {stop};
  const Outcome cut = run(std::move(request));
  EXPECT_EQ(cut.stats->stop_reason, StopReason::stop_string);
  EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
}

TEST_F(SessionTest, ChatGoesThroughTheTemplate) {
  load();
  Generate request;
  request.id = 1;
  request.prompt = std::vector<ChatMessage>{{Role::user, "Hello", {}}};
  request.max_tokens = 4;
  const Outcome outcome = run(std::move(request));
  ASSERT_TRUE(outcome.stats) << (outcome.error ? outcome.error->message : "");
  EXPECT_GT(outcome.prompt_tokens, 2);
}

TEST_F(SessionTest, ThoughtsThatTheTemplateBeganAreToldAsSuch) {
  auto writer = random_model({"small", 2, 64, 128, 2, 1, 32, 400, true, ""}, gpu::Format::q8_0, 7);
  ASSERT_TRUE(writer);
  writer->set("tokenizer.chat_template", std::string("{% for m in messages %}[{{ m.content }}]{% endfor %}<think>{{ '\\n' }}"));
  const auto path = std::filesystem::path(testing::TempDir()) / ("thinks-" + std::to_string(::getpid()) + ".gguf");
  ASSERT_TRUE(writer->write(path));
  load(256, {}, path);
  Generate request;
  request.id = 1;
  request.prompt = std::vector<ChatMessage>{{Role::user, "Hello", {}}};
  request.max_tokens = 6;
  const Outcome whole = run(request);
  ASSERT_TRUE(whole.text.starts_with("<think>\n")) << whole.text;
  EXPECT_EQ(whole.text.find("<think>", 1), std::string::npos);
  request.id = 2;
  request.max_tokens = 3;
  request.answer_so_far = run(request).text;
  request.id = 3;
  const Outcome rest = run(request);
  EXPECT_EQ(rest.text.find("<think>"), std::string::npos);
  EXPECT_GT(rest.prompt_tokens, whole.prompt_tokens);
  std::filesystem::remove(path);
}

TEST_F(SessionTest, WithoutAModelItSaysSo) {
  const Outcome outcome = run(raw(1, "Hi", 3));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->message, "No model is open; open a GGUF file first.");
}

TEST_F(SessionTest, AFileThatIsMissingIsOneSentence) {
  session_.send(LoadModel{"/nowhere/model.gguf", {}});
  outbox_.take();
  const Event event = *outbox_.take();
  ASSERT_TRUE(std::holds_alternative<ModelFailed>(event));
  EXPECT_EQ(std::get<ModelFailed>(event).error.code, ErrorCode::not_found);
}

TEST_F(SessionTest, AFileThatIsNoModelLeavesTheOpenOneAlone) {
  load();
  const Outcome before = run(raw(1, "Once upon a time", 8));
  session_.send(raw(2, "Once upon a time", 8));
  session_.send(LoadModel{"/nowhere/model.gguf", {}});
  session_.send(LoadModel{test::data_dir() / "pictures" / "empty-100.png", {}});
  int n_failed = 0, n_ready = 0;
  Outcome beside;
  while (n_ready < 2 || !beside.stats) {
    const auto event = outbox_.take();
    ASSERT_FALSE(std::holds_alternative<ModelLoading>(*event));
    if (const auto* failed = std::get_if<ModelFailed>(&*event)) n_failed += failed->kept ? 1 : 0;
    if (const auto* ready = std::get_if<ModelReady>(&*event)) n_ready += ready->model.path == model_path() ? 1 : 0;
    if (const auto* piece = std::get_if<TextPiece>(&*event)) beside.text += piece->text;
    if (const auto* done = std::get_if<GenerationDone>(&*event)) beside.stats = done->stats;
  }
  EXPECT_EQ(n_failed, 2);
  EXPECT_EQ(beside.text, before.text) << "also an answer goes on";
}

TEST_F(SessionTest, ARequestThatWaitsCanBeWithdrawn) {
  load();
  session_.send(raw(1, "Once upon a time", -1));
  session_.send(raw(2, "Once upon a time", 3));
  wait(1, [&](std::size_t n) {
    if (n == 2) {
      session_.send(Stop{2});
      session_.send(Stop{1});
    }
  });
  // Request 2 was withdrawn while 1 ran; its end came before 1's, so only a third one still answers.
  EXPECT_EQ(run(raw(3, "Hi", 2)).ids.size(), 2U);
}

TEST_F(SessionTest, AnswersRunSideBySideAndDoNotDisturbEachOther) {
  load(1024);
  const auto request = [](std::uint64_t id) {
    return raw(id, id % 2 == 1 ? "Once upon a time" : words(static_cast<int>(id), 30), 20 + 5 * static_cast<std::int64_t>(id), id);
  };
  constexpr std::uint64_t kRequests = 6;  // more than run at once
  std::map<std::uint64_t, std::vector<TokenId>> alone, together;
  for (std::uint64_t id = 1; id <= kRequests; ++id) alone[id] = run(request(id)).ids;
  for (std::uint64_t id = 1; id <= kRequests; ++id) session_.send(request(id));
  bool side_by_side = false;
  for (std::uint64_t n_done = 0; n_done < kRequests;) {
    const Event event = *outbox_.take();
    if (const auto* piece = std::get_if<TextPiece>(&event)) {
      together[piece->id].insert(together[piece->id].end(), piece->ids.begin(), piece->ids.end());
      side_by_side |= piece->id != 1 && together[1].size() < alone[1].size();
    }
    ASSERT_FALSE(std::holds_alternative<GenerationFailed>(event));
    n_done += std::holds_alternative<GenerationDone>(event) ? 1 : 0;
  }
  EXPECT_EQ(together, alone);
  EXPECT_TRUE(side_by_side);
}

TEST_F(SessionTest, AnswersForOthersLeaveAPlaceForTheUsers) {
  load(1024);
  const auto send = [&](std::uint64_t id, bool for_others) {
    Generate request = raw(id, "Once upon a time", 150, id);
    request.for_others = for_others;
    session_.send(std::move(request));
  };
  after(1, [&] {
    for (std::uint64_t id = 2; id <= 5; ++id) send(id, true);
    send(9, false);
  });
  send(1, true);
  std::vector<std::uint64_t> begun;
  for (int n_done = 0; n_done < 6;) {
    const Event event = *outbox_.take();
    if (const auto* started = std::get_if<GenerationStarted>(&event)) begun.push_back(started->id);
    ASSERT_FALSE(std::holds_alternative<GenerationFailed>(event));
    n_done += std::holds_alternative<GenerationDone>(event) ? 1 : 0;
  }
  EXPECT_EQ(begun, (std::vector<std::uint64_t>{1, 2, 3, 9, 4, 5}));
}

TEST_F(SessionTest, TwoTextsThatDoNotFitTogetherAreWrittenOneAfterTheOther) {
  load(384);
  const auto request = [](std::uint64_t id) { return raw(id, words(static_cast<int>(1000 * id), 20), 200, id); };
  const Outcome one = run(request(1)), two = run(request(2));
  ASSERT_GT(one.prompt_tokens + two.prompt_tokens + 400, 384);
  session_.send(request(11));
  session_.send(request(12));
  std::map<std::uint64_t, std::vector<TokenId>> ids;
  for (int n_done = 0; n_done < 2;) {
    const Event event = *outbox_.take();
    if (const auto* piece = std::get_if<TextPiece>(&event)) ids[piece->id].insert(ids[piece->id].end(), piece->ids.begin(), piece->ids.end());
    if (const auto* failed = std::get_if<GenerationFailed>(&event)) FAIL() << failed->error.message;
    n_done += std::holds_alternative<GenerationDone>(event) ? 1 : 0;
  }
  const auto again = [&](std::uint64_t id) {
    Generate alone = request(id);
    alone.id = 100 + id;
    return run(std::move(alone)).ids;
  };
  EXPECT_EQ(ids[11], again(11));
  EXPECT_EQ(ids[12], again(12));
}

TEST_F(SessionTest, SuggestionsAreNotRefusedForWhatRunsInTheBackground) {
  load(1024);
  Generate title = raw(1, "Once upon a time", -1);
  title.background = true;
  Suggest suggest;
  suggest.id = 2;
  suggest.context = std::string();
  suggest.before = "Dear";
  after(3, [&] { session_.send(suggest); });
  session_.send(title);
  bool suggested = false, written_on = false;
  for (;;) {
    const Event event = *outbox_.take();
    if (std::holds_alternative<TextPiece>(event)) written_on = suggested;
    if (const auto* drafts = std::get_if<Drafts>(&event); drafts != nullptr && drafts->reason != SuggestReason::running) {
      EXPECT_EQ(drafts->reason, SuggestReason::done);
      suggested = true;
    }
    if (std::holds_alternative<GenerationDone>(event)) break;
  }
  EXPECT_TRUE(suggested);
  EXPECT_TRUE(written_on) << "it goes on behind it";
}

TEST_F(SessionTest, SuggestionsThatRestMakeRoomForWhatIsWritten) {
  load(512);
  Suggest suggest;
  suggest.id = 1;
  suggest.context = std::string();
  suggest.before = "Dear friends, I have to tell you that";
  session_.send(suggest);
  Drafts drafts;
  do {
    drafts = std::get<Drafts>(*outbox_.take());
  } while (drafts.reason == SuggestReason::running);
  ASSERT_EQ(drafts.reason, SuggestReason::done) << drafts.message;
  ASSERT_GT(drafts.drafts.size(), 1U) << "they have pages of their own";
  Generate title = raw(2, "Once upon a time", -1);
  title.background = true;
  const Outcome outcome = run(title);
  ASSERT_TRUE(outcome.stats);
  EXPECT_EQ(outcome.stats->stop_reason, StopReason::context);
}

TEST_F(SessionTest, TextIsAlwaysWholeUtf8) {
  load();
  session_.send(raw(1, "Once upon a time", 150, 3));
  while (auto event = outbox_.take()) {
    if (std::holds_alternative<GenerationDone>(*event)) break;
    if (const auto* piece = std::get_if<TextPiece>(&*event); piece && !piece->text.empty()) {
      EXPECT_NE(static_cast<unsigned char>(piece->text[0]) & 0xC0, 0x80) << "a piece begins inside a character";
    }
  }
}

TEST_F(SessionTest, ANewModelEndsTheAnswer) {
  load();
  after(3, [&] { session_.send(LoadModel{model_path(), {}}); });
  session_.send(raw(1, "Once upon a time", -1));
  const Outcome outcome = wait(1);
  ASSERT_TRUE(outcome.stats);
  EXPECT_EQ(outcome.stats->stop_reason, StopReason::cancelled);
}

TEST(Session, CanBeDestroyedInTheMiddleOfAnAnswer) {
  Mailbox<Event> outbox;
  {
    Session session(outbox);
    session.send(LoadModel{model_path(), {}});
    Generate request;
    request.id = 1;
    request.prompt = std::string("Once upon a time");
    session.send(std::move(request));
    while (auto event = outbox.take()) {
      if (std::holds_alternative<TextPiece>(*event)) break;
    }
  }
}

TEST_F(SessionTest, CountsExactlyWhatWouldBeReadAndDisturbsNoAnswer) {
  load(512);
  const std::vector<ChatMessage> chat{{Role::system, "Be brief.", {}}, {Role::user, "Why is the sky blue?", {}}};
  const auto count = [&](std::uint64_t id, std::vector<ChatMessage> messages) {
    session_.send(CountTokens{id, std::move(messages)});
    for (;;) {
      const Event event = *outbox_.take();
      if (const auto* counted = std::get_if<TokensCounted>(&event); counted != nullptr && counted->id == id) return *counted;
    }
  };
  const TokensCounted counted = count(9, chat);
  Generate request;
  request.id = 1;
  request.prompt = chat;
  request.max_tokens = 30;
  const Outcome alone = run(request);
  EXPECT_EQ(counted.total, alone.prompt_tokens);
  ASSERT_EQ(counted.of_messages.size(), 2u);
  EXPECT_GT(counted.of_messages[1], 0);
  EXPECT_LT(counted.of_messages[0] + counted.of_messages[1], counted.total);
  // Where other programs are at work the answer may end before the question is sent; then another is asked.
  constexpr int kTries = 50;
  bool amid = false;
  for (int i = 0; i < kTries && !amid; ++i) {
    request.id = 2 + static_cast<std::uint64_t>(i);
    session_.send(request);
    std::string text;
    bool ended = false;
    for (bool counted_again = false; !ended || !counted_again;) {
      const Event event = *outbox_.take();
      if (const auto* piece = std::get_if<TextPiece>(&event)) {
        if (text.empty()) session_.send(CountTokens{10, chat});
        text += piece->text;
      }
      if (std::holds_alternative<TokensCounted>(event)) {
        counted_again = true;
        amid = !ended;
      }
      ended = ended || std::holds_alternative<GenerationDone>(event);
    }
    EXPECT_EQ(text, alone.text);
  }
  EXPECT_TRUE(amid) << "between two steps, not after the answer";
  session_.send(UnloadModel{});
  EXPECT_EQ(count(11, chat).total, 0);
}

}  // namespace
}  // namespace foreword::engine
