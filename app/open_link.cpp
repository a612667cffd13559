#include "app/open_link.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace foreword::app {

Result<void> open_link(const std::string& target) {
  if (!target.starts_with("https://") && !target.starts_with("http://") && !target.starts_with("mailto:")) {
    return Error{ErrorCode::invalid_argument, "Only addresses of the web and of mail are opened."};
  }
  std::string program = "xdg-open", argument = target;
  const std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  sigset_t standard;  // what the window ignores, others may count on
  sigemptyset(&standard);
  sigaddset(&standard, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &standard);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int failure = posix_spawnp(&child, program.c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) return Error{ErrorCode::not_found, "No program opens links here; copy the address instead, or install xdg-utils."};
  std::thread([child] { waitpid(child, nullptr, 0); }).detach();
  return {};
}

}  // namespace foreword::app
