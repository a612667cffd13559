// The hub's JSON, good and hostile, and what the environment says of the hub.

#include "app/download/hub.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

const std::string kSha256(64, 'a'), kSha1(40, 'b');

Result<HubSettings> settings(std::map<std::string, std::string> variables) {
  return hub_settings([&](const char* name) { return variables.contains(name) ? variables[name].c_str() : nullptr; });
}

TEST(Hub, ReadsARepository) {
  const auto repo = read_repo(R"({"id":"o/r","sha":")" + kSha1 + R"(","siblings":[
    {"rfilename":"README.md","size":5,"blobId":")" + kSha1 + R"("},
    {"rfilename":"a.gguf","size":7,"blobId":")" + kSha1 + R"(","lfs":{"sha256":")" + kSha256 + R"(","size":7000000000,"pointerSize":135}},
    {"rfilename":"small.gguf","size":9,"blobId":")" + kSha1 + R"("},
    {"rfilename":"bare.gguf"}]})");
  ASSERT_TRUE(repo);
  EXPECT_EQ(repo->commit, kSha1);
  ASSERT_EQ(repo->files.size(), 3u);
  EXPECT_EQ(repo->files[0].bytes, 7'000'000'000);
  EXPECT_EQ(repo->files[0].digest, (Digest{DigestKind::sha256, kSha256}));
  EXPECT_EQ(repo->files[1].digest, (Digest{DigestKind::git_sha1, kSha1}));
  EXPECT_EQ(repo->files[2].bytes, -1);
  EXPECT_EQ(repo->files[2].digest, Digest{});
}

TEST(Hub, HostileAnswers) {
  const std::string deep(1'000'000, '['), no_utf8 = "{\"siblings\":\"\xff\"}";
  for (const std::string& text : {std::string(), std::string("null"), std::string("[]"), std::string("{}"), std::string("<html>"), std::string(R"({"siblings":{}})"), no_utf8, deep}) {
    EXPECT_FALSE(read_repo(text));
    EXPECT_EQ(read_hits(text).has_value(), text == "[]");
  }
  const auto repo = read_repo(R"({"sha":"../../x","siblings":[1,null,[],{},{"rfilename":5},
    {"rfilename":"../a.gguf"},{"rfilename":"/a.gguf"},{"rfilename":"a\u0000.gguf"},{"rfilename":"a\u001b[2J.gguf"},
    {"rfilename":"b.gguf","size":-1,"lfs":{"size":1e300,"sha256":"zz"}},
    {"rfilename":"c.gguf","size":18446744073709551615,"blobId":7,"lfs":[]},{"rfilename":"d.gguf","size":"9","blobId":")" + kSha1 + R"("}]})");
  ASSERT_TRUE(repo);
  EXPECT_EQ(repo->commit, "");
  ASSERT_EQ(repo->files.size(), 3u);
  for (const HubFile& file : repo->files) EXPECT_TRUE(file.bytes == -1 && file.digest == Digest{}) << file.path;
  const auto hits = read_hits(R"([{"id":"o/r","downloads":12,"likes":3,"gated":"manual"},{"id":"../x"},{"id":"a/b/c"},{"id":5},7,{"id":"p/q","downloads":"many","gated":false}])");
  ASSERT_EQ(hits->size(), 2u);
  EXPECT_TRUE(hits->at(0).gated);
  EXPECT_EQ(hits->at(0).downloads, 12);
  EXPECT_FALSE(hits->at(1).gated);
}

TEST(Hub, Addresses) {
  const HubSettings hub = *settings({{"HF_ENDPOINT", "https://mirror.example/hub//"}});
  EXPECT_EQ(repo_url(hub, "o/r", "refs/pr/1").text(), "https://mirror.example/hub/api/models/o/r/revision/refs%2Fpr%2F1?blobs=true");
  EXPECT_EQ(file_url(hub, "o/r", "main", "sub/a b.gguf").text(), "https://mirror.example/hub/o/r/resolve/main/sub/a%20b.gguf");
  EXPECT_EQ(search_url(hub, "a&b", 5).text(), "https://mirror.example/hub/api/models?search=a%26b&filter=gguf&sort=downloads&direction=-1&limit=5");
  EXPECT_EQ(page_of(hub, "o/r"), "https://mirror.example/hub/o/r");
}

TEST(Hub, Environment) {
  EXPECT_EQ(settings({})->endpoint.text(), "https://huggingface.co");
  EXPECT_FALSE(settings({{"HF_ENDPOINT", "huggingface.co"}}));
  EXPECT_FALSE(settings({{"HF_ENDPOINT", "https://a@b"}}));
  for (const char* yes : {"1", "true", "ON", " Yes "}) EXPECT_TRUE(settings({{"HF_HUB_OFFLINE", yes}})->offline) << yes;
  for (const char* no : {"", "0", "false", "off"}) EXPECT_FALSE(settings({{"HF_HUB_OFFLINE", no}})->offline) << no;
  EXPECT_FALSE(settings({{"HF_TOKEN", "a\r\nX-Evil: 1"}})) << "a header of its own";
  EXPECT_FALSE(settings({{"HF_TOKEN", "a b"}}));

  const test::TempDir folder;
  const std::string home = folder.path().string();
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    std::ofstream(folder.path() / name) << text;
  };
  EXPECT_EQ(settings({{"HOME", home}})->token, "");
  write(".cache/huggingface/token", "from-home\n");
  EXPECT_EQ(settings({{"HOME", home}})->token, "from-home");
  write("xdg/huggingface/token", "from-xdg");
  EXPECT_EQ(settings({{"HOME", home}, {"XDG_CACHE_HOME", home + "/xdg"}})->token, "from-xdg");
  write("hf/token", "from-hf-home");
  EXPECT_EQ(settings({{"HOME", home}, {"HF_HOME", home + "/hf"}})->token, "from-hf-home");
  write("named", " from-path ");
  EXPECT_EQ(settings({{"HOME", home}, {"HF_HOME", home + "/hf"}, {"HF_TOKEN_PATH", home + "/named"}})->token, "from-path");
  EXPECT_EQ(settings({{"HOME", home}, {"HF_TOKEN", "direct"}, {"HF_TOKEN_PATH", home + "/named"}})->token, "direct");
}

}  // namespace
}  // namespace foreword::app
