#pragma once
// A real second process for the storage tests: the test program itself, started again to run one disabled test.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "engine/base/check.h"

namespace foreword::storage {

/// What the parent asked for; nothing in a process that is not such a child.
inline std::optional<std::string> child_argument() {
  const char* argument = std::getenv("FOREWORD_TEST_CHILD");
  return argument ? std::optional<std::string>(argument) : std::nullopt;
}

class Child {
 public:
  static constexpr int kReportFile = 9;  // where a child writes what it has done

  /// `test`: "Suite.DISABLED_name".
  Child(const std::string& test, const std::string& argument) {
    int ends[2];
    check(pipe(ends) == 0, "no pipe");
    const std::string filter = "--gtest_filter=" + test;
    pid_ = fork();
    check(pid_ >= 0, "no child");
    if (pid_ == 0) {
      // Either end may have the very number of the report file, as the shell or CTest leave other files open.
      dup2(ends[1], kReportFile);
      for (const int end : ends) {
        if (end != kReportFile) close(end);
      }
      setenv("FOREWORD_TEST_CHILD", argument.c_str(), 1);
      if (!freopen("/dev/null", "w", stdout)) _exit(126);
      execl("/proc/self/exe", "test", filter.c_str(), "--gtest_also_run_disabled_tests", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    report_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill_now();
    close(report_);
  }

  static void report(const std::string& line) {
    const std::string whole = line + '\n';
    if (write(kReportFile, whole.data(), whole.size()) < 0) _exit(125);
  }

  /// The next line of the report; nothing: the child has ended.
  std::optional<std::string> next_line() {
    std::string line;
    char c = 0;
    while (read(report_, &c, 1) == 1) {
      if (c == '\n') return line;
      line += c;
    }
    return std::nullopt;
  }

  /// kill -9, unless it has ended.
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  /// Waits for its end; its exit code, 0 if its test passed.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  int report_ = -1;
};

}  // namespace foreword::storage
