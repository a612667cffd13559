#include "engine/gguf/parser.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>
#include <string>

#include "engine/gguf/text.h"

namespace foreword::engine {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place, which needs little endian");

// Counts beyond these are damage, not a model: the largest vocabularies have some 10^6 entries and merges, the largest
// models some 10^5 tensors. Together with the check against the bytes that are left they bound time and memory.
constexpr std::uint64_t kMostKeys = 1 << 16;
constexpr std::uint64_t kMostTensors = 1 << 20;
constexpr std::uint64_t kMostArrayValues = 1 << 25;  // in all arrays of a file
constexpr std::uint64_t kLongestName = 65535;        // bytes of a key or of a tensor's name
constexpr std::uint64_t kLongestText = 1 << 30;      // bytes of a string value
constexpr int kDeepestArray = 8;
constexpr std::uint32_t kMostDimensions = 4;

constexpr std::uint64_t kSmallestEntry = 8 + 1 + 4 + 1;       // key, type, value
constexpr std::uint64_t kSmallestTensor = 8 + 4 + 8 + 4 + 8;  // name, dimensions, one of them, type, offset

/// Bytes of a value, or for strings and arrays the fewest that one takes.
constexpr std::uint64_t kValueBytes[kMetaTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

bool is_real(MetaType type) { return type == MetaType::f32 || type == MetaType::f64; }

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::int64_t load_integer(MetaType type, const std::byte* from) {
  switch (type) {
    case MetaType::u8: return load<std::uint8_t>(from);
    case MetaType::i8: return load<std::int8_t>(from);
    case MetaType::u16: return load<std::uint16_t>(from);
    case MetaType::i16: return load<std::int16_t>(from);
    case MetaType::u32: return load<std::uint32_t>(from);
    case MetaType::i32: return load<std::int32_t>(from);
    default: return load<std::int64_t>(from);  // a u64 that does not fit is negative here
  }
}

double load_real(MetaType type, const std::byte* from) {
  return type == MetaType::f32 ? static_cast<double>(load<float>(from)) : load<double>(from);
}

/// a * b, or nothing if that is beyond the range of i64. Both positive.
std::optional<std::int64_t> product(std::int64_t a, std::int64_t b) {
  if (a > std::numeric_limits<std::int64_t>::max() / b) return std::nullopt;
  return a * b;
}

std::uint64_t add_saturating(std::uint64_t a, std::uint64_t b) {
  return b > std::numeric_limits<std::uint64_t>::max() - a ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) {
  return add_saturating(value, alignment - 1) / alignment * alignment;
}

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  Result<GgufPart> run();

 private:
  std::uint64_t left() const { return bytes_.size() - position_; }
  Error bad(std::string_view what) const { return damaged(name_, what); }
  Error bad_tensor(const TensorInfo& tensor, std::string_view what) const {
    return bad("the tensor " + printable(tensor.name) + " " + std::string(what));
  }
  Error ends_in_header() const {
    return {ErrorCode::corrupt, printable(name_) + " ends early, before its weights begin. Download it again."};
  }

  template <class T>
  Result<T> number() {
    if (left() < sizeof(T)) return ends_in_header();
    const T value = load<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }
  /// A count of things of at least `least_bytes` each, checked against the limit and against the bytes that are left.
  Result<std::uint64_t> count(std::uint64_t limit, std::uint64_t least_bytes, const char* things);
  Result<std::string_view> text(std::uint64_t limit);

  Result<std::uint32_t> version();
  Result<MetaType> type();
  Result<MetaValue> scalar(MetaType type);
  Result<MetaValue> array();
  Result<MetaValue> booleans(std::uint64_t n);
  Result<MetaValue> strings(std::uint64_t n);
  MetaValue numbers(MetaType type, std::uint64_t n);
  Result<void> skip_arrays(std::uint64_t n, int depth);
  Result<void> entry(GgufPart& part);
  Result<TensorInfo> tensor();
  Result<std::uint64_t> alignment(const Metadata& metadata) const;
  Result<void> place(std::vector<TensorInfo>& tensors, std::uint64_t alignment) const;

  std::span<const std::byte> bytes_;
  std::string_view name_;
  std::uint64_t position_ = 0;
  std::uint64_t array_values_ = 0;
};

Result<std::uint64_t> Parser::count(std::uint64_t limit, std::uint64_t least_bytes, const char* things) {
  FW_ASSIGN(const std::uint64_t n, number<std::uint64_t>());
  if (n > limit) return bad("it claims to hold " + std::to_string(n) + " " + things);
  if (n > left() / least_bytes) return ends_in_header();
  return n;
}

Result<std::string_view> Parser::text(std::uint64_t limit) {
  FW_ASSIGN(const std::uint64_t length, count(limit, 1, "bytes of text in one place"));
  const std::string_view value(reinterpret_cast<const char*>(bytes_.data() + position_), length);
  position_ += length;
  return value;
}

Result<std::uint32_t> Parser::version() {
  const std::size_t magic_bytes = std::min(bytes_.size(), sizeof kGgufMagic);
  if (std::memcmp(bytes_.data(), kGgufMagic, magic_bytes) != 0) {
    return Error{ErrorCode::corrupt, printable(name_) + " is not a GGUF file; choose a model file that ends in .gguf."};
  }
  position_ = magic_bytes;
  FW_ASSIGN(const auto version, number<std::uint32_t>());
  if (version == 2 || version == 3) return version;

  if ((version & 0xffffu) == 0 && version != 0) {  // a small number from the other end
    return Error{ErrorCode::unsupported, printable(name_) + " is written for big-endian computers; use the "
                                                            "little-endian file of the same model."};
  }
  return Error{ErrorCode::unsupported,
               printable(name_) + " is a GGUF file of version " + std::to_string(version) +
                   (version < 2 ? ", which is too old; use a newer file of the same model."
                                : "; it needs a newer version of this program.")};
}

Result<MetaType> Parser::type() {
  FW_ASSIGN(const auto id, number<std::uint32_t>());
  if (id >= kMetaTypes) return bad("its metadata has a value of the unknown type " + std::to_string(id));
  return static_cast<MetaType>(id);
}

MetaValue Parser::numbers(MetaType type, std::uint64_t n) {
  const std::byte* from = bytes_.data() + position_;
  const std::uint64_t width = kValueBytes[static_cast<std::uint32_t>(type)];
  position_ += n * width;
  if (is_real(type)) {
    std::vector<double> values(n);
    for (std::uint64_t i = 0; i < n; ++i) values[i] = load_real(type, from + i * width);
    return {std::move(values)};
  }
  std::vector<std::int64_t> values(n);
  bool fits = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    values[i] = load_integer(type, from + i * width);
    fits = fits && (type != MetaType::u64 || values[i] >= 0);
  }
  if (fits) return {std::move(values)};
  std::vector<double> reals(n);
  for (std::uint64_t i = 0; i < n; ++i) reals[i] = static_cast<double>(static_cast<std::uint64_t>(values[i]));
  return {std::move(reals)};
}

Result<MetaValue> Parser::booleans(std::uint64_t n) {
  std::vector<bool> values(n);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto byte = load<std::uint8_t>(bytes_.data() + position_ + i);
    if (byte > 1) return bad("its metadata has a yes-or-no value that is neither");
    values[i] = byte == 1;
  }
  position_ += n;
  return MetaValue{std::move(values)};
}

Result<MetaValue> Parser::strings(std::uint64_t n) {
  std::vector<std::string> values;
  values.reserve(n);
  for (std::uint64_t i = 0; i < n; ++i) {
    FW_ASSIGN(const std::string_view value, text(kLongestText));
    values.emplace_back(value);
  }
  return MetaValue{std::move(values)};
}

Result<MetaValue> Parser::scalar(MetaType type) {
  if (type == MetaType::string) {
    FW_ASSIGN(const std::string_view value, text(kLongestText));
    return MetaValue{std::string(value)};
  }
  if (left() < kValueBytes[static_cast<std::uint32_t>(type)]) return ends_in_header();
  if (type == MetaType::boolean) {
    FW_ASSIGN(const MetaValue one, booleans(1));
    return MetaValue{std::get<std::vector<bool>>(one.value)[0]};
  }
  const MetaValue one = numbers(type, 1);
  if (const auto* reals = std::get_if<std::vector<double>>(&one.value)) return MetaValue{(*reals)[0]};
  return MetaValue{std::get<std::vector<std::int64_t>>(one.value)[0]};
}

Result<void> Parser::skip_arrays(std::uint64_t n, int depth) {
  if (depth > kDeepestArray) return bad("its metadata has lists in lists without end");
  for (std::uint64_t i = 0; i < n; ++i) {
    FW_ASSIGN(const MetaType element, type());
    const std::uint64_t width = kValueBytes[static_cast<std::uint32_t>(element)];
    FW_ASSIGN(const std::uint64_t n_inner, count(kMostArrayValues, width, "values in one list"));
    if (element == MetaType::array) {
      FW_TRY(skip_arrays(n_inner, depth + 1));
    } else if (element == MetaType::string) {
      for (std::uint64_t j = 0; j < n_inner; ++j) FW_TRY(text(kLongestText));
    } else {
      position_ += n_inner * width;
    }
  }
  return {};
}

Result<MetaValue> Parser::array() {
  FW_ASSIGN(const MetaType element, type());
  const std::uint64_t width = kValueBytes[static_cast<std::uint32_t>(element)];
  FW_ASSIGN(const std::uint64_t n, count(kMostArrayValues - array_values_, width, "values in lists"));
  array_values_ += n;
  if (element == MetaType::array) {
    FW_TRY(skip_arrays(n, 2));
    return MetaValue{n};
  }
  if (element == MetaType::string) return strings(n);
  if (element == MetaType::boolean) return booleans(n);
  return numbers(element, n);
}

Result<void> Parser::entry(GgufPart& part) {
  FW_ASSIGN(const std::string_view key, text(kLongestName));
  if (key.empty()) return bad("its metadata has an entry without a name");
  if (part.metadata.find(key) != nullptr) return bad("its metadata has two entries named " + printable(key));
  const std::uint64_t start = position_;
  FW_ASSIGN(const MetaType value_type, type());
  FW_ASSIGN(MetaValue value, value_type == MetaType::array ? array() : scalar(value_type));
  part.metadata.set(std::string(key), std::move(value));
  part.raw_metadata.push_back({key, bytes_.subspan(start, position_ - start)});
  return {};
}

/// The tensor with its offset as the file states it: from the start of the data.
Result<TensorInfo> Parser::tensor() {
  TensorInfo tensor;
  FW_ASSIGN(tensor.name, text(kLongestName));
  if (tensor.name.empty()) return bad("it has a tensor without a name");
  FW_ASSIGN(const auto n_dimensions, number<std::uint32_t>());
  if (n_dimensions == 0 || n_dimensions > kMostDimensions) {
    return bad_tensor(tensor, "has " + std::to_string(n_dimensions) + " dimensions");
  }
  std::int64_t n_values = 1;
  for (std::uint32_t i = 0; i < n_dimensions; ++i) {
    FW_ASSIGN(const auto length, number<std::int64_t>());
    if (length <= 0) return bad_tensor(tensor, "has a dimension that is not positive");
    const auto larger = product(n_values, length);
    if (!larger) return bad_tensor(tensor, "is larger than any memory");
    n_values = *larger;
    tensor.shape.push_back(length);
  }
  FW_ASSIGN(const auto id, number<std::uint32_t>());
  const Result<gpu::Format> format = gpu::format_from_id(id);
  if (!format) return Error{format.error().code, "In " + printable(name_) + " some " + format.error().message};
  tensor.format = *format;

  const gpu::FormatInfo& row = gpu::info(tensor.format);
  if (tensor.shape[0] % row.block_length != 0) {
    return bad_tensor(tensor, "has rows of " + std::to_string(tensor.shape[0]) + " values, which " +
                                  std::string(row.name) + " cannot store");
  }
  const auto bytes = product(n_values / row.block_length, row.block_bytes);
  if (!bytes) return bad_tensor(tensor, "is larger than any memory");
  tensor.bytes = static_cast<std::uint64_t>(*bytes);
  FW_ASSIGN(tensor.offset, number<std::uint64_t>());
  return tensor;
}

Result<std::uint64_t> Parser::alignment(const Metadata& metadata) const {
  FW_ASSIGN(const auto stated, metadata.integer("general.alignment"));
  const std::int64_t value = stated.value_or(kDefaultAlignment);
  const bool usable = value >= 8 && value <= kLargestAlignment &&
                      std::has_single_bit(static_cast<std::uint64_t>(value));
  if (!usable) return bad("its data alignment is " + std::to_string(value) + ", which is not a power of two from 8 to " + std::to_string(kLargestAlignment));
  return static_cast<std::uint64_t>(value);
}

/// Turns offsets into offsets from the start of the file, and makes sure that every tensor has its own bytes in it.
Result<void> Parser::place(std::vector<TensorInfo>& tensors, std::uint64_t alignment) const {
  std::vector<const TensorInfo*> in_order;
  std::uint64_t packed = 0;  // bytes of all tensors if they lie one behind the other
  for (const TensorInfo& tensor : tensors) {
    if (tensor.offset % alignment != 0) {
      return bad_tensor(tensor, "begins at " + std::to_string(tensor.offset) + ", which is not a multiple of " +
                                    std::to_string(alignment));
    }
    packed = add_saturating(packed, round_up(tensor.bytes, alignment));
    in_order.push_back(&tensor);
  }
  std::stable_sort(in_order.begin(), in_order.end(), [](auto* a, auto* b) { return a->offset < b->offset; });

  std::uint64_t end = 0;  // of the data so far
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    const TensorInfo& tensor = *in_order[i];
    if (tensor.offset < end) return bad_tensor(tensor, "overlaps " + printable(in_order[i - 1]->name));
    end = add_saturating(tensor.offset, tensor.bytes);
  }

  const std::uint64_t start = round_up(position_, alignment);
  const std::uint64_t need = add_saturating(start, end);
  if (!tensors.empty() && need > bytes_.size()) {
    // A whole file has no gaps between its tensors: then it was cut. Else an offset is wrong.
    if (end > packed) return bad_tensor(*in_order.back(), "lies outside of the file");
    return Error{ErrorCode::corrupt,
                 printable(name_) + " ends early: " + part_of_bytes(bytes_.size(), need) + ". Download it again."};
  }
  for (TensorInfo& tensor : tensors) tensor.offset += start;
  return {};
}

Result<GgufPart> Parser::run() {
  GgufPart part;
  FW_ASSIGN(part.version, version());
  FW_ASSIGN(const std::uint64_t n_tensors, count(kMostTensors, kSmallestTensor, "tensors"));
  FW_ASSIGN(const std::uint64_t n_keys, count(kMostKeys, kSmallestEntry, "metadata entries"));

  part.metadata = Metadata(std::string(name_));
  for (std::uint64_t i = 0; i < n_keys; ++i) FW_TRY(entry(part));
  FW_ASSIGN(const std::uint64_t data_alignment, alignment(part.metadata));

  std::set<std::string_view> names;
  part.tensors.reserve(n_tensors);  // so that the views in `names` stay good
  for (std::uint64_t i = 0; i < n_tensors; ++i) {
    FW_ASSIGN(TensorInfo info, tensor());
    part.tensors.push_back(std::move(info));
    if (!names.insert(part.tensors.back().name).second) return bad_tensor(part.tensors.back(), "appears twice");
  }
  FW_TRY(place(part.tensors, data_alignment));
  return part;
}

}  // namespace

Result<GgufPart> parse_part(std::span<const std::byte> bytes, std::string_view name) {
  if (bytes.empty()) return Error{ErrorCode::corrupt, printable(name) + " is empty. Download it again."};
  return Parser(bytes, name).run();
}

}  // namespace foreword::engine
