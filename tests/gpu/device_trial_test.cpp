#include "gpu/device_trial.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "tests/support/fixtures.h"

namespace foreword::gpu {
namespace {

/// A copy of the program that ends in the middle of a trial.
void end_in_a_trial(const std::filesystem::path& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    const DeviceTrial trial(folder, "vulkan:0");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(DeviceTrial, OneThatIsUnderWayIsNoCrash) {
  const test::TempDir folder;
  std::optional<DeviceTrial> first(std::in_place, folder.path(), "vulkan:0");
  EXPECT_FALSE(first->under_way());
  {
    const DeviceTrial second(folder.path(), "vulkan:0"), other(folder.path(), "vulkan:1");
    EXPECT_TRUE(second.under_way());
    EXPECT_FALSE(second.crashed_before());
    EXPECT_FALSE(other.under_way());
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "trying-vulkan-0")) << "it is the first one's";
  first.reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(DeviceTrial, TwoThatEndedWithTheProgramAreACrash) {
  const test::TempDir folder;
  for (int round = 0; round < 2; ++round) {
    end_in_a_trial(folder.path());
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "trying-vulkan-0"));
    end_in_a_trial(folder.path());
    const DeviceTrial third(folder.path(), "vulkan:0");
    EXPECT_FALSE(third.under_way());
    EXPECT_TRUE(third.crashed_before());
  }
}

TEST(DeviceTrial, OneThatEndedWithTheProgramIsForgottenWhenTheNextGoesWell) {
  const test::TempDir folder;
  for (int round = 0; round < 3; ++round) {
    end_in_a_trial(folder.path());
    const DeviceTrial next(folder.path(), "vulkan:0");
    EXPECT_FALSE(next.crashed_before()) << "somebody may have ended it";
  }
}

TEST(DeviceTrial, WithoutAFolderNothingIsKnown) {
  const DeviceTrial none("", "vulkan:0"), unwritable("/proc/none", "vulkan:0");
  for (const DeviceTrial* trial : {&none, &unwritable}) {
    EXPECT_FALSE(trial->under_way());
    EXPECT_FALSE(trial->crashed_before());
  }
}

}  // namespace
}  // namespace foreword::gpu
