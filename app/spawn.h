#pragma once
// Other programs, started without a shell.

#include <sys/types.h>

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace foreword::app {

/// Starts the program that the first word names, on the PATH, with the others as they are. It reads nothing and what it writes is lost, but for its
/// standard output if `out` is a file for it. Whoever calls waits for its end (waitpid). `not_found`: there is no such program. Any thread.
Result<pid_t> start_program(std::vector<std::string> words, int out = -1);

/// Whether there is one on the PATH.
bool is_installed(const std::string& program);

}  // namespace foreword::app
