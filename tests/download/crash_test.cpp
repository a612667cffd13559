// Whatever the disk does, and whenever the process dies, the file is right or has not got its name.

#include "app/download/download.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "tests/download/download_fixture.h"

namespace foreword::app::test {
namespace {

class DownloadCrashTest : public DownloadFixture {};

TEST_F(DownloadCrashTest, DiesAtEveryByteAndGoesOn) {
  for (std::size_t n = 0; n <= kBytes; ++n) {
    die_after(n, wanted());
    ASSERT_FALSE(fs::exists(target())) << n;
    ASSERT_EQ(fs::file_size(part()), n);
    web.requests.clear();
    web.usual = file(bytes, 7);
    expect_right(load(wanted()));
    ASSERT_EQ(web.requests.empty(), n == kBytes);
    if (n < kBytes) {
      ASSERT_EQ(range(web.requests[0]), n == 0 ? "" : "bytes=" + std::to_string(n) + "-");
    }
    ASSERT_TRUE(notes.empty()) << notes[0];
    fs::remove(target());
  }
}

TEST_F(DownloadCrashTest, DiesAtEveryChangeOfTheDiskAndGoesOn) {
  for (int at = 0;; ++at) {
    const pid_t child = fork();
    if (child == 0) {
      const auto files = load(wanted(), [left = at](const char*) mutable { return left-- == 0 ? _exit(kDied), 0 : 0; });
      _exit(files ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WEXITSTATUS(status) == 0) {
      EXPECT_GT(at, 30);
      break;
    }
    ASSERT_EQ(WEXITSTATUS(status), kDied);
    ASSERT_TRUE(!fs::exists(target()) || foreword::test::read_text(target()) == bytes);
    const auto files = load(wanted());
    ASSERT_TRUE(files) << at << files.error().message;
    ASSERT_EQ(foreword::test::read_text(target()), bytes);
    ASSERT_FALSE(fs::exists(part()));
    fs::remove_all(folder.path() / "o");
  }
}

TEST_F(DownloadCrashTest, FailsAtEveryChangeOfTheDiskWithASentence) {
  for (const int why : {ENOSPC, EIO}) {
    for (int at = 0;; ++at) {
      bool failed = false;
      std::string what;
      const auto files = load(wanted(), [&, left = at](const char* change) mutable { return left-- == 0 ? failed = true, what = change, why : 0; });
      if (!failed) break;
      if (what == "end") continue;  // the file is there
      ASSERT_FALSE(files) << what;
      ASSERT_EQ(files.error().code, ErrorCode::io);
      ASSERT_NE(files.error().message.find(why == ENOSPC ? "left" : "cannot be written"), std::string::npos) << files.error().message;
      const auto again = load(wanted());
      ASSERT_TRUE(again) << what << again.error().message;
      ASSERT_EQ(foreword::test::read_text(target()), bytes);
      fs::remove_all(folder.path() / "o");
    }
  }
}

TEST_F(DownloadCrashTest, AFullDiskIsSaidBeforeTheFirstByte) {
  DownloadFile file = wanted();
  file.bytes = std::int64_t{1} << 60;
  const auto files = load(file);
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().message.find("needs 1152921504.6 GB more"), std::string::npos) << files.error().message;
  EXPECT_TRUE(web.requests.empty());
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadCrashTest, AFullDiskIsSaidBeforeTheFirstOfSeveralFiles) {
  DownloadFile large = wanted();
  large.name = "large.gguf", large.bytes = std::int64_t{1} << 60;
  Client client(web, {.endpoint = *parse_url("https://hub.example")}, time.surroundings());
  Download download(client, {.folder = folder.path() / "o/r", .files = {wanted(), large}, .repo = "o/r"}, {});
  EXPECT_NE(download.run().error().message.find("o/r needs 1152921504.6 GB more"), std::string::npos);
  EXPECT_TRUE(web.requests.empty());
}

TEST_F(DownloadCrashTest, AFullDiskIsSaidOnceTheServerTellsTheLength) {
  web.usual = says(200, {{"content-length", "1152921504606846976"}}, "never written");
  const auto files = load(of_another_host());
  EXPECT_NE(files.error().message.find("m.gguf needs 1152921504.6 GB more"), std::string::npos) << files.error().message;
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadCrashTest, OnlyWhatIsMissingNeedsRoom) {
  EXPECT_EQ(missing_bytes(target(), 5000), 5000);
  fs::create_directories(part().parent_path());
  std::ofstream(part()) << some_bytes(5000);
  EXPECT_LE(missing_bytes(target(), 50'000), 45'000);
  EXPECT_GE(missing_bytes(target(), 50'000), 50'000 - 8192);
  EXPECT_EQ(missing_bytes(target(), 5000), 0);
  fs::rename(part(), target());
  EXPECT_EQ(missing_bytes(target(), 5000), 0);
}

TEST_F(DownloadCrashTest, AWrongPartIsLoadedAnewOnce) {
  die_after(100, wanted());
  {
    std::fstream change(part(), std::ios::in | std::ios::out | std::ios::binary);
    change.seekp(50).put(static_cast<char>(bytes[50] ^ 1));
  }
  expect_right(load(wanted()));
  ASSERT_EQ(web.requests.size(), 2u);
  EXPECT_EQ(range(web.requests[0]), "bytes=100-");
  EXPECT_EQ(range(web.requests[1]), "");
  EXPECT_EQ(notes.size(), 1u);
}

TEST_F(DownloadCrashTest, OneAtATime) {
  fs::create_directories(target().parent_path());
  const auto first = PartFile::open(target(), web, {});
  ASSERT_TRUE(first);
  const auto files = load(wanted());
  EXPECT_EQ(files.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(files.error().message.find("already"), std::string::npos);
}

TEST_F(DownloadCrashTest, APowerCutLosesWhatWasNotSynced) {
  die_after(100, wanted());
  const fs::path state = part().string() + ".json";
  std::string text = foreword::test::read_text(state);
  const std::size_t start = text.find("\"start\":\"");
  ASSERT_NE(start, std::string::npos);
  text[start + 9] = text[start + 9] == 'x' ? 'y' : 'x';
  std::ofstream(state) << text;
  expect_right(load(wanted()));
  EXPECT_EQ(range(web.requests.at(0)), "") << "another start of the computer: nothing was synced yet";
}

TEST_F(DownloadCrashTest, AfterAPowerCutWhatWasSyncedIsGoneOnWith) {
  constexpr std::size_t kPiece = 1 << 20;
  bytes = some_bytes(kSyncBytes + 3 * kPiece);
  die_after(kSyncBytes + 2 * kPiece, wanted(), kPiece);
  const fs::path state = part().string() + ".json";
  std::string text = foreword::test::read_text(state);
  text.replace(text.find("\"start\":\"") + 9, 1, "-");
  std::ofstream(state) << text;
  web.usual = file(bytes, kPiece);
  expect_right(load(wanted()));
  EXPECT_EQ(range(web.requests.at(0)), "bytes=" + std::to_string(kSyncBytes) + "-");
}

TEST_F(DownloadCrashTest, AnyState) {
  for (const std::string text : {"", "{", "[]", "{\"size\":-5}", "{\"size\":1e999}", "{\"size\":\"x\",\"digest\":7,\"url\":[]}", "null"}) {
    die_after(100, wanted());
    std::ofstream(part().string() + ".json") << text;
    expect_right(load(wanted()));
    EXPECT_EQ(range(web.requests.at(0)), "");
    web.requests.clear();
    fs::remove(target());
  }
}

}  // namespace
}  // namespace foreword::app::test
