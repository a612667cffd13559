// Programs that die, and programs that share: real processes on one database.
#include <array>
#include <map>
#include <sstream>
#include <thread>

#include "storage/clerk.h"
#include "tests/storage/child.h"
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

using std::chrono::milliseconds;

constexpr int kPieces = 8;  // of an answer

std::string piece(Request request, int i) {
  return "piece " + std::to_string(i) + " of answer " + std::to_string(request) + ", 世界 👋 " +
         std::string(static_cast<std::size_t>(200 * (i % 3)), 'x') + "\n";
}
std::string pieces(Request request, int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += piece(request, i);
  return text;
}

class CrashTest : public StoreTest {};

// Answers follow each other for ever; the clerk's clock advances 300 ms a piece. Reports "begun ID REQUEST",
// "flushed ID PIECES" after a write of unfinished text, "done ID REQUEST".
TEST(CrashChild, DISABLED_streams_until_killed) {
  ASSERT_TRUE(child_argument());
  auto store = must(ChatStore::open(*child_argument()));
  const Id chat = must(store->create_chat({"crash"})).id;
  Id id = 0;
  EventSink sink = [&id](Event event) {
    if (const auto* saved = std::get_if<event::MessageSaved>(&event)) {
      id = saved->message.id;
      const char* what = saved->message.status == Status::streaming ? "begun " : "done ";
      Child::report(what + std::to_string(id) + " " + std::to_string(saved->request));
    }
  };
  Clerk clerk(*store, sink);
  Moment now{};
  NewMessage message;
  message.chat_id = chat;
  message.role = Role::assistant;
  for (Request request = 1;; ++request) {
    message.parent_id = id;
    clerk.handle(command::BeginAnswer{request, message}, now);
    for (int i = 0; i < kPieces; ++i) {
      clerk.handle(command::AppendText{request, piece(request, i), "thought"}, now);
      now += milliseconds(300);
      clerk.tick(now);
      if (!clerk.next_due()) Child::report("flushed " + std::to_string(id) + " " + std::to_string(i + 1));
    }
    clerk.handle(command::FinishAnswer{request, {}}, now);
  }
}

TEST_F(CrashTest, D34_D39_kill_9_at_any_moment_loses_no_finished_message) {
  int n_interrupted = 0;
  for (int lines = 1; lines <= 60; ++lines) {
    SCOPED_TRACE("killed after line " + std::to_string(lines) + " of the report");
    const auto path = folder_.path() / (std::to_string(lines) + ".db");
    std::map<Id, Request> done, begun;
    std::map<Id, int> flushed;
    {
      Child child("CrashChild.DISABLED_streams_until_killed", path);
      const auto read_line = [&] {
        const auto line = child.next_line();
        if (!line) return false;
        std::istringstream words(*line);
        std::string what;
        Id id = 0;
        int number = 0;
        words >> what >> id >> number;
        if (what == "done") done[id] = static_cast<Request>(number);
        if (what == "begun") begun[id] = static_cast<Request>(number);
        if (what == "flushed") flushed[id] = number;
        return true;
      };
      for (int i = 0; i < lines; ++i) ASSERT_TRUE(read_line()) << "the child ended by itself";
      child.kill_now();
      while (read_line()) {
      }
    }
    auto store = must(ChatStore::open(path));
    n_interrupted += static_cast<int>(store->n_interrupted());
    EXPECT_LE(store->n_interrupted(), 1);
    must(store->database().check_integrity());
    for (const auto& [id, request] : done) {
      const Message message = must(store->message(id));
      EXPECT_EQ(message.status, Status::complete);
      EXPECT_EQ(message.content, pieces(request, kPieces));
    }
    for (const auto& [id, request] : begun) {
      const Message message = must(store->message(id));
      EXPECT_NE(message.status, Status::streaming);
      EXPECT_GE(message.content.size(), pieces(request, flushed[id]).size());
      EXPECT_EQ(message.content, pieces(request, kPieces).substr(0, message.content.size()));
    }
    const Id last = begun.empty() ? 0 : begun.rbegin()->first;
    if (last != 0 && must(store->message(last)).status == Status::interrupted) must(store->resume(last));
  }
  EXPECT_GT(n_interrupted, 10) << "many kills should hit an answer in the middle";
}

TEST(CrashChild, DISABLED_begins_an_answer_and_waits) {
  ASSERT_TRUE(child_argument());
  auto store = must(ChatStore::open(*child_argument()));
  NewMessage message;
  message.chat_id = must(store->create_chat({"theirs"})).id;
  message.status = Status::streaming;
  Child::report(std::to_string(must(store->append(message)).id));
  pause();
}

TEST_F(CrashTest, a_live_programs_answer_is_left_alone) {
  auto store = open();
  const Id chat = must(store->create_chat({"mine"})).id;
  const Id mine = must(store->append(answer(chat, 0))).id;
  Id theirs = 0;
  {
    Child child("CrashChild.DISABLED_begins_an_answer_and_waits", file());
    theirs = std::stoll(child.next_line().value());
    auto third = open();
    EXPECT_EQ(third->n_interrupted(), 0);
    EXPECT_EQ(third->update_text(mine, "not yours", "").error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(third->finish(mine, "not yours", "", {}).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(must(store->message(mine)).status, Status::streaming);
    EXPECT_EQ(must(store->message(theirs)).status, Status::streaming);
    child.kill_now();
  }
  auto third = open();
  EXPECT_EQ(third->n_interrupted(), 1);
  EXPECT_EQ(must(third->message(theirs)).status, Status::interrupted);
  EXPECT_EQ(must(third->message(mine)).status, Status::streaming);
  must(store->finish(mine, "done", "", {}));
  EXPECT_EQ(must(third->message(mine)).content, "done");
}

TEST_F(CrashTest, closing_a_store_interrupts_its_own_answers) {
  Id id = 0;
  {
    auto store = open();
    const Id chat = must(store->create_chat({})).id;
    id = must(store->append(answer(chat, 0))).id;
    must(store->update_text(id, "half", ""));
  }
  auto store = open();
  EXPECT_EQ(store->n_interrupted(), 0);
  EXPECT_EQ(must(store->message(id)).status, Status::interrupted);
  EXPECT_EQ(must(store->message(id)).content, "half");
}

TEST(CrashChild, DISABLED_adds_a_chat_with_50_messages) {
  ASSERT_TRUE(child_argument());
  auto store = must(ChatStore::open(*child_argument()));
  NewMessage message;
  message.chat_id = must(store->create_chat({"shared"})).id;
  for (int i = 0; i < 50; ++i) {
    message.content = "number " + std::to_string(i);
    message.parent_id = must(store->append(message)).id;
  }
}

TEST_F(CrashTest, programs_that_start_and_write_at_once_all_succeed) {
  {
    Child a("CrashChild.DISABLED_adds_a_chat_with_50_messages", file());
    Child b("CrashChild.DISABLED_adds_a_chat_with_50_messages", file());
    Child c("CrashChild.DISABLED_adds_a_chat_with_50_messages", file());
    EXPECT_EQ(a.wait(), 0);
    EXPECT_EQ(b.wait(), 0);
    EXPECT_EQ(c.wait(), 0);
  }
  auto store = open();
  const std::vector<Chat> chats = must(store->chats());
  ASSERT_EQ(chats.size(), 3u);
  for (const Chat& chat : chats) EXPECT_EQ(must(store->shown_path(chat.id)).size(), 50u);
  EXPECT_EQ(must(store->search("number 49", 10)).size(), 3u);
  must(store->database().check_integrity());
}

TEST_F(CrashTest, stores_that_open_a_new_file_at_once_all_succeed) {
  for (int round = 0; round < 10; ++round) {
    const auto path = folder_.path() / (std::to_string(round) + ".db");
    std::vector<std::thread> threads;
    std::array<std::string, 6> trouble;
    for (std::string& mine : trouble) {
      threads.emplace_back([&mine, &path] {
        const auto store = ChatStore::open(path);
        if (!store) mine = store.error().message;
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string& mine : trouble) EXPECT_EQ(mine, "");
  }
}

}  // namespace
}  // namespace foreword::storage
