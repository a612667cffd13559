#pragma once
// check(): our own mistakes (a wrong shape, a broken promise). Active in release builds too; prints one line
// and aborts. Never used for the state of the world (files, memory, devices): that is Result<T>.

#include <source_location>

namespace foreword {

[[noreturn]] void check_failed(const char* what, const std::source_location& where);

/// `what` says the promise that was broken, as a literal.
inline void check(bool condition, const char* what,
                  const std::source_location& where = std::source_location::current()) {
  if (!condition) [[unlikely]] check_failed(what, where);
}

}  // namespace foreword
