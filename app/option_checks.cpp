#include "app/option_checks.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <system_error>

namespace foreword::app {

std::uint64_t whole_number(const char* option, const std::string& text, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number > most) throw CLI::ValidationError(option, text + " is no whole number that can be used here.");
  return number;
}

std::string must_be_named(const std::string& text) { return text.empty() ? "an empty name; is a variable of the shell not set?" : std::string(); }

}  // namespace foreword::app
