#include "engine/gguf/glance.h"

#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/gguf/parser.h"
#include "engine/gguf/text.h"

namespace foreword::engine {
namespace {

constexpr std::size_t kBeginning = 64 << 10;  // bytes; the general keys stand before the vocabulary
constexpr std::uint64_t kScalarBytes[kMetaTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};  // by MetaType; 0: those with a length

/// Reads as far as the bytes go; nothing beyond them.
class Walker {
 public:
  explicit Walker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool skip(std::uint64_t n) {
    if (n > bytes_.size() - at_) return false;
    at_ += static_cast<std::size_t>(n);
    return true;
  }
  template <class T>
  std::optional<T> number() {
    T value;
    const std::size_t from = at_;
    if (!skip(sizeof value)) return std::nullopt;
    std::memcpy(&value, bytes_.data() + from, sizeof value);
    return value;
  }
  std::optional<std::string_view> text() {
    const auto length = number<std::uint64_t>();
    const std::size_t from = at_;
    if (!length || !skip(*length)) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(bytes_.data() + from), *length);
  }
  /// Whether a value of this type ended within the bytes.
  bool skip_value(std::uint32_t type) {
    if (type == static_cast<std::uint32_t>(MetaType::string)) return text().has_value();
    if (type != static_cast<std::uint32_t>(MetaType::array)) return type < kMetaTypes && skip(kScalarBytes[type]);
    const auto of = number<std::uint32_t>();
    const auto n = number<std::uint64_t>();
    if (!of || !n || *of >= kMetaTypes || *of == static_cast<std::uint32_t>(MetaType::array)) return false;
    if (const std::uint64_t each = kScalarBytes[*of]; each > 0) return *n <= bytes_.size() && skip(*n * each);
    for (std::uint64_t i = 0; i < *n; ++i) {
      if (!text()) return false;
    }
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

Result<GgufGlance> glance_at(std::span<const std::byte> bytes, const std::string& name) {
  Walker walker(bytes);
  const Error no_gguf{ErrorCode::corrupt, printable(name) + " is not a GGUF file; choose a model file that ends in .gguf."};
  if (bytes.size() < sizeof kGgufMagic || std::memcmp(bytes.data(), kGgufMagic, sizeof kGgufMagic) != 0) return no_gguf;
  walker.skip(sizeof kGgufMagic);
  const auto version = walker.number<std::uint32_t>();
  if (version && *version != 2 && *version != 3) {
    return Error{ErrorCode::unsupported, printable(name) + " is GGUF of a version that this program does not read; it reads 2 and 3."};
  }
  const auto n_tensors = walker.number<std::uint64_t>(), n_keys = walker.number<std::uint64_t>();
  if (!version || !n_tensors || !n_keys) return no_gguf;
  GgufGlance glance;
  glance.n_tensors = *n_tensors;
  for (std::uint64_t i = 0; i < *n_keys; ++i) {
    const auto key = walker.text();
    const auto type = walker.number<std::uint32_t>();
    if (!key || !type) break;
    std::string* const wanted = *key == "general.architecture" ? &glance.architecture : *key == "general.type" ? &glance.type : nullptr;
    if (wanted == nullptr || *type != static_cast<std::uint32_t>(MetaType::string)) {
      if (!walker.skip_value(*type)) break;
      continue;
    }
    const auto value = walker.text();
    if (!value) break;
    *wanted = *value;
  }
  return glance;
}

Result<GgufGlance> glance_at(const std::filesystem::path& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  const std::string name = path.filename().string();
  if (status.type() == std::filesystem::file_type::not_found) return Error{ErrorCode::not_found, "There is no file " + printable(name) + "."};
  if (status.type() != std::filesystem::file_type::regular) return Error{ErrorCode::unsupported, printable(name) + " is no file."};
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(kBeginning);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.eof() && !file) return Error{ErrorCode::io, printable(name) + " cannot be read; check its permissions."};
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return glance_at(bytes, name);
}

}  // namespace foreword::engine
