// Where plugins are looked for, and what is said of files that are none.

#include "engine/base/plugin.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/fixtures.h"

namespace foreword {
namespace {

TEST(Plugin, LiesInTheProgramsFolderOrBesideIt) {
  EXPECT_EQ(plugin_of("/opt/foreword/bin/foreword", "a.so"), "/opt/foreword/lib/foreword/plugins/a.so");
  EXPECT_EQ(plugin_of("", "a.so"), "") << "nothing of where the user stands";
  const test::TempDir folder;
  std::filesystem::create_directories(folder.path() / "build/lib/foreword/plugins");
  EXPECT_EQ(plugin_of(folder.path() / "build/foreword", "a.so"), folder.path() / "lib/foreword/plugins/a.so");
  std::ofstream(folder.path() / "build/lib/foreword/plugins/a.so") << "built";
  EXPECT_EQ(plugin_of(folder.path() / "build/foreword", "a.so"), folder.path() / "build/lib/foreword/plugins/a.so");
}

constexpr Plugin kPlugin{"FOREWORD_TEST_PLUGIN", "a.so", "foreword_entry", "The plugin", "This build has no plugin", "it is made elsewhere"};

TEST(Plugin, AFileThatIsNoneSaysWhy) {
  const auto nowhere = open_plugin(kPlugin, "");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("FOREWORD_TEST_PLUGIN"), std::string::npos);
  const test::TempDir folder;
  const auto file = folder.path() / "a.so";
  const auto none = open_plugin(kPlugin, file);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  EXPECT_EQ(none.error().message, "This build has no plugin (" + file.string() + " is not there); it is made elsewhere.");
  std::ofstream(file) << "no library";
  const auto broken = open_plugin(kPlugin, file);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::unsupported);
  EXPECT_TRUE(broken.error().message.starts_with("The plugin cannot be loaded (")) << broken.error().message;
  Dl_info library{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::getenv), &library), 0);
  const auto other = open_plugin(kPlugin, library.dli_fname);
  ASSERT_FALSE(other) << "a library without the entry";
  EXPECT_NE(other.error().message.find("another version"), std::string::npos) << other.error().message;
}

}  // namespace
}  // namespace foreword
