#pragma once
// Writes the bytes of a GGUF file one by one, so that tests can write wrong ones. GgufWriter writes only good files.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foreword::test {

class RawGguf {
 public:
  /// Type ids of metadata values, by the format's definition.
  enum Type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

  /// "GGUF", version, counts.
  RawGguf& head(std::uint64_t n_tensors, std::uint64_t n_keys, std::uint32_t version = 3) {
    bytes_ += "GGUF";
    return number(version).number(n_tensors).number(n_keys);
  }
  template <class T>
  RawGguf& number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof bytes);
    return *this;
  }
  RawGguf& text(std::string_view value) {
    number(static_cast<std::uint64_t>(value.size()));
    bytes_ += value;
    return *this;
  }
  RawGguf& key(std::string_view name, Type type) { return text(name).number(static_cast<std::uint32_t>(type)); }
  template <class T>
  RawGguf& entry(std::string_view name, Type type, T value) {
    return key(name, type).number(value);
  }
  RawGguf& list(std::string_view name, Type element, std::uint64_t n) {
    return key(name, array).number(static_cast<std::uint32_t>(element)).number(n);
  }
  RawGguf& tensor(std::string_view name, const std::vector<std::int64_t>& shape, std::uint32_t format,
                  std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(shape.size()));
    for (const std::int64_t length : shape) number(length);
    return number(format).number(offset);
  }
  /// Zeros up to the next multiple of `alignment`, then n bytes of data.
  RawGguf& data(std::size_t n, std::size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    bytes_.append(n, '\x11');
    return *this;
  }

  const std::string& str() const { return bytes_; }

 private:
  std::string bytes_;
};

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace foreword::test
