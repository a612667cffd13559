#pragma once
// That a device is being tried, as a locked file: its driver may take the program down with it, and the next start has to know.

#include <filesystem>
#include <string>

namespace foreword::gpu {

/// The file `trying-ID` in the folder, locked and there as long as this lives. The lock goes with the process, the file stays behind. It
/// counts the trials that ended so. Without a folder that can be written to nothing is known of earlier trials.
class DeviceTrial {
 public:
  DeviceTrial(const std::filesystem::path& folder, std::string id);
  DeviceTrial(const DeviceTrial&) = delete;
  DeviceTrial& operator=(const DeviceTrial&) = delete;
  ~DeviceTrial();

  /// Another copy of the program is at it now.
  bool under_way() const { return under_way_; }
  /// Two trials ended with the program. One may have been ended by somebody who did not want to wait.
  bool crashed_before() const { return n_ended_ >= 2; }

 private:
  std::filesystem::path file_;
  int fd_ = -1;
  bool under_way_ = false;
  int n_ended_ = 0;
};

}  // namespace foreword::gpu
