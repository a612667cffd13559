#pragma once
// GGUF v2 and v3 files, memory-mapped (format: ggml's docs/gguf.md). Every count, size and offset is checked against
// the file before it is used; whatever a file holds, the answer is a reader or an Error with one sentence.
//
// What no reader of a mapped file can survive: another program that shortens the file while it is open. Touching the
// lost pages ends the process (SIGBUS). Whoever writes models writes beside and renames, as GgufWriter does.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "gpu/format.h"

namespace foreword::engine {

/// One metadata value. Integers of all widths and signs are widened to i64, floats to double; a u64 that an i64 cannot
/// hold becomes a real (with it its whole array), so that asking for it as an integer is `corrupt`. Strings are raw
/// bytes. Arrays are flat; arrays of arrays are kept only as a length.
struct MetaValue {
  enum class Kind : std::uint8_t { integer, real, boolean, string, integers, reals, booleans, strings, nested };
  std::variant<std::int64_t, double, bool, std::string, std::vector<std::int64_t>, std::vector<double>,
               std::vector<bool>, std::vector<std::string>, std::uint64_t>
      value;
  Kind kind() const { return static_cast<Kind>(value.index()); }
};

/// general.alignment of a file that does not state it.
inline constexpr std::uint32_t kDefaultAlignment = 32;
inline constexpr std::int64_t kLargestAlignment = 65536;  // bytes; files are filled up to it

/// One metadata entry as it lies in the file: its value's type id and what follows it, for whoever copies a file without
/// loss (MetaValue forgets widths).
struct RawEntry {
  std::string_view key;
  std::span<const std::byte> typed_value;
};

class FileMapping;

/// Whether a file `out` would take the place of a model of so many parts that was opened as `in`: it is that file, or by its name
/// another part of the same model.
bool is_of_model(const std::filesystem::path& out, const std::filesystem::path& in, int n_parts);

/// Typed look-ups: a missing key is nullopt (or `corrupt` with its name from require_*), a wrong type `corrupt`.
/// Sentences begin with `source`, the name of the file.
class Metadata {
 public:
  explicit Metadata(std::string source = "The model") : source_(std::move(source)) {}

  const std::map<std::string, MetaValue, std::less<>>& all() const { return values_; }
  const MetaValue* find(std::string_view key) const;

  Result<std::optional<std::int64_t>> integer(std::string_view key) const;  // bool and exact reals are refused
  Result<std::optional<double>> real(std::string_view key) const;           // integers are accepted
  Result<std::optional<bool>> boolean(std::string_view key) const;          // bool, or integer 0/1
  Result<std::optional<std::string>> string(std::string_view key) const;
  /// A scalar gives one entry, an array all of its entries; nullopt if missing.
  Result<std::optional<std::vector<std::int64_t>>> integers(std::string_view key) const;  // bools become 0/1
  Result<std::int64_t> require_integer(std::string_view key) const;
  Result<double> require_real(std::string_view key) const;
  Result<std::string> require_string(std::string_view key) const;
  /// An array's entries; nullopt if missing, `corrupt` if it holds no numbers.
  Result<std::optional<std::vector<double>>> reals(std::string_view key) const;  // integers are accepted
  /// Array of strings without a copy; nullptr if missing, `corrupt` if of another type. Likewise integers.
  Result<const std::vector<std::string>*> strings(std::string_view key) const;
  Result<const std::vector<std::int64_t>*> integer_array(std::string_view key) const;

  void set(std::string key, MetaValue value) { values_[std::move(key)] = std::move(value); }

 private:
  Error missing(std::string_view key) const;
  Error wrong_type(std::string_view key, const char* expected) const;

  std::map<std::string, MetaValue, std::less<>> values_;
  std::string source_;
};

struct TensorInfo {
  std::string name;
  gpu::Format format = gpu::Format::f32;
  std::vector<std::int64_t> shape;  // 1 to 4 dimensions, dimension 0 = row length (input features)
  int part = 0;                     // which file of a split model
  std::uint64_t offset = 0;         // bytes from the start of that file
  std::uint64_t bytes = 0;

  std::int64_t n_values() const;
};

class GgufFile {
 public:
  /// Opens a file, and with any part of a split model (PREFIX-00001-of-00003.gguf) all of its parts.
  /// `not_found`, `io`, `corrupt` (ends early, broken tables, overlapping tensors), `unsupported` (other versions, big
  /// endian, removed tensor types). Sentences name the file, not its folder.
  static Result<GgufFile> open(const std::filesystem::path& path);
  /// The same for one file's bytes in memory, which must outlive the result. `name` stands in messages. A part of a
  /// split model is `unsupported` here.
  static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string name);

  const Metadata& metadata() const { return metadata_; }
  /// The same entries in the file's order and bytes, valid as long as the file is mapped; those of a split model's first
  /// part.
  const std::vector<RawEntry>& raw_metadata() const { return raw_metadata_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }  // in file order, parts one behind the other
  const TensorInfo* find(std::string_view name) const;
  /// The tensor's bytes in the mapped file.
  std::span<const std::byte> data(const TensorInfo& tensor) const;
  /// All bytes of part i, as mapped.
  std::span<const std::byte> part(int i) const { return parts_[static_cast<std::size_t>(i)]; }
  /// Tells the system that the bytes are not needed for now: they stop to count as this program's memory, and come back
  /// from the file when they are read. Nothing happens to bytes that were not mapped from a file.
  void release_pages() const;
  int n_parts() const { return static_cast<int>(parts_.size()); }
  std::uint32_t version() const { return version_; }
  std::uint64_t total_bytes() const;
  const std::string& name() const { return name_; }  // file name without folder

 private:
  GgufFile() = default;
  Result<void> add_part(std::span<const std::byte> bytes, std::vector<TensorInfo> tensors);

  std::vector<std::shared_ptr<const FileMapping>> mappings_;  // shared: a copy of the reader keeps the file mapped
  std::vector<std::span<const std::byte>> parts_;
  Metadata metadata_;
  std::vector<RawEntry> raw_metadata_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::uint32_t version_ = 0;
  std::string name_;
};

}  // namespace foreword::engine
