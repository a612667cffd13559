#pragma once
// How a Vulkan device is opened: what tests and people who look for a fault want otherwise.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace foreword::gpu {

struct VulkanOptions {
  bool software = false;        // also drivers that run on the processor
  bool validate = false;        // validation layers, core and synchronisation; what they say goes to `on_message`
  bool staging = false;         // as if the device's memory could not be reached by the host
  bool no_float16 = false;      // as if the device had no 16-bit storage
  bool integer_dot = false;     // the dot product of bytes also where it is not in hardware
  bool no_integer_dot = false;  // as if the device had no dot product of bytes
  bool no_subgroups = false;    // as if the device could not add up within a subgroup
  bool no_fusion = false;       // every op by itself
  std::int64_t fail_allocation = -1;  // the request for memory that fails, from 0
  std::int64_t lose_at_submit = -1;   // the submission at which the device is lost, from 0
  std::int64_t max_range = 0;         // bytes of one binding at most, less than the device takes; 0: what it takes
  std::int64_t max_operations = 0;    // of one dispatch, where that is not what suits the device
  std::string cache_folder;           // of compiled pipelines; empty: none
  std::function<void(std::string_view)> on_message = {};
};

/// Sets what the words name, parted by commas: "software", "validate", "staging", "no-float16", "integer-dot", "no-integer-dot", "no-subgroups",
/// "no-fusion", "fail-allocation=N", "lose-at-submit=N", "max-range=BYTES",
/// "max-operations=N". Unknown words are ignored.
VulkanOptions vulkan_options_from_words(std::string_view words);

}  // namespace foreword::gpu
