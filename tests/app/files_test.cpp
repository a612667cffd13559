// Files that the user hands over: whatever they are, reading them ends with their bytes or a sentence.

#include "app/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace foreword::app {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "foreword-files-XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(folder); }
  static ErrorCode refusal(const Result<std::string>& read) { return read ? ErrorCode::cancelled : read.error().code; }
  std::filesystem::path folder;
};

TEST_F(FilesTest, AreReadToTheirEnd) {
  std::string text(700'001, 'x');
  text[300'000] = '\0';
  std::ofstream(folder / "a.txt", std::ios::binary) << text;
  EXPECT_EQ(*read_file(folder / "a.txt", text.size(), Readable::regular), text);
  EXPECT_EQ(refusal(read_file(folder / "a.txt", text.size() - 1)), ErrorCode::unsupported);
  EXPECT_EQ(refusal(read_file(folder / "none.txt")), ErrorCode::not_found);
  EXPECT_EQ(refusal(read_file(folder)), ErrorCode::io);
}

TEST_F(FilesTest, AReadThatFailsIsASentence) {
  const auto read = read_file("/proc/self/mem");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::io);
  EXPECT_NE(read.error().message.find("/proc/self/mem cannot be read: "), std::string::npos) << read.error().message;
}

TEST_F(FilesTest, TheLimitHoldsForFilesThatDoNotSayHowLongTheyAre) {
  EXPECT_EQ(refusal(read_file("/proc/self/maps", 100)), ErrorCode::unsupported);
  EXPECT_EQ(refusal(read_file("/dev/zero", 1 << 20)), ErrorCode::unsupported);
}

TEST_F(FilesTest, APipeKeepsNobodyWaitingWhereOnlyFilesAreWanted) {
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(refusal(read_file(folder / "pipe", 100, Readable::regular)), ErrorCode::unsupported);
  EXPECT_EQ(refusal(read_file("/dev/null", 100, Readable::regular)), ErrorCode::unsupported);
  EXPECT_EQ(*read_file("/dev/null", 100), "");
}

}  // namespace
}  // namespace foreword::app
