#include "app/open_link.h"

#include <sys/wait.h>

#include <thread>

#include "app/spawn.h"

namespace foreword::app {

Result<void> open_link(const std::string& target) {
  if (!target.starts_with("https://") && !target.starts_with("http://") && !target.starts_with("mailto:")) {
    return Error{ErrorCode::invalid_argument, "Only addresses of the web and of mail are opened."};
  }
  const auto child = start_program({"xdg-open", target});
  if (!child) return Error{ErrorCode::not_found, "No program opens links here; copy the address instead, or install xdg-utils."};
  std::thread([pid = *child] { waitpid(pid, nullptr, 0); }).detach();
  return {};
}

}  // namespace foreword::app
