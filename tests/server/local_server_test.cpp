// The server as a whole, switched on and off.

#include "app/server/local_server.h"

#include <gtest/gtest.h>

#include "app/server/http_plugin.h"

namespace foreword::app {
namespace {

class LocalServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto http = open_http_server();
    if (!http && http.error().code == ErrorCode::not_found) GTEST_SKIP() << http.error().message;  // a build without it; one that does not load is a failure
    ASSERT_TRUE(http) << http.error().message;
  }
  ServerDesk desk{[](const engine::Command&) {}, {}};
};

TEST_F(LocalServerTest, OffAsSoonAsItIsOn) {
  LocalServer server(desk, "127.0.0.1", 0);
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(server.start({}));
    server.stop();
  }
  server.stop();
}

TEST_F(LocalServerTest, AnAddressHasOneServer) {
  LocalServer first(desk, "127.0.0.1", 0);
  const auto url = first.start({});
  ASSERT_TRUE(url);
  ASSERT_TRUE(url->starts_with("http://127.0.0.1:") && url->ends_with("/v1")) << *url;
  LocalServer second(desk, "127.0.0.1", std::stoi(url->substr(17)));
  const auto refused = second.start({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  first.stop();
  EXPECT_TRUE(second.start({})) << "now it is free";
}

}  // namespace
}  // namespace foreword::app
