#include "engine/gguf/gguf_writer.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ostream>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "engine/base/check.h"
#include "engine/base/fresh_file.h"
#include "engine/gguf/parser.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBufferBytes = 4 << 20;
constexpr std::string_view kAlignmentKey = "general.alignment";

std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

template <class T>
void append(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}
void append(std::string& out, bool value) { append(out, static_cast<std::uint8_t>(value)); }
void append(std::string& out, const std::string& value) {
  append(out, static_cast<std::uint64_t>(value.size()));
  out += value;
}

// The alternatives of GgufWriter::Value lie in the order of the type ids, without "array": first the scalars, then the
// arrays of each.
constexpr std::size_t kScalars = kMetaTypes - 1;
static_assert(std::variant_size_v<GgufWriter::Value> == 2 * kScalars);

std::uint32_t type_id(std::size_t scalar) {
  const auto array = static_cast<std::size_t>(MetaType::array);
  return static_cast<std::uint32_t>(scalar < array ? scalar : scalar + 1);
}

void append(std::string& out, const GgufWriter::Value& value) {
  const bool is_array = value.index() >= kScalars;
  if (is_array) append(out, static_cast<std::uint32_t>(MetaType::array));
  append(out, type_id(value.index() % kScalars));
  std::visit(
      [&]<class T>(const T& held) {
        if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
          append(out, held);
        } else {
          append(out, static_cast<std::uint64_t>(held.size()));
          for (const auto& element : held) append(out, static_cast<const typename T::value_type&>(element));
        }
      },
      value);
}

}  // namespace

void GgufWriter::put(std::string key, std::string typed_value) {
  check(!key.empty() && key.size() <= 65535, "a key of 1 to 65535 bytes");
  const auto same = [&](const auto& entry) { return entry.first == key; };
  const auto found = std::find_if(metadata_.begin(), metadata_.end(), same);
  if (found == metadata_.end()) {
    metadata_.emplace_back(std::move(key), std::move(typed_value));
  } else {
    found->second = std::move(typed_value);
  }
}

void GgufWriter::set(std::string key, Value value) {
  if (key == kAlignmentKey) {
    const auto* stated = std::get_if<std::uint32_t>(&value);
    check(stated != nullptr && *stated >= 8 && std::has_single_bit(*stated), "general.alignment is a power of two, u32");
    alignment_ = *stated;
  }
  std::string bytes;
  append(bytes, value);
  put(std::move(key), std::move(bytes));
}

void GgufWriter::set_raw(std::string key, std::span<const std::byte> typed_value) {
  check(key != kAlignmentKey, "the alignment is set as a number");
  put(std::move(key), std::string(reinterpret_cast<const char*>(typed_value.data()), typed_value.size()));
}

void GgufWriter::add_tensor(std::string name, gpu::Format format, std::vector<std::int64_t> shape,
                            std::span<const std::byte> data) {
  add_tensor(std::move(name), format, std::move(shape), Producer());
  Tensor& tensor = tensors_.back();
  check(data.size() == tensor.bytes(), "a tensor's data has the size of its shape");
  tensor.producer = [data, row_bytes = tensor.row_bytes](std::int64_t first_row, std::span<std::byte> rows) {
    std::memcpy(rows.data(), data.data() + static_cast<std::uint64_t>(first_row) * row_bytes, rows.size());
    return Result<void>();
  };
}

void GgufWriter::add_tensor(std::string name, gpu::Format format, std::vector<std::int64_t> shape, Producer producer) {
  check(!name.empty() && name.size() <= 63, "a tensor's name of 1 to 63 bytes");  // longer ones fail in other programs
  check(!shape.empty() && shape.size() <= 4, "1 to 4 dimensions");
  for (const std::int64_t length : shape) check(length > 0, "positive dimensions");
  check(tensor_names_.insert(name).second, "a tensor's name that is new");
  std::int64_t n_rows = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) n_rows *= shape[i];
  const auto row_bytes = static_cast<std::uint64_t>(gpu::row_bytes(format, shape[0]));
  tensors_.push_back({std::move(name), format, std::move(shape), n_rows, row_bytes, std::move(producer)});
}

std::string GgufWriter::header() const {
  std::string out(kGgufMagic, sizeof kGgufMagic);
  append(out, std::uint32_t{3});
  append(out, static_cast<std::uint64_t>(tensors_.size()));
  append(out, static_cast<std::uint64_t>(metadata_.size()));
  for (const auto& [key, typed_value] : metadata_) {
    append(out, key);
    out += typed_value;
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append(out, tensor.name);
    append(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::int64_t length : tensor.shape) append(out, length);
    append(out, static_cast<std::uint32_t>(tensor.format));
    append(out, offset);
    offset += round_up(tensor.bytes(), alignment_);
  }
  out.resize(round_up(out.size(), alignment_));
  return out;
}

std::uint64_t GgufWriter::file_bytes() const {
  std::uint64_t bytes = header().size();
  for (const Tensor& tensor : tensors_) bytes += round_up(tensor.bytes(), alignment_);
  return bytes;
}

Result<void> GgufWriter::write_tensor(const Tensor& tensor, std::vector<std::byte>& buffer, std::ostream& out) const {
  const auto rows_at_once = static_cast<std::int64_t>(std::max<std::uint64_t>(1, kBufferBytes / tensor.row_bytes));
  for (std::int64_t row = 0; row < tensor.n_rows; row += rows_at_once) {
    const auto n = static_cast<std::uint64_t>(std::min(rows_at_once, tensor.n_rows - row));
    buffer.resize(n * tensor.row_bytes);
    FW_TRY(tensor.producer(row, buffer));
    if (!out.write(reinterpret_cast<const char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()))) break;
  }
  const std::string padding(round_up(tensor.bytes(), alignment_) - tensor.bytes(), '\0');
  out.write(padding.data(), static_cast<std::streamsize>(padding.size()));
  return {};
}

/// What a stream could not take, its owner finds in it.
Result<void> GgufWriter::write_all(std::ostream& out) const {
  const std::string head = header();
  out.write(head.data(), static_cast<std::streamsize>(head.size()));
  std::vector<std::byte> buffer;
  for (const Tensor& tensor : tensors_) {
    if (!out) break;
    FW_TRY(write_tensor(tensor, buffer, out));
  }
  return {};
}

Result<void> GgufWriter::write(std::ostream& out) const {
  FW_TRY(write_all(out));
  if (!out.flush()) return Error{ErrorCode::io, "The model cannot be written: " + std::generic_category().message(errno) + "."};
  return {};
}

Result<void> GgufWriter::write(const fs::path& path) const {
  FW_ASSIGN(const std::unique_ptr<FreshFile> file, FreshFile::begin(path));
  FW_TRY(write_all(file->out()));
  return file->finish();
}

}  // namespace foreword::engine
