// In which order the hub's desk downloads. What is ordered here is no name of a model, so that each ends before anything could be asked.

#include "app/hub_desk.h"

#include <gtest/gtest.h>

#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

class HubDeskTest : public ::testing::Test {
 protected:
  void order(std::int64_t id) {
    desk.get({.id = id, .target = "no name", .on_progress = [](const GetProgress&) {}, .on_note = [](const std::string&) {}, .on_end = [this, id](const Result<std::filesystem::path>& end) {
                ended.push_back(id);
                cancelled.push_back(end.error().code == ErrorCode::cancelled);
              }});
  }
  void carry(std::size_t n) {
    while (ended.size() < n) (*outbox.take())();
  }

  foreword::test::TempDir folder;
  Mailbox<Afterwards> outbox;
  std::vector<std::int64_t> ended;
  std::vector<bool> cancelled;
  int n_asked = 0;
  HubDesk desk{folder.path(), Ledger(folder.path() / "network.jsonl"), outbox, [this](const Asked&, const std::string&) { ++n_asked; }};
};

TEST_F(HubDeskTest, OneAfterAnotherAndOneThatWaitsCanBeNext) {
  for (const std::int64_t id : {1, 2, 3, 4}) order(id);
  desk.next(4);
  desk.next(1);  // has begun
  desk.next(9);
  carry(4);
  EXPECT_EQ(ended, (std::vector<std::int64_t>{1, 4, 2, 3}));
  order(5);
  carry(5);
  EXPECT_EQ(ended.back(), 5);
  EXPECT_EQ(n_asked, 0);
}

TEST_F(HubDeskTest, OneThatWaitsIsGivenUpAndTheRestGoesOn) {
  for (const std::int64_t id : {1, 2, 3}) order(id);
  desk.stop(2);
  desk.stop(9);
  carry(3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(cancelled[i], ended[i] == 2) << ended[i];
}

}  // namespace
}  // namespace foreword::app
