#include "gpu/cpu/topology.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace foreword::gpu {
namespace {

using Processors = std::vector<int>;

// A made-up /sys.
class TopologyTest : public testing::Test {
 protected:
  ~TopologyTest() override { std::filesystem::remove_all(sys_); }

  void put(const std::string& path, const std::string& line) {
    const std::filesystem::path file = sys_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << line << '\n';
  }
  void put_processor(int p, const std::string& siblings, const std::string& capacity = "") {
    const std::string folder = "devices/system/cpu/cpu" + std::to_string(p);
    put(folder + "/topology/thread_siblings_list", siblings);
    if (!capacity.empty()) put(folder + "/cpu_capacity", capacity);
  }

  std::filesystem::path sys_ = std::filesystem::temp_directory_path() / ("foreword-topology-" + std::to_string(::getpid()));
};

TEST(ProcessorList, RangesAndNonsense) {
  EXPECT_EQ(parse_processor_list("0-3,8,10-11"), (Processors{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_processor_list("5"), (Processors{5}));
  EXPECT_EQ(parse_processor_list(""), Processors());
  EXPECT_EQ(parse_processor_list("x,1"), Processors());
  EXPECT_EQ(parse_processor_list("3-1"), Processors());
  EXPECT_EQ(parse_processor_list("0-999999999").size(), 4096u);
}

TEST_F(TopologyTest, NothingKnownKeepsAll) { EXPECT_EQ(processors_worth_a_thread({0, 1, 5}, sys_), (Processors{0, 1, 5})); }

TEST_F(TopologyTest, OneThreadForACoreOfTwo) {
  for (int p = 0; p < 4; ++p) put_processor(p, std::to_string(p % 2) + "," + std::to_string(p % 2 + 2));
  EXPECT_EQ(processors_worth_a_thread({0, 1, 2, 3}, sys_), (Processors{0, 1}));
  EXPECT_EQ(processors_worth_a_thread({1, 2, 3}, sys_), (Processors{1, 2}));  // the sibling of 2 is not ours
}

TEST_F(TopologyTest, IntelPerformanceCores) {
  put("devices/cpu_core/cpus", "0-3");
  put("devices/cpu_atom/cpus", "4-7");
  for (int p = 0; p < 4; ++p) put_processor(p, p < 2 ? "0-1" : "2-3");
  for (int p = 4; p < 8; ++p) put_processor(p, std::to_string(p));
  EXPECT_EQ(processors_worth_a_thread({0, 1, 2, 3, 4, 5, 6, 7}, sys_), (Processors{0, 2}));
  EXPECT_EQ(processors_worth_a_thread({4, 5}, sys_), (Processors{4, 5}));  // bound to efficiency cores: better than none
}

TEST_F(TopologyTest, CapacitiesTellBigFromLittle) {
  for (int p = 0; p < 6; ++p) put_processor(p, std::to_string(p), p < 4 ? "446" : (p == 4 ? "1024" : "900"));
  EXPECT_EQ(processors_worth_a_thread({0, 1, 2, 3, 4, 5}, sys_), (Processors{4, 5}));
}

TEST_F(TopologyTest, EachLastCacheCountsOnce) {
  EXPECT_EQ(last_cache_bytes({0, 1}, sys_), 0);
  for (int p = 0; p < 8; ++p) {
    const std::string folder = "devices/system/cpu/cpu" + std::to_string(p) + "/cache/index";
    const auto put_cache = [&](int index, const char* level, const char* size, const std::string& shared) {
      const std::string at = folder + std::to_string(index);
      put(at + "/level", level), put(at + "/size", size), put(at + "/shared_cpu_list", shared);
    };
    put_cache(0, "1", "32K", std::to_string(p));
    put_cache(1, "1", "32K", std::to_string(p));
    put_cache(2, "2", "1024K", std::to_string(p));
    if (p < 6) put_cache(3, "3", "32768K", p < 3 ? "0-2" : "3-5");
  }
  EXPECT_EQ(last_cache_bytes({0, 1, 2}, sys_), 32 << 20);
  EXPECT_EQ(last_cache_bytes({1, 2, 4, 5}, sys_), 64 << 20);
  EXPECT_EQ(last_cache_bytes({5, 6, 7}, sys_), 34 << 20) << "two have no third one";
}

}  // namespace
}  // namespace foreword::gpu
