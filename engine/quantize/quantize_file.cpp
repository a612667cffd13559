#include "engine/quantize/quantize_file.h"

#include <algorithm>
#include <cstring>

#include "engine/gguf/gguf_writer.h"
#include "engine/quantize/encode.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;
using gpu::Format;

constexpr std::size_t kLongestTensorName = 63;  // of other programs that read these files

/// Rows on their way; one for all tensors, which are written one behind the other.
struct Scratch {
  std::vector<float> source, row;
};

/// Makes one tensor's rows while they are written.
class Encoding {
 public:
  Encoding(const GgufFile& file, const TensorInfo& tensor, int n_threads, Scratch& scratch, QuantizedTensor& result)
      : file_(file), tensor_(tensor), n_threads_(n_threads), scratch_(scratch), result_(result) {}

  Result<void> produce(std::int64_t first_row, std::span<std::byte> rows) const {
    const std::int64_t row_length = tensor_.shape[0];
    const std::int64_t n_rows = std::ssize(rows) / gpu::row_bytes(result_.to, row_length);
    scratch_.source.resize(static_cast<std::size_t>(n_rows * row_length));
    decode_source(first_row, n_rows);
    const auto encoded = encode(result_.to, row_length, scratch_.source, {}, rows, n_threads_);
    if (!encoded) {
      return Error{ErrorCode::corrupt, file_.name() + ": The tensor " + tensor_.name +
                                           " holds an infinity or something that is no number; get the file again."};
    }
    add_error(rows, row_length);
    return {};
  }

 private:
  void decode_source(std::int64_t first_row, std::int64_t n_rows) const {
    const gpu::FormatInfo& from = gpu::info(tensor_.format);
    const std::int64_t blocks = tensor_.shape[0] / from.block_length;
    const std::byte* bytes = file_.data(tensor_).data() + first_row * blocks * from.block_bytes;
    from.decode(bytes, n_rows * blocks, scratch_.source.data());
  }

  void add_error(std::span<const std::byte> rows, std::int64_t row_length) const {
    const gpu::FormatInfo& to = gpu::info(result_.to);
    scratch_.row.resize(static_cast<std::size_t>(row_length));
    const std::byte* bytes = rows.data();
    for (std::size_t first = 0; first < scratch_.source.size(); first += scratch_.row.size()) {
      to.decode(bytes, row_length / to.block_length, scratch_.row.data());
      bytes += gpu::row_bytes(result_.to, row_length);
      for (std::size_t i = 0; i < scratch_.row.size(); ++i) {
        const double value = scratch_.source[first + i], difference = value - scratch_.row[i];
        result_.error += difference * difference;
        result_.energy += value * value;
      }
    }
  }

  const GgufFile& file_;
  const TensorInfo& tensor_;
  int n_threads_;
  Scratch& scratch_;
  QuantizedTensor& result_;
};

Result<void> copy_metadata(const GgufFile& file, Format format, GgufWriter& writer) {
  for (const RawEntry& entry : file.raw_metadata()) {
    if (entry.key.starts_with("split.")) continue;
    if (entry.key != "general.alignment") {
      writer.set_raw(std::string(entry.key), entry.typed_value);
      continue;
    }
    FW_ASSIGN(const std::int64_t alignment, file.metadata().require_integer(entry.key));
    writer.set("general.alignment", static_cast<std::uint32_t>(alignment));  // the reader has checked its range
  }
  writer.set("general.file_type", file_type_of(format));
  writer.set("general.quantization_version", std::uint32_t{2});
  return {};
}

}  // namespace

Result<QuantizedFile> quantize_file(const fs::path& in, const fs::path& out, const QuantizeOptions& options,
                                    const std::function<void(std::size_t, std::size_t)>& progress) {
  FW_ASSIGN(const GgufFile file, GgufFile::open(in));
  if (is_of_model(out, in, file.n_parts())) {
    return Error{ErrorCode::invalid_argument, out.string() + " is the model that is read; choose another name for the new file."};
  }
  FW_ASSIGN(const std::vector<Format> formats, plan_formats(file, options.format, options.rules));

  GgufWriter writer;
  FW_TRY(copy_metadata(file, options.format, writer));
  Scratch scratch;
  QuantizedFile result;
  result.bytes_before = file.total_bytes();
  const std::size_t n = file.tensors().size();
  result.tensors.reserve(n);  // the producers keep references
  for (std::size_t i = 0; i < n; ++i) {
    const TensorInfo& tensor = file.tensors()[i];
    if (tensor.name.size() > kLongestTensorName) {
      return Error{ErrorCode::unsupported, file.name() + ": The tensor " + tensor.name.substr(0, kLongestTensorName) +
                                               "... has a longer name than models may have."};
    }
    QuantizedTensor& entry = result.tensors.emplace_back();
    entry = {.name = tensor.name, .from = tensor.format, .to = formats[i], .n_values = tensor.n_values()};
    entry.bytes = static_cast<std::uint64_t>(tensor.n_values() / tensor.shape[0] * gpu::row_bytes(entry.to, tensor.shape[0]));
    if (entry.from != entry.to && gpu::info(entry.from).block_length > 1) ++result.n_twice;
    const Encoding encoding(file, tensor, options.n_threads, scratch, entry);
    const auto copy = [&file, &tensor, &entry](std::int64_t first_row, std::span<std::byte> rows) {
      const std::int64_t row_bytes = gpu::row_bytes(entry.to, tensor.shape[0]);
      std::memcpy(rows.data(), file.data(tensor).data() + first_row * row_bytes, rows.size());
    };
    writer.add_tensor(tensor.name, entry.to, tensor.shape,
                      [&progress, i, n, encoding, copy, same = entry.from == entry.to](
                          std::int64_t first_row, std::span<std::byte> rows) -> Result<void> {
                        if (progress && first_row == 0) progress(i, n);
                        if (!same) return encoding.produce(first_row, rows);
                        copy(first_row, rows);
                        return {};
                      });
  }
  result.bytes = writer.file_bytes();
  FW_TRY(writer.write(out));
  return result;
}

}  // namespace foreword::engine
