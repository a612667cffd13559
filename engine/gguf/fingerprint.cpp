#include "engine/gguf/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace foreword::engine {
namespace {

constexpr std::size_t kSample = 32 * 1024;

// Two chains of 64 bits: multiply and fold, each with constants of its own (odd, from the digits of pi).
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    add_word(bytes.size());
    for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) add_word(word(bytes.first(8)));
    if (!bytes.empty()) add_word(word(bytes));
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  void add_word(std::uint64_t value) {
    for (std::size_t i = 0; i < state_.size(); ++i) {
      state_[i] = (state_[i] ^ value) * kFactors[i];
      state_[i] ^= state_[i] >> 29;
    }
  }
  std::string text() const {
    char digits[33];
    std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(state_[0]), static_cast<unsigned long long>(state_[1]));
    return digits;
  }

 private:
  static constexpr std::array<std::uint64_t, 2> kFactors{0x243F6A8885A308D3, 0x13198A2E03707345};

  static std::uint64_t word(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  std::array<std::uint64_t, 2> state_{0xA4093822299F31D0, 0x082EFA98EC4E6C89};
};

}  // namespace

std::string fingerprint(const GgufFile& file) {
  Hash hash;
  for (const RawEntry& entry : file.raw_metadata()) {
    hash.add(entry.key);
    hash.add(entry.typed_value);
  }
  for (const TensorInfo& tensor : file.tensors()) {
    hash.add(tensor.name);
    hash.add_word(static_cast<std::uint64_t>(tensor.format));
    for (const std::int64_t length : tensor.shape) hash.add_word(static_cast<std::uint64_t>(length));
    const auto bytes = file.data(tensor);
    hash.add(bytes.first(std::min(bytes.size(), kSample)));
    hash.add(bytes.last(std::min(bytes.size(), kSample)));
  }
  return hash.text();
}

}  // namespace foreword::engine
