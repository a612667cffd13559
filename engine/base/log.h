#pragma once
// The log: lines on stderr, for the person who started the program from a terminal. Any thread may call.

#include <string_view>

namespace foreword {

enum class LogLevel { debug, info, warning, error };

/// Lines below this level are dropped. Default: warning. Thread-safe.
void set_log_level(LogLevel level);

/// Writes one line ("foreword: warning: ..."), atomically with respect to other lines.
void log(LogLevel level, std::string_view message);

}  // namespace foreword
