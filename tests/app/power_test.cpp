// What feeds the computer, read from folders like those below /sys (A54).

#include <gtest/gtest.h>

#include <fstream>

#include "app/power.h"
#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

class PowerTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = sys / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  void supply(const std::string& name, const std::string& type, const std::string& file, const std::string& value) {
    write("class/power_supply/" + name + "/type", type);
    write("class/power_supply/" + name + "/" + file, value);
  }
  Power read() const { return read_power(sys); }

  test::TempDir folder;
  std::filesystem::path sys = folder.path();
};

TEST_F(PowerTest, AMachineWithoutSuppliesIsFedFromOutside) { EXPECT_EQ(read(), Power{}); }

TEST_F(PowerTest, ABatteryThatRunsDownIsSeenUnlessSomethingFeeds) {
  supply("BAT0", "Battery", "status", "Full");
  EXPECT_FALSE(read().on_battery);
  supply("BAT1", "Battery", "status", "Discharging");
  EXPECT_TRUE(read().on_battery);
  supply("AC", "Mains", "online", "1");
  EXPECT_FALSE(read().on_battery) << "it is being tested or charged by turns";
  supply("AC", "Mains", "online", "0");
  EXPECT_TRUE(read().on_battery);
  supply("ucsi", "USB", "online", "2");
  EXPECT_FALSE(read().on_battery) << "2: a port with another voltage";
}

TEST_F(PowerTest, AMousesBatteryIsNotTheComputers) {
  supply("hid-mouse", "Battery", "status", "Discharging");
  write("class/power_supply/hid-mouse/scope", "Device");
  EXPECT_FALSE(read().on_battery);
}

TEST_F(PowerTest, TheSaverIsTheFirmwaresProfileOrWhatProcessorsAreTold) {
  write("firmware/acpi/platform_profile", "balanced");
  write("devices/system/cpu/cpu0/cpufreq/energy_performance_preference", "balance_power");
  EXPECT_FALSE(read().saver);
  write("firmware/acpi/platform_profile", "low-power");
  EXPECT_TRUE(read().saver);
  write("firmware/acpi/platform_profile", "performance");
  write("devices/system/cpu/cpu0/cpufreq/energy_performance_preference", "power");
  EXPECT_TRUE(read().saver);
}

}  // namespace
}  // namespace foreword::app
