#pragma once
// What CLI11 would let through: it takes the largest number that it can hold for one that is larger, wraps negative ones round, and
// makes nothing of a shell's empty variable.

#include <cstdint>
#include <limits>
#include <string>

namespace foreword::app {

inline constexpr std::uint64_t kMostInteger = std::numeric_limits<std::int64_t>::max();

/// From 0 to `most`, in decimal digits alone; anything else is wrong use of the option (CLI::ValidationError).
std::uint64_t whole_number(const char* option, const std::string& text, std::uint64_t most);

/// A check of a file's or a folder's name; empty: it is one.
std::string must_be_named(const std::string& text);

}  // namespace foreword::app
