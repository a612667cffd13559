#include "engine/base/cache_file.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/fixtures.h"

namespace foreword {
namespace {

namespace fs = std::filesystem;

class CacheFile : public testing::Test {
 protected:
  test::TempDir own_;
  fs::path folder_ = own_.path() / "cache";
};

TEST_F(CacheFile, TakesThePlaceOfTheOldOne) {
  const fs::path file = folder_ / "deep" / "cache";
  write_cache_file(file, std::string_view("a\0b", 3));
  EXPECT_EQ(test::read_text(file), std::string("a\0b", 3));
  write_cache_file(file, "new");
  EXPECT_EQ(test::read_text(file), "new");
}

TEST_F(CacheFile, IsWholeWhoeverWritesItMeanwhile) {
  const fs::path file = folder_ / "cache";
  constexpr std::size_t kSize = 200000;
  std::vector<std::thread> writers;
  for (const char c : {'a', 'b', 'c', 'd'}) {
    writers.emplace_back([&file, bytes = std::string(kSize, c)] {
      for (int i = 0; i < 20; ++i) write_cache_file(file, bytes);
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string bytes = test::read_text(file);
  ASSERT_EQ(bytes.size(), kSize);
  EXPECT_EQ(bytes, std::string(kSize, bytes[0]));
  EXPECT_EQ(test::n_entries(folder_), 1U) << "nothing is left behind";
}

TEST_F(CacheFile, LeavesWhatItCannotReplace) {
  fs::create_directories(folder_ / "cache" / "not empty");  // a folder: no file takes its place
  write_cache_file(folder_ / "cache", "new");
  EXPECT_TRUE(fs::is_directory(folder_ / "cache" / "not empty"));
  EXPECT_EQ(test::n_entries(folder_), 1U);
}

}  // namespace
}  // namespace foreword
