#pragma once
// Writes GGUF v3 files that any reader of the format loads. Tensors may be produced while they are written, so that
// a file may be larger than memory. Wrong use (a name twice, data of the wrong size) is our own mistake: check().

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "gpu/format.h"

namespace foreword::engine {

class GgufWriter {
 public:
  /// The C++ type decides the type in the file: readers of other programs insist on the usual ones (u32 for counts,
  /// f32 for factors, i32 for token types). Arrays of arrays are not offered.
  using Value = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float,
                             bool, std::string, std::uint64_t, std::int64_t, double, std::vector<std::uint8_t>,
                             std::vector<std::int8_t>, std::vector<std::uint16_t>, std::vector<std::int16_t>,
                             std::vector<std::uint32_t>, std::vector<std::int32_t>, std::vector<float>,
                             std::vector<bool>, std::vector<std::string>, std::vector<std::uint64_t>,
                             std::vector<std::int64_t>, std::vector<double>>;

  /// Fills `rows`, which are whole rows of the tensor from row `first_row` on, in the tensor's format. Called with
  /// rising rows until the tensor is complete, each call with as many rows as fit into 4 MiB, at least one.
  using Producer = std::function<Result<void>(std::int64_t first_row, std::span<std::byte> rows)>;

  /// Metadata is written in the order of the first set(); a second one replaces the value. "general.alignment" (u32, a
  /// power of two from 8 up, 32 if not set) takes effect.
  void set(std::string key, Value value);
  /// An entry of a file that GgufFile has read (RawEntry), byte for byte. Not "general.alignment", whose value must be
  /// known here.
  void set_raw(std::string key, std::span<const std::byte> typed_value);

  /// 1 to 4 dimensions, dimension 0 = row length. `data` must live until write() is done.
  void add_tensor(std::string name, gpu::Format format, std::vector<std::int64_t> shape,
                  std::span<const std::byte> data);
  void add_tensor(std::string name, gpu::Format format, std::vector<std::int64_t> shape, Producer producer);

  /// The size of the file that write() makes.
  std::uint64_t file_bytes() const;

  /// Writes a file beside PATH, then renames it to PATH, replacing what was there (engine/base/fresh_file.h). After an error
  /// PATH is as it was and nothing else is left. `io`; `invalid_argument`: PATH is a folder, a device or a pipe; or what a
  /// producer said.
  Result<void> write(const std::filesystem::path& path) const;
  /// Writes to a stream. `io` if it fails.
  Result<void> write(std::ostream& out) const;

 private:
  struct Tensor {
    std::string name;
    gpu::Format format;
    std::vector<std::int64_t> shape;
    std::int64_t n_rows;
    std::uint64_t row_bytes;
    Producer producer;

    std::uint64_t bytes() const { return static_cast<std::uint64_t>(n_rows) * row_bytes; }
  };

  void put(std::string key, std::string typed_value);
  std::string header() const;
  Result<void> write_all(std::ostream& out) const;
  Result<void> write_tensor(const Tensor& tensor, std::vector<std::byte>& buffer, std::ostream& out) const;

  std::vector<std::pair<std::string, std::string>> metadata_;  // key, type and value as in the file
  std::uint64_t alignment_ = kDefaultAlignment;
  std::set<std::string> tensor_names_;
  std::vector<Tensor> tensors_;
};

}  // namespace foreword::engine
