#pragma once
// The lattice points of the IQ formats as shaders/formats.glsl reads them: four values a word, lowest byte first, table behind
// table in the order of struct Codebooks.

#include <cstdint>
#include <span>

namespace foreword::gpu::vulkan {

/// Lives as long as the program.
std::span<const std::uint32_t> codebook_words();

}  // namespace foreword::gpu::vulkan
