#pragma once
// check(): our own mistakes (a wrong shape, a broken promise). Active in release builds too; prints one line
// and aborts. Never used for the state of the world (files, memory, devices): that is Result<T>.

namespace foreword {

[[noreturn]] void check_failed(const char* what, const char* file, int line);

/// `what` says the promise that was broken, as a literal. (std::source_location's builtins, which clang 14 has too.)
inline void check(bool condition, const char* what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!condition) [[unlikely]] check_failed(what, file, line);
}

}  // namespace foreword
