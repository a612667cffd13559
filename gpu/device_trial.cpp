#include "gpu/device_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace foreword::gpu {

DeviceTrial::DeviceTrial(const std::filesystem::path& folder, std::string id) {
  if (folder.empty()) return;
  std::ranges::replace(id, ':', '-');
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  file_ = folder / ("trying-" + id);
  for (;;) {
    fd_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return;
    under_way_ = ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (under_way_) return;
    struct stat now{};
    if (::fstat(fd_, &now) != 0 || now.st_nlink > 0) break;
    ::close(fd_);  // what was opened has just been removed by the copy that was done with it
  }
  char digit = '0';
  if (::pread(fd_, &digit, 1, 0) == 1 && digit >= '0' && digit <= '9') n_ended_ = digit - '0';
  const char more = static_cast<char>('0' + std::min(9, n_ended_ + 1));
  if (::pwrite(fd_, &more, 1, 0) != 1) n_ended_ = 0;  // a full disk is no fault of the device
}

DeviceTrial::~DeviceTrial() {
  if (fd_ < 0) return;
  if (!under_way_) ::unlink(file_.c_str());
  ::close(fd_);
}

}  // namespace foreword::gpu
