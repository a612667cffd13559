#pragma once
// The shaders, as the build made them of shaders/*.comp, and what is read off their SPIR-V: which storage buffers they have and
// whether they write them, how many bytes of push constants, which specialisation constants.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "generated/gpu/vulkan/shader_list.h"  // made by the build: enum class ShaderId, one name a module

namespace foreword::gpu::vulkan {

struct ShaderFacts {
  struct Binding {
    bool read = true, written = true;
  };
  std::vector<Binding> bindings;  // of set 0, by binding number
  std::uint32_t push_bytes = 0;
  std::uint32_t n_constants = 0;  // ids 0 .. n - 1
};

std::string_view name_of(ShaderId id);
std::span<const std::uint32_t> code_of(ShaderId id);

/// check()s that it is a module of ours: storage buffers in set 0 only, at most one block of push constants.
ShaderFacts read_facts(std::span<const std::uint32_t> code);

}  // namespace foreword::gpu::vulkan
