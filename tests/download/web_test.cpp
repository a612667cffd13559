// The plugin itself, as far as no network is needed: digests of known texts, hosts that are none.

#include <gtest/gtest.h>

#include <vector>

#include "app/download/web_plugin.h"

namespace foreword::app {
namespace {

class Nothing : public WebSink {
 public:
  bool head(int, const WebHeaders&) override { return n_heads++, true; }
  bool body(std::string_view) override { return true; }
  bool wanted() override { return true; }
  int n_heads = 0;
};

class WebTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_web({}, recorder([this](const Asked& asked) { told.push_back(asked); }));
    if (!opened && opened.error().code == ErrorCode::not_found) GTEST_SKIP() << opened.error().message;
    ASSERT_TRUE(opened) << opened.error().message;
    web = *std::move(opened);
  }
  std::unique_ptr<Web> web;
  std::vector<Asked> told;
};

TEST_F(WebTest, Digests) {
  const auto digest = [&](DigestKind kind, std::string_view text) {
    const auto made = web->digest(kind);
    for (const char& byte : text) made->add({&byte, 1});
    return made->hex();
  };
  EXPECT_EQ(digest(DigestKind::sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  EXPECT_EQ(digest(DigestKind::git_sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(web->digest(DigestKind::none), nullptr);
}

TEST_F(WebTest, WhatCannotBeAsked) {
  Nothing sink;
  EXPECT_EQ(web->get({"http://127.0.0.1:1/", {}}, sink).end, WebEnd::unreachable);
  EXPECT_EQ(web->get({"file:///etc/passwd", {}}, sink).end, WebEnd::unusable);
  EXPECT_EQ(web->get({"ftp://127.0.0.1:1/", {}}, sink).end, WebEnd::unusable);
  EXPECT_EQ(sink.n_heads, 0);
  ASSERT_EQ(told.size(), 6u) << "each is told of when it begins and when it has ended";
  EXPECT_EQ(told[1].host, "127.0.0.1:1");
  EXPECT_EQ(told[1].end, WebEnd::unreachable);
  EXPECT_TRUE(told[5].ended);
}

}  // namespace
}  // namespace foreword::app
