// While a model is loaded: how far it is, and that it can be given up (D58).

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/loaded_model.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

std::filesystem::path builtin() { return test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf"; }

ModelOptions options() {
  ModelOptions options;
  options.n_threads = 1;  // so that the one who tells does all of the work
  options.context = 256;
  return options;
}

TEST(D58Loading, TellsHowFarItIs) {
  std::vector<double> shares;
  const auto model = LoadedModel::open(builtin(), options(), [&](double share) {
    shares.push_back(share);
    return true;
  });
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_GT(shares.size(), 2u);
  EXPECT_TRUE(std::ranges::is_sorted(shares));
  EXPECT_GE(shares.front(), 0);
  EXPECT_LE(shares.back(), 1);
}

TEST(D58Loading, IsGivenUpAtOnce) {
  int asked = 0;
  const auto model = LoadedModel::open(builtin(), options(), [&](double) {
    ++asked;
    return false;
  });
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::cancelled);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace foreword::engine
