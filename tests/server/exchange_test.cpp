// How one request's answers go out, against an engine that says what the test has it say.

#include "app/server/exchange.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace foreword::app {
namespace {

using Json = nlohmann::json;

class Wire : public HttpSink {
 public:
  bool write(std::string_view bytes) override {
    text += bytes;
    return !gone_;
  }
  bool gone() override { return gone_; }
  std::string text;
  bool gone_ = false;
};

class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() { desk.accept(true); }
  Exchange exchange(bool chat, bool stream, int n = 1, int chances = -1) {
    ApiRequest request;
    if (!chat) request.prompt = std::vector<ApiRequest::Text>{"Once"};
    request.n = n;
    request.stream = stream;
    auto call = desk.ask(std::vector<engine::Generate>(static_cast<std::size_t>(n)));
    first = call->first();
    return Exchange({chat ? ReplyShape::chat : ReplyShape::text, "id-1", 5, "tiny", n, {}, chances}, request, std::move(call), [this](const std::string& line) { lines.push_back(line); });
  }
  void say(const std::string& text, std::uint64_t of = 0) { desk.deliver(engine::TextPiece{first + of, text, {}, 0, 0}); }
  void end(engine::StopReason reason, std::int64_t tokens = 3, std::uint64_t of = 0) {
    engine::GenerationStats stats;
    stats.prompt_tokens = 10;
    stats.reused_tokens = 4;
    stats.n_tokens = tokens;
    stats.stop_reason = reason;
    desk.deliver(engine::GenerationDone{first + of, stats});
  }
  static std::vector<std::string> events(const std::string& text) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t next = text.find("\n\n", at);
      all.push_back(text.substr(at, next - at));
      at = next + 2;
    }
    return all;
  }
  static Json data(const std::string& event) { return Json::parse(event.substr(6)); }

  ServerDesk desk{[](const engine::Command&) {}, {}};
  std::uint64_t first = 0;
  std::vector<std::string> lines;
  Wire wire;
};

TEST_F(ExchangeTest, ThoughtsStandApart) {
  Exchange one = exchange(true, false);
  desk.deliver(engine::GenerationStarted{first, 10, 4});
  for (const char* piece : {"<think>\n", "A greeting", ".\n</think>", "\n\nHello", "!"}) say(piece);
  end(engine::StopReason::eos);
  EXPECT_FALSE(one.refused());
  EXPECT_TRUE(one.write(wire));
  const Json reply = Json::parse(wire.text);
  EXPECT_EQ(reply["object"], "chat.completion");
  EXPECT_EQ(reply["choices"][0]["message"]["content"], "Hello!");
  EXPECT_EQ(reply["choices"][0]["message"]["reasoning_content"], "A greeting.");
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(reply["usage"]["total_tokens"], 13);
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(ExchangeTest, ChancesAreThoseOfWhatIsSaid) {
  for (const bool stream : {false, true}) {
    SCOPED_TRACE(stream ? "stream" : "whole");
    wire.text.clear();
    Exchange one = exchange(true, stream, 1, 0);
    desk.deliver(engine::GenerationStarted{first, 10, 4});
    std::int64_t at = 0;
    for (const std::string piece : {"<think>\n", "Hm.", "\n</think>", "\n\nHel", "lo", "!"}) {
      engine::TextPiece letter{first, piece, {}, 0, 0};
      letter.chances = {{{7, piece, -1}, {}, at}};
      at += std::ssize(piece);
      desk.deliver(letter);
    }
    end(engine::StopReason::eos);
    EXPECT_FALSE(one.refused());
    EXPECT_TRUE(one.write(wire));
    std::string named;
    if (!stream) {
      const Json choice = Json::parse(wire.text)["choices"][0];
      for (const Json& token : choice["logprobs"]["content"]) named += token["token"].get<std::string>() + "|";
    } else {
      for (const std::string& event : events(wire.text)) {
        if (!event.ends_with("}")) continue;
        const Json chances = data(event)["choices"][0]["logprobs"];
        if (chances.is_object()) for (const Json& token : chances["content"]) named += token["token"].get<std::string>() + "|";
      }
    }
    EXPECT_EQ(named, "\n\nHel|lo|!|");
  }
}

TEST_F(ExchangeTest, SoTheyDoInAStream) {
  Exchange one = exchange(true, true);
  for (const char* piece : {"<think>\n", "A greeting", ".\n</th", "ink>", "\n\nHello", "!"}) say(piece);
  end(engine::StopReason::length);
  EXPECT_FALSE(one.refused());
  EXPECT_TRUE(one.write(wire));
  const auto all = events(wire.text);
  EXPECT_EQ(all.back(), "data: [DONE]");
  std::string thought, said;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const Json delta = data(all[i])["choices"][0]["delta"];
    EXPECT_EQ(delta.contains("role"), i == 0);
    thought += delta.value("reasoning_content", "");
    said += delta.value("content", "");
  }
  EXPECT_EQ(thought, "A greeting.");
  EXPECT_EQ(said, "Hello!");
  EXPECT_EQ(data(all[all.size() - 2])["choices"][0]["finish_reason"], "length");
}

TEST_F(ExchangeTest, AnAnswerWithoutAWordIsOneToo) {
  Exchange one = exchange(true, true);
  end(engine::StopReason::eos, 0);
  EXPECT_FALSE(one.refused());
  EXPECT_TRUE(one.write(wire));
  EXPECT_EQ(events(wire.text).size(), 3U);
  EXPECT_EQ(data(events(wire.text)[0])["choices"][0]["delta"]["content"], "");
}

TEST_F(ExchangeTest, SeveralAnswersCountTheirPromptOnce) {
  Exchange two = exchange(false, false, 2);
  say("b", 1);
  say("a", 0);
  end(engine::StopReason::eos, 1, 1);
  end(engine::StopReason::eos, 1, 0);
  EXPECT_FALSE(two.refused());
  EXPECT_TRUE(two.write(wire));
  const Json reply = Json::parse(wire.text);
  EXPECT_EQ(reply["choices"][0]["text"], "a");
  EXPECT_EQ(reply["choices"][1]["text"], "b");
  EXPECT_EQ(reply["usage"]["prompt_tokens"], 10);
  EXPECT_EQ(reply["usage"]["completion_tokens"], 2);
}

TEST_F(ExchangeTest, WhatIsRefusedBeforeItBeginsHasAStatus) {
  for (const auto& [code, status] : {std::pair{ErrorCode::invalid_argument, 400}, {ErrorCode::unsupported, 400}, {ErrorCode::not_found, 503}, {ErrorCode::cancelled, 503},
                                     {ErrorCode::out_of_memory, 500}, {ErrorCode::device_lost, 500}}) {
    Exchange one = exchange(true, true);
    desk.deliver(engine::GenerationFailed{first, {code, "No."}});
    const auto reply = one.refused();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(Json::parse(reply->body)["error"]["message"], "No.");
  }
}

TEST_F(ExchangeTest, WhatBreaksOffIsSaidOrSeen) {
  Exchange stream = exchange(true, true);
  say("Hel");
  EXPECT_FALSE(stream.refused());
  desk.deliver(engine::GenerationFailed{first, {ErrorCode::device_lost, "The device is gone."}});
  EXPECT_TRUE(stream.write(wire));
  EXPECT_EQ(data(events(wire.text).back())["error"]["message"], "The device is gone.");
  wire.text.clear();
  Exchange whole = exchange(true, false);
  say("Hel");
  EXPECT_FALSE(whole.refused());
  desk.deliver(engine::GenerationFailed{first, {ErrorCode::device_lost, "The device is gone."}});
  EXPECT_FALSE(whole.write(wire)) << "cut off";
  EXPECT_EQ(wire.text, "");
  EXPECT_TRUE(lines.empty());
}

TEST_F(ExchangeTest, WhatTakesLongEnoughIsCutOnceALineHasEnded) {
  // An engine that ends what is stopped.
  std::vector<std::uint64_t> stopped;
  ServerDesk listening(
      [&](const engine::Command& command) {
        const auto* stop = std::get_if<engine::Stop>(&command);
        if (stop == nullptr) return;
        stopped.push_back(stop->id);
        listening.deliver(engine::GenerationDone{stop->id, {.n_tokens = 4, .stop_reason = engine::StopReason::cancelled}});
      },
      {});
  listening.accept(true);
  ApiRequest request;
  request.prompt = engine::Infill{"a", "b"};
  request.most_seconds = 1e-9;
  auto call = listening.ask(std::vector<engine::Generate>(1));
  const std::uint64_t id = call->first();
  Exchange one({ReplyShape::infill, "id-1", 5, "tiny"}, request, std::move(call), {});
  for (const char* piece : {"no line", " yet", "\n", "more"}) listening.deliver(engine::TextPiece{id, piece, {}, 0, 0});
  EXPECT_FALSE(one.refused());
  EXPECT_TRUE(one.write(wire));
  EXPECT_EQ(stopped, std::vector<std::uint64_t>{id});
  const Json reply = Json::parse(wire.text);
  EXPECT_EQ(reply["content"], "no line yet\nmore");
  EXPECT_EQ(reply["stop_type"], "limit");
}

TEST_F(ExchangeTest, WhoHasGoneGetsNothing) {
  Exchange one = exchange(true, true);
  say("Hel");
  EXPECT_FALSE(one.refused());
  wire.gone_ = true;
  EXPECT_FALSE(one.write(wire));
  wire.gone_ = false;
  Exchange whole = exchange(true, false);
  desk.deliver(engine::GenerationStarted{first, 10, 4});
  EXPECT_FALSE(whole.refused());
  wire.gone_ = true;
  EXPECT_FALSE(whole.write(wire)) << "though nothing was to be sent yet";
}

}  // namespace
}  // namespace foreword::app
