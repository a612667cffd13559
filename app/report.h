#pragma once
// What a command found out: ordered keys and values, printed as one JSON object. Hides the JSON library, whose header
// is slow to compile.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace foreword::app {

class Report {
 public:
  Report();
  Report(const Report& other);
  Report(Report&&) noexcept;
  Report& operator=(Report other) noexcept;
  ~Report();

  Report& set(std::string_view key, std::string_view value);  // bytes that are not UTF-8 become U+FFFD
  Report& set(std::string_view key, const char* value) { return set(key, std::string_view(value)); }
  Report& set(std::string_view key, std::int64_t value);
  Report& set(std::string_view key, int value) { return set(key, static_cast<std::int64_t>(value)); }
  Report& set(std::string_view key, double value);  // not finite: null
  Report& set(std::string_view key, bool value);
  Report& set(std::string_view key, const std::vector<std::int32_t>& values);
  Report& set(std::string_view key, const std::vector<std::int64_t>& values);
  Report& set(std::string_view key, const std::vector<double>& values);
  Report& set(std::string_view key, const std::vector<std::string>& values);
  Report& set(std::string_view key, const Report& value);
  Report& set(std::string_view key, const std::vector<Report>& values);
  Report& set_null(std::string_view key);

  std::string to_json() const;  // one line
  /// to_json() and a newline on stdout.
  void print() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreword::app
