#include "gpu/vulkan/codebook_words.h"

#include <vector>

#include "gpu/codebooks.h"

namespace foreword::gpu::vulkan {
namespace {

template <class Table>
void append(const Table& table, std::vector<std::uint32_t>& words) {
  for (const auto& point : table) {
    for (std::size_t i = 0; i < point.size(); i += 4) {
      std::uint32_t word = 0;
      for (std::size_t k = 0; k < 4; ++k) word |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(point[i + k])) << (8 * k);
      words.push_back(word);
    }
  }
}

std::vector<std::uint32_t> make_words() {
  const Codebooks& c = codebooks();
  std::vector<std::uint32_t> words;
  append(c.iq2_xxs, words);
  append(c.iq2_xs, words);
  append(c.iq2_s, words);
  append(c.iq1, words);
  append(c.iq3_xxs, words);
  append(c.iq3_s, words);
  return words;
}

}  // namespace

std::span<const std::uint32_t> codebook_words() {
  static const std::vector<std::uint32_t> words = make_words();
  return words;
}

}  // namespace foreword::gpu::vulkan
