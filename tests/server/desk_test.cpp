// The desk between HTTP's threads and the engine: who gets which event, and what is stopped.

#include "app/server/desk.h"

#include <gtest/gtest.h>

#include <thread>

namespace foreword::app {
namespace {

using engine::Command;
using engine::Event;

constexpr std::chrono::milliseconds kLong{60'000}, kNow{0};

class ServerDeskTest : public ::testing::Test {
 protected:
  ServerDeskTest() { desk.accept(true); }
  std::uint64_t sent() {
    const auto command = to_engine.take();
    EXPECT_TRUE(std::get<engine::Generate>(*command).for_others);
    return std::get<engine::Generate>(*command).id;
  }
  static engine::ModelSummary named(const std::string& name) {
    engine::ModelSummary model;
    model.name = name;
    return model;
  }

  Mailbox<Command> to_engine;
  Mailbox<int> running;
  ServerDesk desk{[this](Command command) { to_engine.push(std::move(command)); }, {.for_others = true, .awaits_model = true, .on_running = [this](int n) { running.push(n); }}};
};

TEST_F(ServerDeskTest, EveryCallGetsItsOwn) {
  const auto one = desk.ask(std::vector<engine::Generate>(1)), two = desk.ask(std::vector<engine::Generate>(2));
  EXPECT_EQ(one->first(), sent());
  EXPECT_EQ(two->first(), sent());
  EXPECT_EQ(two->first() + 1, sent());
  EXPECT_GE(one->first(), kFirstServerRequest);
  desk.deliver(engine::TextPiece{7, "the window's", {}, 0, 0});
  desk.deliver(engine::TextPiece{two->first() + 1, "b", {}, 0, 0});
  desk.deliver(engine::TextPiece{one->first(), "a", {}, 0, 0});
  EXPECT_EQ(std::get<engine::TextPiece>(*one->next(kLong)).text, "a");
  EXPECT_EQ(std::get<engine::TextPiece>(*two->next(kLong)).text, "b");
  EXPECT_FALSE(one->next(kNow));
  EXPECT_FALSE(one->over());
}

TEST_F(ServerDeskTest, WhoHangsUpIsStopped) {
  std::uint64_t first = 0;
  {
    const auto call = desk.ask(std::vector<engine::Generate>(2));
    first = call->first();
    sent(), sent();
    desk.deliver(engine::GenerationDone{first, {}});
    EXPECT_TRUE(std::holds_alternative<engine::GenerationDone>(*call->next(kLong)));
  }
  EXPECT_EQ(std::get<engine::Stop>(*to_engine.take()).id, first + 1);
  desk.deliver(engine::TextPiece{first + 1, "too late", {}, 0, 0});
  const auto next = desk.ask(std::vector<engine::Generate>(1));
  EXPECT_EQ(sent(), next->first()) << "and nothing between";
}

TEST_F(ServerDeskTest, TheModelIsWaitedFor) {
  Mailbox<Result<engine::ModelSummary>> told;
  std::thread asks([&] { told.push(desk.model()); });
  desk.deliver(engine::ModelLoading{});
  desk.deliver(engine::ModelReady{named("one")});
  EXPECT_EQ((*told.take())->name, "one");
  asks.join();
  EXPECT_EQ(desk.model()->name, "one");
  desk.deliver(engine::ModelFailed{{}, {ErrorCode::io, "gone"}, true});
  EXPECT_EQ(desk.model()->name, "one") << "the old one is kept";
  desk.deliver(engine::ModelFailed{{}, {ErrorCode::io, "gone"}});
  EXPECT_EQ(desk.model().error().message, "gone");
  desk.deliver(engine::ModelUnloaded{});
  EXPECT_EQ(desk.model().error().code, ErrorCode::not_found);
}

TEST(ServerDeskWithoutAModel, SaysSo) {
  ServerDesk desk([](const Command&) {}, {});
  desk.accept(true);
  EXPECT_EQ(desk.model().error().code, ErrorCode::not_found);
}

TEST_F(ServerDeskTest, ItTellsHowManyRun) {
  const auto two = desk.ask(std::vector<engine::Generate>(2));
  EXPECT_EQ(running.take(), 2);
  desk.deliver(engine::GenerationFailed{two->first(), {}});
  EXPECT_EQ(running.take(), 1);
  desk.accept(false);
  EXPECT_EQ(running.take(), 0);
}

TEST_F(ServerDeskTest, WhileItIsOffNothingRuns) {
  const auto runs = desk.ask(std::vector<engine::Generate>(1));
  sent();
  desk.accept(false);
  EXPECT_TRUE(!runs->next(kLong) && runs->over());
  EXPECT_EQ(std::get<engine::Stop>(*to_engine.take()).id, runs->first());
  const auto late = desk.ask(std::vector<engine::Generate>(1));
  EXPECT_TRUE(!late->next(kLong) && late->over());
  EXPECT_EQ(desk.model().error().code, ErrorCode::cancelled);
  desk.deliver(engine::ModelReady{named("one")});
  desk.accept(true);
  EXPECT_EQ(desk.model()->name, "one") << "what was opened meanwhile is known";
  const auto again = desk.ask(std::vector<engine::Generate>(1));
  EXPECT_EQ(sent(), again->first());
}

TEST_F(ServerDeskTest, ItsEndEndsAll) {
  const auto runs = desk.ask(std::vector<engine::Generate>(1));
  sent();
  Mailbox<Result<engine::ModelSummary>> told;
  std::thread asks([&] { told.push(desk.model()); });
  desk.close();
  EXPECT_EQ((*told.take()).error().code, ErrorCode::cancelled);
  asks.join();
  EXPECT_FALSE(runs->next(kLong));
  EXPECT_TRUE(runs->over());
  EXPECT_EQ(std::get<engine::Stop>(*to_engine.take()).id, runs->first());
  const auto late = desk.ask(std::vector<engine::Generate>(1));
  EXPECT_FALSE(late->next(kLong));
  EXPECT_EQ(desk.model().error().code, ErrorCode::cancelled);
  desk.deliver(engine::ModelReady{});
  EXPECT_FALSE(to_engine.try_take());
}

}  // namespace
}  // namespace foreword::app
