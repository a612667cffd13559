#include "storage/backups.h"

#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class BackupsTest : public StoreTest {
 protected:
  static constexpr std::int64_t kDay = 24LL * 3600 * 1000;
};

TEST_F(BackupsTest, D43_one_copy_a_day_and_the_newest_seven_are_kept) {
  auto store = open();
  const std::int64_t start = 1'700'000'000'000;  // 2023-11-14
  EXPECT_EQ(daily_backup(file(), start).filename(), "foreword-2023-11-14.db");
  for (int day = 0; day < 10; ++day) {
    must(store->create_chat({std::to_string(day)}));
    EXPECT_TRUE(must(back_up_daily(store->database(), start + day * kDay)));
    EXPECT_FALSE(must(back_up_daily(store->database(), start + day * kDay + 1000)));
  }
  for (int day = 0; day < 10; ++day) {
    EXPECT_EQ(std::filesystem::exists(daily_backup(file(), start + day * kDay)), day >= 10 - kBackupsKept) << day;
  }
  auto copy = must(ChatStore::open(daily_backup(file(), start + 5 * kDay)));
  EXPECT_EQ(must(copy->chats()).size(), 6u);
}

TEST_F(BackupsTest, D43_what_we_did_not_make_is_not_ours) {
  auto store = open();
  const std::int64_t start = 1'700'000'000'000;
  must(back_up_daily(store->database(), start));
  const auto stray = daily_backup(file(), start).parent_path() / "my own notes.db";
  std::filesystem::create_directory(stray);
  for (int day = 1; day < 9; ++day) must(back_up_daily(store->database(), start + day * kDay));
  EXPECT_TRUE(std::filesystem::exists(stray));
  EXPECT_FALSE(std::filesystem::exists(daily_backup(file(), start)));
}

}  // namespace
}  // namespace foreword::storage
