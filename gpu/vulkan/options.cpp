#include "gpu/vulkan/options.h"

#include <charconv>

namespace foreword::gpu {
namespace {

struct Switch {
  std::string_view word;
  bool VulkanOptions::* on;
};
constexpr Switch kSwitches[] = {
    {"software", &VulkanOptions::software},       {"validate", &VulkanOptions::validate},
    {"staging", &VulkanOptions::staging},         {"no-float16", &VulkanOptions::no_float16},
    {"integer-dot", &VulkanOptions::integer_dot},
    {"no-integer-dot", &VulkanOptions::no_integer_dot}, {"no-subgroups", &VulkanOptions::no_subgroups},
    {"no-fusion", &VulkanOptions::no_fusion},
};

struct Number {
  std::string_view word;
  std::int64_t VulkanOptions::* value;
};
constexpr Number kNumbers[] = {
    {"fail-allocation=", &VulkanOptions::fail_allocation},
    {"lose-at-submit=", &VulkanOptions::lose_at_submit},
    {"max-range=", &VulkanOptions::max_range},
    {"max-operations=", &VulkanOptions::max_operations},
};

}  // namespace

VulkanOptions vulkan_options_from_words(std::string_view words) {
  VulkanOptions options;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(','), words.size());
    const std::string_view word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    for (const Switch& row : kSwitches) {
      if (word == row.word) options.*row.on = true;
    }
    for (const Number& row : kNumbers) {
      if (!word.starts_with(row.word)) continue;
      std::from_chars(word.data() + row.word.size(), word.data() + word.size(), options.*row.value);
    }
  }
  return options;
}

}  // namespace foreword::gpu
