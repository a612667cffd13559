// Where plugins are looked for.

#include "engine/base/plugin.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace foreword
