#pragma once
// How the cases open a Vulkan device.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "gpu/vulkan/vulkan_backend.h"

namespace foreword::gpu {

/// As FOREWORD_VULKAN says (gpu/vulkan/options.h) and `words` after it; software included, under validation layers whose messages go to
/// `messages`, which outlives the backend. Kernels are kept for the next device: drivers take longer to compile them than cases to run.
inline VulkanOptions options_for_tests(std::vector<std::string>& messages, const std::string& words = {}) {
  const char* asked = std::getenv("FOREWORD_VULKAN");
  VulkanOptions options = vulkan_options_from_words((asked == nullptr ? "" : asked + std::string(",")) + words);
  options.software = options.validate = true;
  options.cache_folder = (std::filesystem::path(testing::TempDir()) / "foreword-test-kernels").string();
  options.on_message = [&messages](std::string_view message) { messages.emplace_back(message); };
  return options;
}

}  // namespace foreword::gpu
