// Downloads and the servers they come from: good ones, broken ones, lying ones.

#include "app/download/download.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/download/download_fixture.h"

namespace foreword::app::test {
namespace {

class DownloadTest : public DownloadFixture {};

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

TEST_F(DownloadTest, D51NoMoreComesThanTheRate) {
  bytes = some_bytes(100'000);
  web.usual = file(bytes, 1000);
  limit = [] { return std::int64_t{10'000}; };
  const double began = time.now;
  expect_right(load(wanted()));
  EXPECT_NEAR(time.now - began, 10, 0.3);
  for (const double wait : time.waits) EXPECT_LE(wait, 0.2) << "between pieces, not all at once";
}

TEST_F(DownloadTest, D51TheRateCanChangeAmidADownload) {
  bytes = some_bytes(100'000);
  web.usual = file(bytes, 1000);
  const double began = time.now;
  limit = [&] { return time.now - began < 5 ? std::int64_t{10'000} : std::int64_t{0}; };
  expect_right(load(wanted()));
  EXPECT_NEAR(time.now - began, 5, 0.3) << "half of it slowly, the rest as it comes";
}

TEST_F(DownloadTest, D51APauseIsNotMadeUpForByARush) {
  Pace pace;
  double now = 1000, slept = 0;
  for (int i = 0; i < 100; ++i) {
    const double wait = pace.take(now, 1000, 10'000);
    slept += wait;
    now += i == 50 ? 3600 : wait + 0.002;  // an hour without a byte; else a wait that ends late
  }
  EXPECT_NEAR(slept, 10, 0.8);
  EXPECT_EQ(pace.take(now, 1'000'000, 0), 0);
}

TEST_F(DownloadTest, D51AStopDuringAWaitEndsTheDownload) {
  web.usual = file(bytes, 7);
  limit = [] { return std::int64_t{1}; };
  time.stop_after_waits = 3;
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::cancelled);
  EXPECT_GT(fs::file_size(part()), 0u) << "what came stays";
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
  WebOutcome outcome;
  web.usual = [&](const WebRequest&, WebSink& sink) { return outcome = send(sink, 200, {}, bytes + std::string(1000, 'x'), 7); };
  EXPECT_EQ(load(wanted()).error().code, ErrorCode::corrupt);
  EXPECT_EQ(outcome.end, WebEnd::stopped) << "they are not written";
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
