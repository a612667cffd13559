#pragma once
// Names of split models, "model-00001-of-00003.gguf": one model, several files.

#include <optional>
#include <string>
#include <string_view>

namespace foreword::app {

struct SplitName {
  std::string before;  // the name up to "-00001-of-00003.gguf"
  int number = 0, count = 0;

  std::string part(int n) const {
    const auto five = [](int value) { return std::to_string(100'000 + value).substr(1); };
    return before + "-" + five(n) + "-of-" + five(count) + ".gguf";
  }
};

/// Nothing: it is no part of a split model.
inline std::optional<SplitName> split_name(std::string_view name) {
  constexpr std::string_view kForm = "-00000-of-00000.gguf";
  if (name.size() <= kForm.size()) return std::nullopt;
  const std::string_view end = name.substr(name.size() - kForm.size());
  int numbers[2] = {0, 0};
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && end[i] != kForm[i]) return std::nullopt;
    if (kForm[i] != '0') continue;
    if (end[i] < '0' || end[i] > '9') return std::nullopt;
    int& number = numbers[i < 6 ? 0 : 1];
    number = number * 10 + (end[i] - '0');
  }
  return SplitName{std::string(name.substr(0, name.size() - kForm.size())), numbers[0], numbers[1]};
}

}  // namespace foreword::app
