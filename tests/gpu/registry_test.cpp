#include "gpu/registry.h"

#include <gtest/gtest.h>

namespace foreword::gpu {
namespace {

TEST(Registry, TheProcessorIsAlwaysThere) {
  const std::vector<DeviceInfo> devices = list_devices();
  ASSERT_FALSE(devices.empty());
  const DeviceInfo& cpu = devices.back();
  EXPECT_EQ(cpu.id, "cpu");
  EXPECT_FALSE(cpu.name.empty());
  EXPECT_GT(cpu.memory_bytes, 0);
  EXPECT_LE(cpu.memory_free_bytes, cpu.memory_bytes);
}

TEST(Registry, OpensByNameAndByDefault) {
  for (const char* id : {"cpu", "auto"}) {
    const auto backend = open_device(id, {.n_threads = 1});
    ASSERT_TRUE(backend.has_value()) << id;
    EXPECT_FALSE((*backend)->device().id.empty());
  }
}

TEST(Registry, UnknownDeviceNamesTheKnownOnes) {
  const auto backend = open_device("cuda7", {});
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(backend.error().code, ErrorCode::not_found);
  EXPECT_NE(backend.error().message.find("cuda7"), std::string::npos);
  EXPECT_NE(backend.error().message.find("cpu"), std::string::npos);
}

}  // namespace
}  // namespace foreword::gpu
