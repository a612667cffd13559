#include "app/download/unfinished.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

void put(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST(Unfinished, PartsWithAStateBesideThem) {
  const test::TempDir folder;
  const std::filesystem::path models = folder.path();
  EXPECT_TRUE(unfinished_downloads(models / "none").empty());
  put(models / "org/repo/b-Q4_K_M.gguf.part", "12345");
  put(models / "org/repo/b-Q4_K_M.gguf.part.json", R"({"url": "https://h/org/repo/resolve/c/b-Q4_K_M.gguf", "size": 99})");
  put(models / "other/a.gguf.part", "1");
  put(models / "other/a.gguf.part.json", R"({"url": "https://h/a.gguf", "size": "many"})");
  put(models / "other/empty.gguf.part", "");
  put(models / "other/empty.gguf.part.json", R"({"url": "https://h/empty.gguf"})");
  put(models / "other/alone.gguf.part.json", R"({"url": "https://h/alone.gguf"})");
  put(models / "other/broken.gguf.part", "1");
  put(models / "other/broken.gguf.part.json", R"({"url": )");
  put(models / "other/odd.gguf.part", "1");
  put(models / "other/odd.gguf.part.json", R"([{"url": 5}])");
  put(models / "other/whole.gguf", "1");
  const auto found = unfinished_downloads(models);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "a");
  EXPECT_EQ(found[0].total, -1);
  EXPECT_EQ(found[1].name, "b-Q4_K_M");
  EXPECT_EQ(found[1].target, "https://h/org/repo/resolve/c/b-Q4_K_M.gguf");
  EXPECT_EQ(found[1].done, 5);
  EXPECT_EQ(found[1].total, 99);
}

}  // namespace
}  // namespace foreword::app
