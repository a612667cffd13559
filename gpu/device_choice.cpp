#include "gpu/device_choice.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>

#include "engine/base/cache_file.h"
#include "gpu/bandwidth.h"
#include "gpu/device_check.h"
#include "gpu/device_trial.h"

namespace foreword::gpu {
namespace {

using Verdict = DeviceSpeed::Verdict;

constexpr std::int64_t kBytes = std::int64_t{512} << 20;  // no cache of a card holds a quarter
constexpr int kPasses = 4;
// A card that slept has its memory at a fraction of its speed at first.
constexpr std::chrono::milliseconds kWaking{300};
constexpr double kWorthIt = 1.2, kFaster = 1.1;
constexpr auto kKept = std::chrono::hours(24);
constexpr std::string_view kProcessor = "cpu";

/// What the kept file calls a verdict, and what stands before and behind the device's name in a sentence.
struct VerdictRow {
  std::string_view name, before, behind;
};
constexpr VerdictRow kVerdicts[] = {
    {"right", "", ""},
    {"wrong", "", " computes other results than it should"},
    {"crashed", "trying ", " ended the program twice"},
    {"refused", "", " did not open or refused the program's kernels; a newer driver may help"},
    {"unknown", "", " could not be asked now"},
};
const VerdictRow& row_of(const DeviceSpeed& device) { return kVerdicts[static_cast<std::size_t>(device.verdict)]; }

DeviceSpeed measure(const DeviceInfo& device, const BackendOptions& options) {
  DeviceSpeed speed{device.id, device.name};
  const bool is_processor = device.id == kProcessor;
  const DeviceTrial trial(is_processor ? std::string() : options.cache_folder, device.id);
  if (trial.crashed_before()) {
    speed.verdict = Verdict::crashed;
    return speed;
  }
  speed.verdict = Verdict::unknown;
  if (trial.under_way()) return speed;
  const auto because = [&speed](const Error& error) { return speed.verdict = verdict_of(error), speed; };
  auto backend = open_device(device.id, options);
  if (!backend) return because(backend.error());
  if (!is_processor) {
    auto processor = open_device(kProcessor, options);
    if (!processor) return speed;
    const Result<bool> same = computes_as(**processor, **backend);
    if (!same) return because(same.error());
    if (!*same) {
      speed.verdict = Verdict::wrong;
      return speed;
    }
  }
  auto bandwidth = ReadBandwidth::prepare(**backend, kBytes);
  if (!bandwidth) return because(bandwidth.error());
  const auto end = std::chrono::steady_clock::now() + (is_processor ? std::chrono::milliseconds(0) : kWaking);
  for (int pass = 0; pass < kPasses || std::chrono::steady_clock::now() < end; ++pass) {
    speed.bytes_per_second = std::max(speed.bytes_per_second, bandwidth->pass());
  }
  speed.verdict = speed.bytes_per_second > 0 ? Verdict::right : Verdict::refused;
  return speed;
}

std::string in_gigabytes(double bytes_per_second) { return std::to_string(std::lround(bytes_per_second / 1e9)); }

/// What auto may take.
std::vector<DeviceInfo> real_devices() {
  std::vector<DeviceInfo> all = list_devices();
  std::erase_if(all, [](const DeviceInfo& device) { return std::ranges::find(device.features, kSoftware) != device.features.end(); });
  return all;
}

bool same_devices(const std::vector<DeviceSpeed>& kept, const std::vector<DeviceInfo>& now) {
  return std::ranges::equal(kept, now, [](const DeviceSpeed& a, const DeviceInfo& b) { return a.id == b.id && a.name == b.name; });
}

std::vector<DeviceSpeed> read_kept(const std::filesystem::path& file) {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file, error);
  if (error || std::filesystem::file_time_type::clock::now() - written > kKept) return {};
  std::ifstream stream(file);
  return devices_from_text(std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()));
}

}  // namespace

DeviceSpeed::Verdict verdict_of(const Error& error) {
  return error.code == ErrorCode::unsupported || error.code == ErrorCode::device_lost ? Verdict::refused : Verdict::unknown;
}

std::vector<DeviceSpeed> measure_devices(const BackendOptions& options) {
  std::vector<DeviceSpeed> all;
  for (const DeviceInfo& device : real_devices()) all.push_back(measure(device, options));
  return all;
}

DeviceChoice choose_of(const std::vector<DeviceSpeed>& devices) {
  const auto processor = std::ranges::find(devices, kProcessor, &DeviceSpeed::id);
  const double its = processor == devices.end() ? 0 : processor->bytes_per_second;
  std::vector<DeviceSpeed> others;
  std::string wrong;
  for (const DeviceSpeed& d : devices) {
    if (d.id == kProcessor) continue;
    if (d.verdict == Verdict::right) others.push_back(d);
    else wrong = std::string(row_of(d).before) + d.name + std::string(row_of(d).behind);
  }
  if (others.empty()) return {std::string(kProcessor), wrong};
  DeviceSpeed best = others.front();
  for (const DeviceSpeed& d : others) {
    if (d.bytes_per_second > kFaster * best.bytes_per_second) best = d;
  }
  if (best.bytes_per_second > kWorthIt * its) {
    return {best.id, "reads " + in_gigabytes(best.bytes_per_second) + " GB/s, the processor " + in_gigabytes(its)};
  }
  return {std::string(kProcessor), "the processor reads " + in_gigabytes(its) + " GB/s, " + best.name + " " + in_gigabytes(best.bytes_per_second)};
}

DeviceChoice choose_device(const BackendOptions& options) {
  const std::vector<DeviceInfo> now = real_devices();
  if (now.size() == 1) return {now.front().id, ""};
  const std::filesystem::path file = options.cache_folder.empty() ? std::filesystem::path() : std::filesystem::path(options.cache_folder) / "devices.tsv";
  if (!file.empty()) {
    if (const auto kept = read_kept(file); same_devices(kept, now)) return choose_of(kept);
  }
  const std::vector<DeviceSpeed> measured = measure_devices(options);
  const std::string text = to_text(measured);
  if (!file.empty() && !text.empty()) write_cache_file(file, text);
  return choose_of(measured);
}

std::string to_text(const std::vector<DeviceSpeed>& devices) {
  std::string text;
  if (std::ranges::find(devices, Verdict::unknown, &DeviceSpeed::verdict) != devices.end()) return text;
  for (const DeviceSpeed& d : devices) text += d.id + '\t' + d.name + '\t' + std::to_string(std::llround(d.bytes_per_second)) + '\t' + std::string(row_of(d).name) + '\n';
  return text;
}

std::vector<DeviceSpeed> devices_from_text(std::string_view text) {
  std::vector<DeviceSpeed> all;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    DeviceSpeed d;
    std::string verdict;
    if (!std::getline(fields, d.id, '\t') || !std::getline(fields, d.name, '\t') || !(fields >> d.bytes_per_second >> verdict) || d.bytes_per_second < 0) return {};
    d.verdict = static_cast<Verdict>(std::ranges::find(kVerdicts, verdict, &VerdictRow::name) - std::begin(kVerdicts));
    if (d.verdict >= Verdict::unknown) return {};
    all.push_back(std::move(d));
  }
  return all;
}

}  // namespace foreword::gpu
