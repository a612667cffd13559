#include "gpu/bandwidth.h"
#include "gpu/device_choice.h"
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

TEST(DeviceChoice, TakesTheFastestAndSaysWhy) {
  const DeviceSpeed processor{"cpu", "P", 30e9};
  EXPECT_EQ(choose_of({processor}).id, "cpu");
  EXPECT_EQ(choose_of({processor}).reason, "");
  const DeviceChoice fast = choose_of({{"vulkan:0", "A", 100e9}, {"vulkan:1", "B", 330e9}, processor});
  EXPECT_EQ(fast.id, "vulkan:1");
  EXPECT_EQ(fast.reason, "reads 330 GB/s, the processor 30");
  const DeviceChoice slow = choose_of({{"vulkan:0", "A", 33e9}, processor});
  EXPECT_EQ(slow.id, "cpu") << "a tenth is not worth asking another device for";
  EXPECT_EQ(slow.reason, "the processor reads 30 GB/s, A 33");
  EXPECT_EQ(choose_of({{"vulkan:0", "broken", 0}, {"cpu", "P", 0}}).id, "cpu");
  const DeviceChoice wrong = choose_of({{"vulkan:0", "A", 900e9, DeviceSpeed::Verdict::wrong}, processor});
  EXPECT_EQ(wrong.id, "cpu");
  EXPECT_EQ(wrong.reason, "A computes other results than it should");
  EXPECT_EQ(choose_of({{"cuda:0", "A", 900e9, DeviceSpeed::Verdict::wrong}, {"vulkan:1", "B", 330e9}, processor}).id, "vulkan:1");
  EXPECT_EQ(choose_of({{"cuda:0", "A", 900e9}, {"vulkan:0", "A", 940e9}, processor}).id, "cuda:0") << "the same card twice";
  EXPECT_EQ(choose_of({{"vulkan:0", "A", 0, DeviceSpeed::Verdict::crashed}, processor}).reason, "trying A ended the program twice");
  const DeviceChoice unknown = choose_of({{"vulkan:0", "A", 0, DeviceSpeed::Verdict::unknown}, processor});
  EXPECT_EQ(unknown.id, "cpu");
  EXPECT_EQ(unknown.reason, "A could not be asked now");
}

TEST(DeviceChoice, OneThatNeverOpensIsNotAskedAtEveryStart) {
  using Verdict = DeviceSpeed::Verdict;
  EXPECT_EQ(verdict_of({ErrorCode::unsupported, ""}), Verdict::refused);
  EXPECT_EQ(verdict_of({ErrorCode::device_lost, ""}), Verdict::refused);
  EXPECT_EQ(verdict_of({ErrorCode::out_of_memory, ""}), Verdict::unknown) << "another program may have it";
  EXPECT_EQ(verdict_of({ErrorCode::not_found, ""}), Verdict::unknown);
  const std::vector<DeviceSpeed> all{{"vulkan:0", "A", 0, Verdict::refused}, {"cpu", "P", 30e9}};
  const auto back = devices_from_text(to_text(all));
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].verdict, Verdict::refused);
  EXPECT_EQ(choose_of(back).id, "cpu");
  EXPECT_EQ(choose_of(back).reason, "A did not open or refused the program's kernels; a newer driver may help");
}

TEST(DeviceChoice, WhatWasMeasuredIsReadBackOrNothing) {
  const std::vector<DeviceSpeed> all{{"vulkan:0", "A card", 100e9, DeviceSpeed::Verdict::wrong}, {"cpu", "P", 30e9}};
  const auto back = devices_from_text(to_text(all));
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].name, "A card");
  EXPECT_EQ(back[0].verdict, DeviceSpeed::Verdict::wrong);
  EXPECT_EQ(back[1].bytes_per_second, 30e9);
  EXPECT_EQ(back[1].verdict, DeviceSpeed::Verdict::right);
  EXPECT_EQ(to_text({{"vulkan:0", "A card", 0, DeviceSpeed::Verdict::unknown}, {"cpu", "P", 30e9}}), "") << "asked again, so not kept";
  for (const char* damaged : {"vulkan:0", "vulkan:0\tA", "vulkan:0\tA\tfast\n", "vulkan:0\tA\t-1\tright\n", "vulkan:0\tA\t1\n", "vulkan:0\tA\t1\tgood\n", "vulkan:0\tA\t0\tunknown\n"}) EXPECT_TRUE(devices_from_text(damaged).empty()) << damaged;
}

TEST(DeviceChoice, TheProcessorReadsMoreThanItsCachesHold) {
  constexpr std::int64_t kMiB = 1 << 20, kWanted = 512 * kMiB;
  const auto bytes = [](std::int64_t cache, std::int64_t free) {
    DeviceInfo device;
    device.cache_bytes = cache, device.memory_free_bytes = free;
    return ReadBandwidth::bytes_for(device, kWanted);
  };
  EXPECT_EQ(bytes(0, 16384 * kMiB), kWanted);
  EXPECT_EQ(bytes(32 * kMiB, 16384 * kMiB), kWanted);
  EXPECT_EQ(bytes(256 * kMiB, 16384 * kMiB), 1024 * kMiB);
  EXPECT_EQ(bytes(1152 * kMiB, 65536 * kMiB), 2048 * kMiB);
  EXPECT_EQ(bytes(256 * kMiB, 2048 * kMiB), 512 * kMiB) << "a quarter of what is free";
  EXPECT_EQ(bytes(0, 1000 * kMiB), 240 * kMiB);
  EXPECT_EQ(bytes(0, 0), 16 * kMiB);
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
