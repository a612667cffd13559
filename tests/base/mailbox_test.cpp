#include "engine/base/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <atomic>
#include <thread>
#include <vector>

namespace foreword {
namespace {

TEST(Mailbox, FirstInFirstOut) {
  Mailbox<int> box;
  EXPECT_FALSE(box.try_take());
  box.push(1);
  box.push(2);
  EXPECT_EQ(box.try_take(), 1);
  EXPECT_EQ(box.take(), 2);
  EXPECT_FALSE(box.take_until(std::chrono::steady_clock::now()));
}

TEST(Mailbox, CloseGivesWhatIsLeftThenNothing) {
  Mailbox<int> box;
  box.push(1);
  box.close();
  EXPECT_TRUE(box.closed());
  box.push(2);
  EXPECT_EQ(box.take(), 1);
  EXPECT_FALSE(box.take());
}

TEST(Mailbox, CarriesMoveOnlyLettersAndTellsOfEachPush) {
  int pushes = 0;
  Mailbox<std::unique_ptr<int>> box([&pushes] { ++pushes; });
  box.push(std::make_unique<int>(5));
  EXPECT_EQ(pushes, 1);
  EXPECT_EQ(**box.take(), 5);
}

TEST(Mailbox, ManyThreadsLoseNothing) {
  constexpr int kThreads = 4, kLetters = 5000;
  Mailbox<int> box;
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&box, t] {
      for (int i = 0; i < kLetters; ++i) box.push(t * kLetters + i);
    });
  }
  std::vector<int> last(kThreads, -1);
  for (int n = 0; n < kThreads * kLetters; ++n) {
    const int letter = *box.take();
    EXPECT_GT(letter % kLetters, last[static_cast<std::size_t>(letter / kLetters)]) << "a sender's order is kept";
    last[static_cast<std::size_t>(letter / kLetters)] = letter % kLetters;
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_FALSE(box.try_take());
}

TEST(Mailbox, WhoSendsFasterThanIsTakenWaitsForRoom) {
  Mailbox<int> mailbox;
  std::atomic<int> n_sent = 0;
  std::thread sender([&] {
    for (int i = 0; i < 1000; ++i) {
      mailbox.push(i);
      ++n_sent;
      mailbox.wait_for_room(3);
    }
    mailbox.close();
  });
  int n = 0;
  while (auto letter = mailbox.take()) {
    EXPECT_LE(n_sent - n, 4) << "those that lie there, and the one that was just taken";
    EXPECT_EQ(*letter, n++);
  }
  sender.join();
  EXPECT_EQ(n, 1000);
  mailbox.wait_for_room(0);  // closed: at once
}

TEST(Mailbox, CloseWakesAWaitingTaker) {
  Mailbox<int> box;
  std::thread taker([&box] { EXPECT_FALSE(box.take()); });
  box.close();
  taker.join();
}

}  // namespace
}  // namespace foreword
