// Downloads: whatever happens on the way, and whenever the process dies, the file is right or has not got its name.

#include "app/download/download.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "tests/download/scripted_web.h"
#include "tests/support/fixtures.h"

namespace foreword::app::test {
namespace {

namespace fs = std::filesystem;

constexpr int kDied = 9;

std::string some_bytes(std::size_t n) {
  std::string bytes;
  for (std::uint32_t x = 1; bytes.size() < n; x = x * 1664525 + 1013904223) bytes += static_cast<char>(x >> 24);
  return bytes;
}

class DownloadTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kBytes = 211;

  DownloadTest() { web.usual = file(bytes, 7); }

  DownloadFile wanted() const {
    return {.url = *parse_url("https://hub.example/o/r/resolve/c/m.gguf"), .name = "m.gguf", .bytes = static_cast<std::int64_t>(bytes.size()), .digest = {DigestKind::sha256, FakeDigest::sha256(bytes)}};
  }
  DownloadFile of_another_host() const { return {.url = *parse_url("https://other.example/m.gguf"), .name = "m.gguf"}; }
  Result<std::vector<DownloadedFile>> load(DownloadFile file, DiskGate gate = {}) {
    notes.clear();
    Client client(web, {.endpoint = *parse_url("https://hub.example")}, time.surroundings());
    Download download(client, {.folder = folder.path() / "o/r", .files = {std::move(file)}, .repo = "o/r", .page = "https://hub.example/o/r"},
                      {.progress = [this](const DownloadProgress& p) { progress.push_back(p); }, .note = [this](const std::string& note) { notes.push_back(note); }}, std::move(gate));
    return download.run();
  }
  /// What the first `n` bytes leave behind when the process dies.
  void die_after(std::size_t n, const DownloadFile& file, std::size_t piece = 7) {
    const pid_t child = fork();
    if (child == 0) {
      web.usual = [&, sent = std::size_t{0}](const WebRequest& request, WebSink& sink) mutable {
        struct Dying : WebSink {
          WebSink& to;
          std::size_t left;
          Dying(WebSink& sink, std::size_t most) : to(sink), left(most) {}
          bool head(int status, const WebHeaders& headers) override {
            const bool more = to.head(status, headers);
            if (left == 0) _exit(kDied);
            return more;
          }
          bool body(std::string_view piece) override {
            const bool dies = piece.size() >= left;
            const bool more = to.body(piece.substr(0, left));
            if (dies) _exit(kDied);
            left -= piece.size();
            return more;
          }
          bool wanted() override { return true; }
        } dying(sink, n);
        return test::file(bytes, piece)(request, dying);
      };
      (void)load(file);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_EQ(WEXITSTATUS(status), n <= bytes.size() ? kDied : 0);
  }
  void expect_right(const Result<std::vector<DownloadedFile>>& files) {
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(foreword::test::read_text(target()), bytes);
    EXPECT_EQ(foreword::test::n_entries(target().parent_path()), 1u) << "nothing is left beside it";
  }
  fs::path target() const { return folder.path() / "o/r/m.gguf"; }
  fs::path part() const { return folder.path() / "o/r/m.gguf.part"; }
  static std::string range(const WebRequest& request) { return FakeWeb::header(request, "Range"); }

  foreword::test::TempDir folder;
  std::string bytes = some_bytes(kBytes);
  FakeWeb web;
  FakeTime time;
  std::vector<std::string> notes;
  std::vector<DownloadProgress> progress;
};

TEST_F(DownloadTest, Whole) {
  const auto files = load(wanted());
  expect_right(files);
  EXPECT_EQ(files->front().path, target());
  EXPECT_EQ(files->front().checked, DigestKind::sha256);
  EXPECT_FALSE(files->front().was_there);
  EXPECT_EQ(web.requests.size(), 1u);
  EXPECT_EQ(range(web.requests[0]), "");
  EXPECT_EQ(FakeWeb::header(web.requests[0], "Accept-Encoding"), "");
  EXPECT_EQ(progress.back().done, static_cast<std::int64_t>(kBytes));
  EXPECT_EQ(progress.back().total, static_cast<std::int64_t>(kBytes));
  EXPECT_TRUE(notes.empty());
}

TEST_F(DownloadTest, ByGitsDigest) {
  DownloadFile file = wanted();
  FakeDigest digest(40);
  digest.add("blob " + std::to_string(kBytes) + std::string(1, '\0') + bytes);
  file.digest = {DigestKind::git_sha1, digest.hex()};
  expect_right(load(file));
  EXPECT_TRUE(load(file)->front().was_there);
}

TEST_F(DownloadTest, WhatIsThereIsNotLoaded) {
  expect_right(load(wanted()));
  const auto again = load(wanted());
  expect_right(again);
  EXPECT_TRUE(again->front().was_there);
  EXPECT_EQ(web.requests.size(), 1u);
}

TEST_F(DownloadTest, AnotherFileOfThatNameIsNotTouched) {
  for (std::string other : {std::string("short"), bytes.substr(0, kBytes - 1) + "x"}) {
    fs::create_directories(target().parent_path());
    std::ofstream(target(), std::ios::binary) << other;
    EXPECT_EQ(load(wanted()).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(foreword::test::read_text(target()), other);
  }
  EXPECT_TRUE(web.requests.empty());
}

TEST_F(DownloadTest, DiesAtEveryByteAndGoesOn) {
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

TEST_F(DownloadTest, DiesAtEveryChangeOfTheDiskAndGoesOn) {
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

TEST_F(DownloadTest, FailsAtEveryChangeOfTheDiskWithASentence) {
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

TEST_F(DownloadTest, AFullDiskIsSaidBeforeTheFirstByte) {
  DownloadFile file = wanted();
  file.bytes = std::int64_t{1} << 60;
  const auto files = load(file);
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().message.find("needs 1152921504.6 GB more"), std::string::npos) << files.error().message;
  EXPECT_TRUE(web.requests.empty());
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadTest, AFullDiskIsSaidBeforeTheFirstOfSeveralFiles) {
  DownloadFile large = wanted();
  large.name = "large.gguf", large.bytes = std::int64_t{1} << 60;
  Client client(web, {.endpoint = *parse_url("https://hub.example")}, time.surroundings());
  Download download(client, {.folder = folder.path() / "o/r", .files = {wanted(), large}, .repo = "o/r"}, {});
  EXPECT_NE(download.run().error().message.find("o/r needs 1152921504.6 GB more"), std::string::npos);
  EXPECT_TRUE(web.requests.empty());
}

TEST_F(DownloadTest, AFullDiskIsSaidOnceTheServerTellsTheLength) {
  web.usual = says(200, {{"content-length", "1152921504606846976"}}, "never written");
  const auto files = load(of_another_host());
  EXPECT_NE(files.error().message.find("m.gguf needs 1152921504.6 GB more"), std::string::npos) << files.error().message;
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadTest, OnlyWhatIsMissingNeedsRoom) {
  EXPECT_EQ(missing_bytes(target(), 5000), 5000);
  fs::create_directories(part().parent_path());
  std::ofstream(part()) << some_bytes(5000);
  EXPECT_LE(missing_bytes(target(), 50'000), 45'000);
  EXPECT_GE(missing_bytes(target(), 50'000), 50'000 - 8192);
  EXPECT_EQ(missing_bytes(target(), 5000), 0);
  fs::rename(part(), target());
  EXPECT_EQ(missing_bytes(target(), 5000), 0);
}

TEST_F(DownloadTest, WrongBytesNeverGetTheName) {
  std::string wrong = bytes;
  wrong[100] ^= 1;
  web.usual = file(wrong, 7);
  const auto files = load(wanted());
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ErrorCode::corrupt);
  EXPECT_FALSE(fs::exists(target()));
  EXPECT_FALSE(fs::exists(part()));
  EXPECT_EQ(web.requests.size(), 1u) << "what came in one piece is not asked for twice";
}

TEST_F(DownloadTest, AWrongPartIsLoadedAnewOnce) {
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

TEST_F(DownloadTest, TheServerIgnoresTheRange) {
  die_after(100, wanted());
  web.usual = [this](const WebRequest&, WebSink& sink) { return send(sink, 200, {{"content-length", std::to_string(kBytes)}}, bytes, 7); };
  expect_right(load(wanted()));
  EXPECT_EQ(notes.size(), 1u);
}

TEST_F(DownloadTest, TheServerSendsAnotherRange) {
  die_after(100, wanted());
  web.next = {says(206, {{"content-range", "bytes 99-210/211"}}, bytes.substr(99))};
  expect_right(load(wanted()));
  fs::remove(target());
  die_after(100, wanted());
  web.next = {says(206, {{"content-range", "bytes 100-211/212"}}, bytes.substr(100))};
  expect_right(load(wanted()));
  EXPECT_EQ(notes.size(), 1u);
}

TEST_F(DownloadTest, AServerThatLiesAlwaysIsLeft) {
  web.usual = says(206, {{"content-range", "bytes 99-210/211"}}, bytes.substr(99));
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::io);
  EXPECT_LE(web.requests.size(), 5u);
}

TEST_F(DownloadTest, MoreBytesThanAnnounced) {
  web.usual = [this](const WebRequest&, WebSink& sink) { return send(sink, 200, {}, bytes + "x", 7); };
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::corrupt);
  EXPECT_FALSE(fs::exists(target()));
  web.usual = says(200, {{"content-length", "212"}}, bytes + "x");
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::corrupt);
}

TEST_F(DownloadTest, NothingFollows) {
  DownloadFile file = of_another_host();
  die_after(kBytes, file);
  web.requests.clear();
  expect_right(load(file));
  fs::remove(target());
  // The length was never said.
  const auto break_off = [&] {
    web.usual = [this](const WebRequest&, WebSink& sink) {
      send(sink, 200, {{"etag", "\"one\""}}, bytes, 7);
      time.stopped = true;
      return WebOutcome{WebEnd::broken, ""};
    };
    EXPECT_EQ(load(file).error().code, ErrorCode::cancelled);
    time.stopped = false;
  };
  break_off();
  web.usual = test::file(bytes, 7);
  web.requests.clear();
  expect_right(load(file));
  EXPECT_EQ(range(web.requests.at(0)), "bytes=211-");
  EXPECT_EQ(web.requests.size(), 1u);
  fs::remove(target());
  // The part is longer than the file: 416, and all of it anew.
  break_off();
  web.usual = test::file(bytes.substr(0, 120), 7);
  const auto files = load(file);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(foreword::test::read_text(target()), bytes.substr(0, 120));
}

TEST_F(DownloadTest, TheFileHasChangedOnTheHub) {
  die_after(100, wanted());
  bytes = some_bytes(kBytes + 9).substr(9);
  web.usual = file(bytes, 7);
  expect_right(load(wanted()));
  EXPECT_EQ(range(web.requests.at(0)), "");
  EXPECT_EQ(notes.size(), 1u);
}

TEST_F(DownloadTest, AnotherHostsFileGoesOnByItsTag) {
  const DownloadFile file = of_another_host();
  die_after(100, file);
  const auto files = load(file);
  expect_right(files);
  EXPECT_EQ(files->front().checked, DigestKind::none);
  EXPECT_EQ(range(web.requests.at(0)), "bytes=100-");
  EXPECT_EQ(FakeWeb::header(web.requests[0], "If-Range"), "\"one\"");
  fs::remove(target());

  die_after(100, file);
  bytes = some_bytes(2 * kBytes).substr(kBytes);
  web.usual = test::file(bytes, 7, std::string::npos, "\"two\"");
  expect_right(load(file));
  EXPECT_EQ(notes.size(), 1u) << "it has changed";
}

TEST_F(DownloadTest, WithoutATagItBeginsAnew) {
  const DownloadFile file = of_another_host();
  web.usual = [this](const WebRequest&, WebSink& sink) {
    send(sink, 200, {{"content-length", std::to_string(kBytes)}}, bytes.substr(0, 90), 7);
    time.stopped = true;
    return WebOutcome{WebEnd::broken, ""};
  };
  EXPECT_EQ(load(file).error().code, ErrorCode::cancelled);
  EXPECT_EQ(fs::file_size(part()), 90u);
  time.stopped = false;
  web.requests.clear();
  web.usual = says(200, {}, bytes);
  expect_right(load(file));
  EXPECT_EQ(range(web.requests.at(0)), "");
  EXPECT_EQ(notes.size(), 1u);
}

TEST_F(DownloadTest, BreaksAgainAndAgain) {
  web.usual = file(bytes, 7, 10);
  expect_right(load(wanted()));
  EXPECT_EQ(web.requests.size(), 22u);
  EXPECT_EQ(range(web.requests[3]), "bytes=30-");
  EXPECT_EQ(time.waits.size(), 21u);
  for (const double wait : time.waits) EXPECT_EQ(wait, 0.375) << "each brought something";
}

TEST_F(DownloadTest, GivesUpWithoutAByteAndKeepsWhatCame) {
  die_after(100, wanted());
  web.usual = says(503);
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::io);
  EXPECT_EQ(web.requests.size(), 11u);
  EXPECT_EQ(fs::file_size(part()), 100u);
  web.usual = file(bytes, 7);
  expect_right(load(wanted()));
}

TEST_F(DownloadTest, AnExpiredAddressIsAskedForAgain) {
  int n_resolved = 0;
  web.usual = [&](const WebRequest& request, WebSink& sink) {
    if (request.url.starts_with("https://hub.example/")) return send(sink, 302, {{"location", "https://cdn.example/x?signature=" + std::to_string(++n_resolved)}}, "moved");
    if (request.url.ends_with("=1")) return file(bytes, 7, 50)(request, sink);
    if (request.url.ends_with("=2")) return send(sink, 403, {}, "expired");
    return file(bytes, 7)(request, sink);
  };
  expect_right(load(wanted()));
  EXPECT_EQ(n_resolved, 3);
  EXPECT_EQ(range(web.requests.back()), "bytes=50-");
}

TEST_F(DownloadTest, AGatedFileIsNotAskedForAgain) {
  web.usual = says(403, {{"x-error-code", "GatedRepo"}});
  const auto files = load(wanted());
  EXPECT_EQ(web.requests.size(), 1u);
  EXPECT_NE(files.error().message.find("https://hub.example/o/r"), std::string::npos) << files.error().message;
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadTest, StopsAndGoesOn) {
  web.usual = [this](const WebRequest& request, WebSink& sink) {
    const WebOutcome outcome = file(bytes, 7, 70)(request, sink);
    time.stopped = true;
    return outcome;
  };
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::cancelled);
  EXPECT_EQ(fs::file_size(part()), 70u);
  time.stopped = false;
  web.usual = file(bytes, 7);
  expect_right(load(wanted()));
  EXPECT_EQ(range(web.requests.back()), "bytes=70-");
}

TEST_F(DownloadTest, OneAtATime) {
  fs::create_directories(target().parent_path());
  const auto first = PartFile::open(target(), web, {});
  ASSERT_TRUE(first);
  const auto files = load(wanted());
  EXPECT_EQ(files.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(files.error().message.find("already"), std::string::npos);
}

TEST_F(DownloadTest, APowerCutLosesWhatWasNotSynced) {
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

TEST_F(DownloadTest, AfterAPowerCutWhatWasSyncedIsGoneOnWith) {
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

TEST_F(DownloadTest, AnyState) {
  for (const std::string text : {"", "{", "[]", "{\"size\":-5}", "{\"size\":1e999}", "{\"size\":\"x\",\"digest\":7,\"url\":[]}", "null"}) {
    die_after(100, wanted());
    std::ofstream(part().string() + ".json") << text;
    expect_right(load(wanted()));
    EXPECT_EQ(range(web.requests.at(0)), "");
    web.requests.clear();
    fs::remove(target());
  }
}

TEST_F(DownloadTest, SeveralFilesAreOne) {
  const std::string second = some_bytes(77);
  DownloadFile one = wanted(), two = wanted();
  two.url = *parse_url("https://hub.example/two"), two.name = "sub/two.gguf", two.bytes = 77, two.digest.hex = FakeDigest::sha256(second);
  web.usual = [&](const WebRequest& request, WebSink& sink) { return file(request.url.ends_with("two") ? second : bytes, 7)(request, sink); };
  Client client(web, {.endpoint = *parse_url("https://hub.example")}, time.surroundings());
  Download download(client, {.folder = folder.path() / "o/r", .files = {one, two}}, {.progress = [this](const DownloadProgress& p) { progress.push_back(p); }});
  const auto files = download.run();
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(foreword::test::read_text(files->at(1).path), second);
  EXPECT_EQ(progress.back().done, 288);
  EXPECT_EQ(progress.back().total, 288);
  EXPECT_EQ(progress.back().file, 1u);
}

}  // namespace
}  // namespace foreword::app::test
