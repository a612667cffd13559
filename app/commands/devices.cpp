#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/command.h"
#include "app/report.h"
#include "gpu/device_choice.h"
#include "gpu/registry.h"

namespace foreword::app {
namespace {

int run(const CommonOptions& common) {
  std::vector<Report> rows;
  const std::vector<gpu::DeviceInfo> devices = gpu::list_devices();
  gpu::BackendOptions options;
  options.cache_folder = common.engine.cache_folder;
  const gpu::DeviceChoice choice = gpu::choose_device(options);
  for (const gpu::DeviceInfo& device : devices) {
    rows.push_back(Report()
                       .set("id", device.id)
                       .set("name", device.name)
                       .set("backend", device.backend)
                       .set("memory_bytes", device.memory_bytes)
                       .set("memory_free_bytes", device.memory_free_bytes)
                       .set("features", device.features));
    if (common.json) continue;
    std::printf("%-9s %s, %.1f GB of memory", device.id.c_str(), device.name.c_str(), static_cast<double>(device.memory_bytes) / 1e9);
    if (device.memory_free_bytes > 0) std::printf(" (%.1f GB free)", static_cast<double>(device.memory_free_bytes) / 1e9);
    for (const std::string& feature : device.features) std::printf(" %s", feature.c_str());
    std::putchar('\n');
  }
  std::vector<Report> missing;
  for (const gpu::MissingDevices& kind : gpu::missing_devices()) {
    missing.push_back(Report().set("backend", std::string(kind.backend)).set("why", kind.why));
    if (!common.json) std::printf("%-9s none: %s\n", std::string(kind.backend).c_str(), kind.why.c_str());
  }
  if (common.json) Report().set("devices", rows).set("missing", missing).set("auto", choice.id).set("auto_reason", choice.reason).print();
  else if (!choice.reason.empty()) std::printf("auto takes %s: %s\n", choice.id.c_str(), choice.reason.c_str());
  return kOk;
}

}  // namespace

std::function<int()> add_devices(CLI::App&, const CommonOptions& common) {
  return [&common] { return run(common); };
}

}  // namespace foreword::app
