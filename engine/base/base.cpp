#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/result.h"

namespace foreword {
namespace {

std::atomic<LogLevel> g_level{LogLevel::warning};  // the one process-wide switch: a log has no owner to hang it on

constexpr const char* kLevelNames[] = {"debug", "info", "warning", "error"};

constexpr const char* kErrorNames[] = {"invalid_argument", "not_found",     "corrupt",     "unsupported",
                                       "io",               "out_of_memory", "device_lost", "cancelled"};

}  // namespace

const char* name_of(ErrorCode code) { return kErrorNames[static_cast<int>(code)]; }

void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "foreword: internal error: %s (%s:%d)\n", what, file, line);
  std::abort();
}

void set_log_level(LogLevel level) { g_level.store(level, std::memory_order_relaxed); }

void log(LogLevel level, std::string_view message) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  std::string line = "foreword: ";
  line += kLevelNames[static_cast<int>(level)];
  line += ": ";
  line += message;
  // A message may quote a file or a template, which must not steer the terminal.
  std::ranges::replace_if(line, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7F; }, '?');
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace foreword
