#pragma once
// What --device auto takes: the device that reads its memory fastest, since writing a text is reading the weights once for every
// token. Measured once and kept for a day in the cache folder.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/registry.h"

namespace foreword::gpu {

struct DeviceSpeed {
  std::string id, name;
  double bytes_per_second = 0;  // read by its own kernels
  /// wrong: its results are not what they should be (device_check.h). crashed: its driver ended the program (device_trial.h). refused: it
  /// did not open or its driver refused the kernels. unknown: it could not be asked now, since another copy of the program is trying it
  /// for example, or another program has all its memory.
  enum class Verdict : std::uint8_t { right, wrong, crashed, refused, unknown };
  Verdict verdict = Verdict::right;
};

struct DeviceChoice {
  std::string id;
  std::string reason;  // "reads 330 GB/s, the processor 33"; empty where there is no choice
};

/// What an error says about the device that it comes from: refused, or nothing (full memory).
DeviceSpeed::Verdict verdict_of(const Error& error);

/// Opens each device that is more than a driver on the processor, and measures it: half a second each.
std::vector<DeviceSpeed> measure_devices(const BackendOptions& options);

/// Of measured devices, the processor among them. One that is not right is never taken. Another one has to be a fifth faster, since it
/// also has to be asked each time. Of those the first listed that no other is a tenth faster than: a card may be there twice, and choices should last.
DeviceChoice choose_of(const std::vector<DeviceSpeed>& devices);

/// What was measured less than a day ago for this machine's devices, else measured now and kept.
DeviceChoice choose_device(const BackendOptions& options);

/// The file between runs: a line a device. Empty where one is unknown: the next start asks again. What cannot be read counts as nothing.
std::string to_text(const std::vector<DeviceSpeed>& devices);
std::vector<DeviceSpeed> devices_from_text(std::string_view text);

}  // namespace foreword::gpu
