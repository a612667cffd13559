// Redirects, the token, what is asked again, sentences; and when a retry is due.

#include "app/download/client.h"

#include <gtest/gtest.h>

#include "tests/download/scripted_web.h"

namespace foreword::app::test {
namespace {

class ClientTest : public ::testing::Test {
 protected:
  Client client(bool offline = false) { return Client(web, {.endpoint = *parse_url("https://hub.example"), .token = "secret", .offline = offline}, time.surroundings()); }
  Result<std::string> text(const std::string& url = "https://hub.example/x", std::size_t most = 1000) {
    Client asking = client();
    return asking.text(*parse_url(url), most, {"thing", "https://hub.example/page"});
  }
  std::string token(std::size_t request) const { return FakeWeb::header(web.requests.at(request), "Authorization"); }

  FakeWeb web;
  FakeTime time;
};

TEST_F(ClientTest, TheTokenGoesToTheHubAlone) {
  web.next = {says(307, {{"location", "/renamed"}}), says(302, {{"location", "https://cdn.example/x"}}), says(302, {{"location", "https://hub.example/back"}}), says(200, {}, "text")};
  EXPECT_EQ(*text(), "text");
  EXPECT_EQ(token(0), "Bearer secret");
  EXPECT_EQ(token(1), "Bearer secret");
  EXPECT_EQ(token(2), "");
  EXPECT_EQ(token(3), "Bearer secret");
  web.requests.clear();
  for (const char* other : {"https://hub.example:444/x", "http://hub.example/x", "https://hub.example.evil/x", "https://evil.example/hub.example"}) {
    web.next = {says(200, {}, "text")};
    EXPECT_TRUE(text(other));
    EXPECT_EQ(token(0), "") << other;
    web.requests.clear();
  }
}

TEST_F(ClientTest, RedirectsThatAreNotFollowed) {
  web.usual = says(302, {{"location", "/again"}});
  EXPECT_EQ(text().error().code, ErrorCode::unsupported);
  EXPECT_EQ(web.requests.size(), 11u);
  web.requests.clear();
  web.usual = says(302, {{"location", "http://hub.example/x"}});
  EXPECT_EQ(text().error().code, ErrorCode::unsupported);
  web.usual = says(302, {{"location", "file:///etc/passwd"}});
  EXPECT_FALSE(text());
  web.usual = says(302);
  EXPECT_FALSE(text()) << "leads nowhere";
  EXPECT_EQ(web.requests.size(), 3u);
}

TEST_F(ClientTest, OfflineAsksNothing) {
  Client asking = client(true);
  const auto answer = asking.text(*parse_url("https://hub.example/x"), 10, {"thing"});
  EXPECT_NE(answer.error().message.find("HF_HUB_OFFLINE"), std::string::npos);
  EXPECT_TRUE(web.requests.empty());
}

TEST_F(ClientTest, AsksAgainWhatMayPass) {
  web.next = {says(503), says(429, {{"retry-after", "7"}}), [](const WebRequest&, WebSink&) { return WebOutcome{WebEnd::silent, "timed out"}; }, says(200, {}, "text")};
  EXPECT_EQ(*text(), "text");
  EXPECT_EQ(time.waits, (std::vector<double>{0.375, 7, 1.5}));
  web.usual = says(500);
  EXPECT_EQ(text().error().code, ErrorCode::io);
  EXPECT_EQ(web.requests.size(), 8u);
}

TEST_F(ClientTest, BrokenInTheMiddleIsReadAnew) {
  web.next = {[](const WebRequest&, WebSink& sink) { return send(sink, 200, {}, "te"), WebOutcome{WebEnd::broken, "reset"}; }, says(200, {}, "text")};
  EXPECT_EQ(*text(), "text");
}

TEST_F(ClientTest, TooLongATextIsNotRead) {
  web.usual = says(200, {}, std::string(1001, 'x'));
  EXPECT_FALSE(text());
  EXPECT_EQ(web.requests.size(), 1u);
}

TEST_F(ClientTest, SentencesSayWhatToDo) {
  struct Row {
    int status;
    const char *error, *words;
    ErrorCode code;
  };
  for (const Row& row : {Row{403, "GatedRepo", "accept it with the account", ErrorCode::unsupported}, Row{401, "GatedRepo", "https://hub.example/page", ErrorCode::unsupported},
                         Row{401, "RepoNotFound", "no thing", ErrorCode::not_found}, Row{404, "RevisionNotFound", "revision", ErrorCode::not_found}, Row{404, "", "check the name", ErrorCode::not_found},
                         Row{401, "", "token", ErrorCode::unsupported}, Row{418, "", "418", ErrorCode::io}}) {
    web.usual = says(row.status, {{"x-error-code", row.error}});
    web.requests.clear();
    const auto answer = text();
    EXPECT_NE(answer.error().message.find(row.words), std::string::npos) << answer.error().message;
    EXPECT_EQ(answer.error().code, row.code);
    EXPECT_EQ(web.requests.size(), 1u) << row.status;
  }
  WebAnswer answer;
  answer.status = 403;
  answer.headers = {{"x-error-code", "GatedRepo"}};
  EXPECT_NE(sentence_for(answer, {"thing", "page"}, false).message.find("HF_TOKEN"), std::string::npos);
  answer.outcome = {WebEnd::untrusted, "self-signed {page}"};
  EXPECT_NE(sentence_for(answer, {"thing", "page"}, false).message.find("self-signed {page}"), std::string::npos) << "what others say is not read again";
}

TEST_F(ClientTest, StopsWhileItWaits) {
  web.usual = says(503);
  time.stop_after_waits = 1;
  EXPECT_EQ(text().error().code, ErrorCode::cancelled);
  EXPECT_EQ(web.requests.size(), 1u);
}

TEST_F(ClientTest, TheHeadOfAFile) {
  std::string bytes(5 << 20, 'x');
  for (std::size_t i = 0; i < bytes.size(); i += 1000) bytes[i] = static_cast<char>('a' + i / 1000 % 26);
  const Url url = *parse_url("https://hub.example/x");
  const auto head = [&](std::size_t need, std::size_t most = 64 << 20) {
    web.requests.clear();
    Client asking = client();
    const auto text = fetch_head(asking, url, {"thing"}, [&](std::string_view so_far) { return so_far.size() >= need; }, most);
    EXPECT_TRUE(text && bytes.starts_with(*text));
    return text ? text->size() : 0;
  };
  web.usual = file(bytes);
  EXPECT_EQ(head(5), 1u << 20);
  EXPECT_EQ(web.requests.size(), 1u);
  EXPECT_EQ(FakeWeb::header(web.requests[0], "Range"), "bytes=0-1048575");
  EXPECT_EQ(head(3 << 20), 4u << 20);
  EXPECT_EQ(FakeWeb::header(web.requests[2], "Range"), "bytes=2097152-4194303");
  EXPECT_EQ(head(9 << 20), bytes.size()) << "all there is";
  EXPECT_EQ(head(9 << 20, 3 << 20), 3u << 20);
  web.usual = file(bytes, 1 << 16, 700'000);
  EXPECT_EQ(head(3 << 20), 4u << 20) << "it breaks off again and again";
  web.usual = says(200, {}, bytes);
  EXPECT_EQ(head(3 << 20), 4u << 20) << "ranges are not known there";
  web.usual = says(404);
  Client asking = client();
  EXPECT_EQ(fetch_head(asking, url, {"thing"}, [](std::string_view) { return true; }).error().code, ErrorCode::not_found);
}

TEST(Retry, WaitsLongerEachTimeAndEnds) {
  const RetryRules rules{5, 1, 6};
  for (const auto& [failures, least, most] : std::initializer_list<std::tuple<int, double, double>>{{1, 0.5, 1}, {2, 1, 2}, {3, 2, 4}, {4, 3, 6}, {5, 3, 6}}) {
    EXPECT_EQ(wait_before_retry(rules, failures, {}, 0), least);
    EXPECT_NEAR(*wait_before_retry(rules, failures, {}, 0.999999), most, 1e-4);
  }
  EXPECT_FALSE(wait_before_retry(rules, 6, {}, 0));
  EXPECT_EQ(wait_before_retry(rules, 1, 30, 0), 30);
  EXPECT_EQ(wait_before_retry(rules, 4, 1, 0), 3);
  EXPECT_FALSE(wait_before_retry(rules, 1, kLongestAsked + 1, 0));
  EXPECT_EQ(wait_before_retry({1'000'000, 1, 60}, 999'999, {}, 0), 30);
}

TEST(Retry, ReadsWhatTheServerAsksFor) {
  constexpr std::int64_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(retry_after_seconds("120", kNow), 120);
  EXPECT_EQ(retry_after_seconds("Sun, 06 Nov 1994 08:50:37 GMT", kNow), 60);
  EXPECT_EQ(retry_after_seconds("Sun, 06 Nov 1994 08:40:00 GMT", kNow), 0);
  EXPECT_EQ(retry_after_seconds("99999999999999999999", kNow), 1e9);
  for (const char* nothing : {"", "soon", "-5", "1.5", "Sun, 99 Nov"}) EXPECT_FALSE(retry_after_seconds(nothing, kNow)) << nothing;
  EXPECT_TRUE(may_pass(429) && may_pass(503) && !may_pass(404) && !may_pass(403));
}

TEST(ContentRange, IsRead) {
  EXPECT_EQ(content_range("bytes 5-9/10")->first, 5);
  EXPECT_EQ(content_range("bytes 5-9/10")->total, 10);
  EXPECT_EQ(content_range("bytes 5-9/*")->total, -1);
  for (const char* none : {"", "bytes */10", "bytes -1-9/10", "items 5-9/10", "bytes 5/10", "bytes x-9/10", "bytes 99999999999999999999-9/10"}) EXPECT_FALSE(content_range(none)) << none;
}

}  // namespace
}  // namespace foreword::app::test
