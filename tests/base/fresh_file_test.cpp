#include "engine/base/fresh_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "tests/support/fixtures.h"

namespace foreword {
namespace {

namespace fs = std::filesystem;

class FreshFileTest : public testing::Test {
 protected:
  test::TempDir own_;
  const fs::path& folder_ = own_.path();
};

TEST_F(FreshFileTest, TakesThePlaceOfTheOldOneWhenItIsFinished) {
  const fs::path path = folder_ / "result";
  std::ofstream(path) << "old";
  std::ofstream(folder_ / "result.partial") << "somebody's own";
  {
    const auto file = FreshFile::begin(path);
    ASSERT_TRUE(file);
    (*file)->out() << "new " << 1 << '\0';
    EXPECT_EQ(test::read_text(path), "old");
    ASSERT_TRUE((*file)->finish());
  }
  EXPECT_EQ(test::read_text(path), std::string("new 1\0", 6));
  EXPECT_EQ(test::read_text(folder_ / "result.partial"), "somebody's own");
  EXPECT_EQ(test::n_entries(folder_), 2U);
}

TEST_F(FreshFileTest, TwoOfOneNameAreBothWhole) {
  const fs::path path = folder_ / "result";
  const auto one = FreshFile::begin(path), other = FreshFile::begin(path);
  ASSERT_TRUE(one && other);
  (*one)->out() << "one";
  (*other)->out() << "other";
  ASSERT_TRUE((*one)->finish());
  EXPECT_EQ(test::read_text(path), "one");
  ASSERT_TRUE((*other)->finish());
  EXPECT_EQ(test::read_text(path), "other");
}

TEST_F(FreshFileTest, WhatIsNotFinishedLeavesNothing) {
  ASSERT_TRUE(FreshFile::begin(folder_ / "result"));
  EXPECT_EQ(test::n_entries(folder_), 0U);
}

TEST_F(FreshFileTest, NothingIsLeftByASignalThatEndsTheProgram) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto file = FreshFile::begin(folder_ / "result");
      (*file)->out() << "half";
      std::raise(number);
      _exit(99);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << status;
    EXPECT_EQ(test::n_entries(folder_), 0U);
  }
}

TEST_F(FreshFileTest, FoldersDevicesAndPipesAreRefusedAndStay) {
  const fs::path pipe = folder_ / "pipe", link = folder_ / "link";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("/dev/full", link);
  for (const fs::path& path : {pipe, link, folder_}) {
    const auto refused = FreshFile::begin(path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(fs::is_fifo(pipe) && fs::is_symlink(link));
  EXPECT_EQ(test::n_entries(folder_), 2U);
}

}  // namespace
}  // namespace foreword
