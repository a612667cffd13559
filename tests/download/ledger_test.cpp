// What was asked of the web: that nothing is left out, that no secret is in it, and what becomes of it on a disk that fails.

#include "app/download/ledger.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "app/download/hub_client.h"
#include "app/download/recorded_web.h"
#include "tests/download/scripted_web.h"
#include "tests/support/fixtures.h"

namespace foreword::app::test {
namespace {

namespace fs = std::filesystem;
using foreword::test::read_text;

class LedgerTest : public ::testing::Test {
 protected:
  /// A client whose requests are recorded as the program's are; `web` is what it asks.
  Client client(std::string token = {}) {
    auto fake = std::make_unique<FakeWeb>();
    web = fake.get();
    recorded = std::make_unique<RecordedWeb>(std::move(fake), Recorder{.tell =
                                                                           [this](const Asked& asked) {
                                                                             ++n_told;
                                                                             const auto written = ledger.write(asked);
                                                                             if (!written) problem = written.error().message;
                                                                           },
                                                                       .now_ms = [this] { return now_ms += 1000; },
                                                                       .any_number = [this] { return ++n_ids; }});
    return Client(*recorded, {.endpoint = *parse_url("https://hub.example"), .token = std::move(token)}, time.surroundings());
  }
  Asked row(std::uint64_t id, std::int64_t at = 5) const { return {.id = id, .at_ms = at, .host = "h.example", .purpose = "Searching", .received = 3, .sent = 9, .status = 200, .ended = true}; }
  void put(const std::string& text) const { std::ofstream(file, std::ios::app | std::ios::binary) << text; }

  foreword::test::TempDir folder;
  fs::path file = folder.path() / "state/network.jsonl";
  Ledger ledger{file};
  FakeWeb* web = nullptr;
  std::unique_ptr<RecordedWeb> recorded;
  FakeTime time;
  std::int64_t now_ms = 1'000'000;
  std::uint64_t n_ids = 0;
  int n_told = 0;
  std::string problem;
};

TEST_F(LedgerTest, EveryRequestIsARowAndARedirectsHostHasOneOfItsOwn) {
  Client asking = client();
  web->next = {says(503), says(302, {{"location", "https://cdn.example/x?Signature=secret"}}, "moved"), says(200, {}, R"({"siblings": []})")};
  ASSERT_TRUE(offer_of(asking, {.repo = "org/repo"}));
  const auto page = ledger.read();
  ASSERT_EQ(page.rows.size(), web->requests.size()) << "none goes round it";
  ASSERT_EQ(page.rows.size(), 3u);
  EXPECT_EQ(page.problem, "");
  EXPECT_EQ(page.rows[0].host, "cdn.example");
  EXPECT_EQ(page.rows[0].received, 16);
  EXPECT_EQ(outcome_words(page.rows[0]), "answered");
  EXPECT_EQ(page.rows[1].host, "hub.example");
  EXPECT_EQ(outcome_words(page.rows[1]), "led on to another address");
  EXPECT_EQ(outcome_words(page.rows[2]), "refused (503)");
  for (const Asked& asked : page.rows) EXPECT_EQ(asked.purpose, "Looking at org/repo");
  EXPECT_GT(page.rows[0].at_ms, page.rows[1].at_ms) << "the newest first";
}

TEST_F(LedgerTest, NeitherTokensNorAddressesAreInIt) {
  Client asking = client("hf_verysecret");
  web->usual = [](const WebRequest& request, WebSink& sink) {
    if (request.url.find("signed") != request.url.npos) return WebOutcome{WebEnd::broken, "of https://cdn.example/signed?Signature=abc123"};
    return says(302, {{"location", "https://cdn.example/signed/path?Signature=abc123&Key=k"}})(request, sink);
  };
  EXPECT_FALSE(search_hub(asking, "my private words", 3));
  const std::string text = read_text(file);
  EXPECT_NE(text.find("cdn.example"), text.npos);
  for (const char* secret : {"verysecret", "Bearer", "Signature", "abc123", "signed", "private", "https"}) EXPECT_EQ(text.find(secret), text.npos) << secret;
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(LedgerTest, ARequestIsThereBeforeItHasEnded) {
  Client asking = client();
  std::vector<Asked> amid;
  web->usual = [&](const WebRequest&, WebSink& sink) {
    sink.head(200, {});
    sink.body(std::string(kTellBytes, 'x'));
    amid = ledger.read().rows;
    return WebOutcome{WebEnd::broken, "reset", 77};
  };
  Target target{.url = *parse_url("https://other.example/m.gguf"), .name = "m.gguf"};
  struct Sink final : WebSink {
    bool head(int, const WebHeaders&) override { return true; }
    bool body(std::string_view) override { return true; }
    bool wanted() override { return true; }
  } sink;
  ASSERT_TRUE(asking.ask(*target.url, {}, {"m.gguf", {}, "Downloading m.gguf"}, sink));
  ASSERT_EQ(amid.size(), 1u);
  EXPECT_FALSE(amid[0].ended);
  EXPECT_EQ(outcome_words(amid[0]), "not ended");
  EXPECT_EQ(amid[0].received, kTellBytes) << "what a program that is killed has got is known nearly";
  const auto rows = ledger.read().rows;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].sent, 77);
  EXPECT_EQ(outcome_words(rows[0]), "broke off");
  EXPECT_EQ(n_told, 3);
}

TEST_F(LedgerTest, WhatIsWrittenComesBack) {
  Asked odd = row(0xffff'ffff'ffff'ffff);
  odd.host = "h\xff\"\n";
  odd.purpose = std::string(299, 'a') + "\u00e9\u00e9";
  for (int end = 0; end < 7; ++end) {
    Asked one = row(static_cast<std::uint64_t>(end), end);
    one.end = static_cast<WebEnd>(end);
    ASSERT_TRUE(ledger.write(one));
    EXPECT_EQ(ledger.read().rows.front(), one);
  }
  ASSERT_TRUE(ledger.write(odd));
  const auto page = ledger.read();
  EXPECT_EQ(page.rows.size(), 8u);
  EXPECT_EQ(page.problem, "");
  EXPECT_EQ(page.rows[1].purpose, std::string(299, 'a') + "\u2026") << "cut between characters";
}

TEST_F(LedgerTest, DamagedLinesHarmNoOthersAndAreSaid) {
  ASSERT_TRUE(ledger.write(row(1, 1)));
  put(R"({"id":"2","at":2,"ho)");  // a power cut
  ASSERT_TRUE(ledger.write(row(3, 3)));
  auto page = ledger.read();
  ASSERT_EQ(page.rows.size(), 2u);
  EXPECT_EQ(page.rows[0], row(3, 3));
  EXPECT_NE(page.problem.find("cannot be read any more"), std::string::npos);
  for (const char* bad : {"[]", "1", "{}", R"({"id":"x","at":1,"host":"h"})", R"({"id":"4","at":"1","host":"h"})", R"({"id":"4","at":1,"host":"h","end":"else"})", R"({"id":"4","at":1,"host":"h","received":-1})", "\xff\xfe"}) put(std::string(bad) + "\n");
  put(R"({"id":"5","at":5,"host":"h","received":1e300,"status":99999999999,"sent":-5,"for":7})" "\n");
  page = ledger.read();
  ASSERT_EQ(page.rows.size(), 3u);
  EXPECT_EQ(page.rows[0].status, 999);
  ASSERT_TRUE(ledger.clear());
  EXPECT_EQ(ledger.read().problem, "");
  EXPECT_TRUE(ledger.read().rows.empty());
}

TEST_F(LedgerTest, ADiskThatRefusesDisturbsNoRequestAndIsSaid) {
  put("");
  fs::create_directories(file.parent_path());
  fs::create_directory(file);  // nothing can be written there
  Client asking = client();
  web->usual = says(200, {}, "[]");
  EXPECT_TRUE(search_hub(asking, "qwen", 3));
  EXPECT_NE(problem.find(file.string()), std::string::npos) << problem;
  EXPECT_NE(ledger.read().problem, "");
  fs::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(ledger.write(row(1))) << "nobody is waited for";
  EXPECT_NE(ledger.read().problem, "");
}

TEST_F(LedgerTest, TheOldestGo) {
  const Ledger small(file, 16 << 10);
  for (int i = 1; i <= 1000; ++i) {
    ASSERT_TRUE(small.write(row(static_cast<std::uint64_t>(i), i)));
    for (const fs::path& path : {file, fs::path(file.string() + ".1")}) EXPECT_TRUE(!fs::exists(path) || fs::file_size(path) < (16u << 10) + 200);
  }
  const auto rows = small.read().rows;
  ASSERT_GT(rows.size(), 100u) << "what both files hold";
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].at_ms, 1000 - static_cast<int>(i)) << "the newest";
}

TEST_F(LedgerTest, ManyProcessesLoseNone) {
  constexpr int kProcesses = 4, kEach = 300;
  const Ledger small(file, 16 << 10);
  for (int process = 0; process < kProcesses; ++process) {
    if (fork() != 0) continue;
    bool good = true;
    for (int i = 0; i < kEach; ++i) good &= small.write(row(static_cast<std::uint64_t>(1 + process * kEach + i), i)).has_value();
    _exit(good ? 0 : 1);
  }
  for (int process = 0; process < kProcesses; ++process) {
    int status = 0;
    wait(&status);
    EXPECT_EQ(status, 0);
  }
  auto page = small.read();
  EXPECT_EQ(page.problem, "") << "no line is torn";
  EXPECT_TRUE(fs::exists(file.string() + ".1"));
  ASSERT_TRUE(small.clear());
  const Ledger usual(file);
  for (int process = 0; process < kProcesses; ++process) {
    if (fork() != 0) continue;
    for (int i = 0; i < kEach; ++i) (void)usual.write(row(static_cast<std::uint64_t>(1 + process * kEach + i), i));
    _exit(0);
  }
  for (int process = 0; process < kProcesses; ++process) wait(nullptr);
  page = usual.read();
  EXPECT_EQ(page.rows.size(), Ledger::kMostRows);
  EXPECT_EQ(page.problem, "");
  std::istringstream lines(read_text(file));
  int n_lines = 0;
  for (std::string line; std::getline(lines, line);) n_lines += line.empty() ? 0 : 1;  // an empty one where a line was seen half written
  EXPECT_EQ(n_lines, kProcesses * kEach) << "none is lost";
}

}  // namespace
}  // namespace foreword::app::test
