#include "storage/desk.h"

#include <fstream>
#include <thread>

#include "storage/backups.h"
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class DeskTest : public StoreTest {
 protected:
  /// Waits for the next event, which must be of this kind.
  template <class Letter>
  Letter next() {
    std::optional<Event> event = events_.take();
    if (const auto* failed = std::get_if<event::Failed>(&*event)) {
      if constexpr (!std::is_same_v<Letter, event::Failed>) throw std::runtime_error(failed->error.message);
    }
    return std::get<Letter>(*std::move(event));
  }

  Mailbox<Event> events_;
  EventSink sink_ = [this](Event event) { events_.push(std::move(event)); };
};

TEST_F(DeskTest, serves_many_threads_and_saves_everything_before_it_ends) {
  constexpr int kThreads = 4, kAnswers = 10, kPieces = 50;
  {
    StorageDesk desk(file(), sink_);
    next<event::Opened>();
    desk.send(command::CreateChat{1, {"chat"}});
    const Id chat = next<event::ChatSaved>().chat.id;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&desk, chat, t] {
        for (int a = 0; a < kAnswers; ++a) {
          const Request request = 1000u + static_cast<Request>(t * kAnswers + a);
          desk.send(command::BeginAnswer{request, answer(chat, 0)});
          for (int p = 0; p < kPieces; ++p) desk.send(command::AppendText{request, "piece ", ""});
          if (a % 2 == 0) desk.send(command::FinishAnswer{request, {}});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  int n_complete = 0, n_interrupted = 0;
  events_.close();
  while (std::optional<Event> event = events_.take()) {
    const auto& saved = std::get<event::MessageSaved>(*event);
    n_complete += saved.message.status == Status::complete;
    n_interrupted += saved.message.status == Status::interrupted;
  }
  EXPECT_EQ(n_complete, kThreads * kAnswers / 2);
  EXPECT_EQ(n_interrupted, kThreads * kAnswers / 2);
  auto store = open();
  std::string whole;
  for (int p = 0; p < kPieces; ++p) whole += "piece ";
  const auto messages = must(store->children(must(store->chats()).at(0).id, 0));
  ASSERT_EQ(messages.size(), static_cast<std::size_t>(kThreads * kAnswers));
  for (const Message& message : messages) EXPECT_EQ(message.content, whole);
}

TEST_F(DeskTest, D43_even_a_short_run_leaves_the_days_copy) {
  const std::int64_t before = system_milliseconds();
  {
    StorageDesk desk(file(), sink_);
    next<event::Opened>();
    desk.send(command::CreateChat{1, {"chat"}});
    next<event::ChatSaved>();
  }
  std::filesystem::path copy = daily_backup(file(), before);
  if (!std::filesystem::exists(copy)) copy = daily_backup(file(), system_milliseconds());  // midnight came between
  auto store = must(ChatStore::open(copy));
  EXPECT_EQ(must(store->chats()).at(0).title, "chat");
}

TEST_F(DeskTest, says_why_it_cannot_open_and_answers_all_the_same) {
  StorageDesk desk("/proc/foreword/foreword.db", sink_);
  EXPECT_EQ(next<event::OpenFailed>().error.code, ErrorCode::io);
  desk.send(command::ListChats{5});
  const auto failed = next<event::Failed>();
  EXPECT_EQ(failed.request, 5u);
  EXPECT_FALSE(failed.kept);
}

TEST_F(DeskTest, opens_later_what_cannot_be_opened_now) {
  const auto in_the_way = folder_.path() / "folder";
  std::ofstream(in_the_way) << "no folder";
  StorageDesk desk(in_the_way / "foreword.db", sink_);
  EXPECT_EQ(next<event::OpenFailed>().error.code, ErrorCode::io);
  desk.send(command::ListChats{5});
  EXPECT_EQ(next<event::Failed>().request, 5u);
  std::filesystem::remove(in_the_way);
  next<event::Opened>();
  desk.send(command::CreateChat{6, {"chat"}});
  EXPECT_EQ(next<event::ChatSaved>().chat.title, "chat");
}

TEST_F(DeskTest, writes_a_growing_answer_by_itself) {
  StorageDesk desk(file(), sink_);
  next<event::Opened>();
  desk.send(command::CreateChat{1, {"chat"}});
  const Id chat = next<event::ChatSaved>().chat.id;
  desk.send(command::BeginAnswer{2, answer(chat, 0)});
  const Id id = next<event::MessageSaved>().message.id;
  desk.send(command::AppendText{2, "alone", ""});
  auto reader = open();  // a second program looks on until the text is there
  while (must(reader->message(id)).content != "alone") std::this_thread::yield();
  EXPECT_EQ(must(reader->message(id)).status, Status::streaming);
}

}  // namespace
}  // namespace foreword::storage
