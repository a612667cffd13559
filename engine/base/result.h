#pragma once
// Result<T>: a value or an Error, with the member names of std::expected (C++23), so that it works in
// every C++20 compiler that we use, nvcc's host compiler included. No exceptions cross a room's border.

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/check.h"

namespace foreword {

/// What a caller can act on. Anything finer belongs into the message.
enum class ErrorCode { invalid_argument, not_found, corrupt, unsupported, io, out_of_memory, device_lost, cancelled };

/// `message` is one sentence for a person: what is wrong and what to do about it. UTF-8, no trailing newline.
struct Error {
  ErrorCode code = ErrorCode::invalid_argument;
  std::string message;
};

/// The code's own name ("not_found"), for logs and JSON.
const char* name_of(ErrorCode code);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return check(has_value(), "value() of a failed Result"), std::get<0>(state_); }
  const T& value() const& { return check(has_value(), "value() of a failed Result"), std::get<0>(state_); }
  T&& value() && { return check(has_value(), "value() of a failed Result"), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return check(!has_value(), "error() of a good Result"), std::get<1>(state_); }
  T value_or(T other) const& { return has_value() ? value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { return check(error_.has_value(), "error() of a good Result"), *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace foreword

// Passes an error up: `FW_TRY(expr);` for Result<void>, `FW_ASSIGN(auto x, expr);` for Result<T>.
#define FW_CONCAT_INNER(a, b) a##b
#define FW_CONCAT(a, b) FW_CONCAT_INNER(a, b)
#define FW_TRY(expr)                                   \
  do {                                                 \
    if (auto fw_result = (expr); !fw_result) return fw_result.error(); \
  } while (false)
#define FW_ASSIGN_INNER(tmp, decl, ...)  \
  auto tmp = (__VA_ARGS__);              \
  if (!tmp) return tmp.error();          \
  decl = std::move(tmp).value()
#define FW_ASSIGN(decl, ...) FW_ASSIGN_INNER(FW_CONCAT(fw_result_, __LINE__), decl, __VA_ARGS__)
