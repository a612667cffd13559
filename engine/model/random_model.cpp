#include "engine/model/random_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <ostream>
#include <streambuf>
#include <string>

namespace foreword::engine {
namespace {

using gpu::Format;

constexpr ModelShape kShapes[] = {
    {"135m", 30, 576, 1536, 9, 3, 64, 49152, true, "SmolLM2 135M"},
    {"1b", 16, 2048, 8192, 32, 8, 64, 128256, true, "Llama 3.2 1B"},
    {"3b", 28, 3072, 8192, 24, 8, 128, 128256, true, "Llama 3.2 3B"},
    {"8b", 32, 4096, 14336, 32, 8, 128, 128256, false, "Llama 3.1 8B"},
};

/// What stands in for a format whose block length does not divide a row (llama-quantize's rule).
struct Fallback {
  Format wanted, instead;
};
constexpr Fallback kFallbacks[] = {
    {Format::q2_k, Format::q4_0},     {Format::q3_k, Format::q4_0},    {Format::tq1_0, Format::q4_0},
    {Format::tq2_0, Format::q4_0},    {Format::q4_k, Format::q5_0},    {Format::q5_k, Format::q5_1},
    {Format::q6_k, Format::q8_0},     {Format::iq4_xs, Format::iq4_nl}, {Format::iq1_s, Format::iq4_nl},
    {Format::iq1_m, Format::iq4_nl},  {Format::iq2_xxs, Format::iq4_nl}, {Format::iq2_xs, Format::iq4_nl},
    {Format::iq2_s, Format::iq4_nl},  {Format::iq3_xxs, Format::iq4_nl}, {Format::iq3_s, Format::iq4_nl},
};

Format format_for(Format wanted, std::int64_t row_length) {
  if (row_length % gpu::info(wanted).block_length == 0) return wanted;
  for (const Fallback& rule : kFallbacks) {
    if (rule.wanted == wanted) return format_for(rule.instead, row_length);
  }
  return Format::f16;
}

/// Where a block holds half-precision scales, and the spread of what one decodes to when the scale is 1: random codes
/// times `1 / spread` have a standard deviation near 1. Offsets of -1 are unused.
struct ScaleFields {
  Format format;
  int scale, minimum;
  double spread, minimum_share;  // minimum = scale * minimum_share, so that values centre on zero
  bool power = false;            // the scale is a power of two, in one byte
};
constexpr ScaleFields kScaleFields[] = {
    {Format::q4_0, 0, -1, 4.6, 0},   {Format::q4_1, 0, 2, 4.6, -7.5},   {Format::q5_0, 0, -1, 9.2, 0},
    {Format::q5_1, 0, 2, 9.2, -15.5}, {Format::q8_0, 0, -1, 74, 0},     {Format::q2_k, 80, 82, 10, 1.5},
    {Format::q3_k, 108, -1, 42, 0},  {Format::q4_k, 0, 2, 259, 7.5},    {Format::q5_k, 0, 2, 524, 15.5},
    {Format::q6_k, 208, -1, 1370, 0}, {Format::iq4_nl, 0, -1, 70, 0},   {Format::iq4_xs, 0, -1, 1300, 0},
    {Format::iq2_xxs, 0, -1, 60, 0}, {Format::iq2_xs, 0, -1, 60, 0},    {Format::iq2_s, 0, -1, 60, 0},
    {Format::iq3_xxs, 0, -1, 130, 0}, {Format::iq3_s, 0, -1, 150, 0},   {Format::iq1_s, 0, -1, 7, 0},
    {Format::q1_0, 0, -1, 1, 0},     {Format::mxfp4, 0, -1, 2.93, 0, true},
};

/// splitmix64 (Steele, Lea and Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// Uniform with standard deviation 1.
  double uniform() { return (static_cast<double>(next() >> 11) * 0x1p-53 - 0.5) * std::sqrt(12.0); }
  void fill(std::span<std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      const std::uint64_t word = next();
      std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, bytes.size() - at));
    }
  }

 private:
  std::uint64_t state_;
};

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

/// Fills whole rows of a matrix with weights of standard deviation `deviation`.
void fill_rows(Format format, double deviation, Random& random, std::span<std::byte> rows) {
  const gpu::FormatInfo& info = gpu::info(format);
  const auto step = static_cast<std::size_t>(info.block_bytes);
  if (info.block_length == 1) {
    for (std::size_t at = 0; at < rows.size(); at += step) {
      const auto value = static_cast<float>(random.uniform() * deviation);
      if (format == Format::f32) put(rows.data() + at, value);
      else if (format == Format::f16) put(rows.data() + at, gpu::float_to_half(value));
      else put(rows.data() + at, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
    }
    return;
  }
  random.fill(rows);
  const ScaleFields& fields = *std::ranges::find(kScaleFields, format, &ScaleFields::format);
  const double scale = deviation / fields.spread;
  for (std::size_t at = 0; at < rows.size(); at += step) {
    std::byte* block = rows.data() + at;
    if (fields.power) put(block + fields.scale, static_cast<std::uint8_t>(127 + std::lround(std::log2(scale))));
    else put(block + fields.scale, gpu::float_to_half(static_cast<float>(scale)));
    if (fields.minimum >= 0) {
      put(block + fields.minimum, gpu::float_to_half(static_cast<float>(scale * fields.minimum_share)));
    }
  }
}

bool can_be_random(Format format) {
  return format == Format::f32 || format == Format::f16 || format == Format::bf16 ||
         std::ranges::find(kScaleFields, format, &ScaleFields::format) != std::end(kScaleFields);
}

class Builder {
 public:
  Builder(const ModelShape& shape, Format format, std::uint64_t seed) : shape_(shape), format_(format), seed_(seed) {}

  GgufWriter build() {
    metadata();
    vocabulary();
    const std::int64_t d = shape_.hidden_size, q = shape_.n_heads * shape_.head_dim;
    const std::int64_t kv = shape_.n_kv_heads * shape_.head_dim;
    matrix("token_embd", d, shape_.vocab_size);
    norm("output_norm");
    if (!shape_.tied) matrix("output", d, shape_.vocab_size);
    for (std::int64_t il = 0; il < shape_.n_layers; ++il) {
      const std::string block = "blk." + std::to_string(il) + ".";
      norm(block + "attn_norm");
      matrix(block + "attn_q", d, q);
      matrix(block + "attn_k", d, kv);
      matrix(block + "attn_v", d, kv);
      matrix(block + "attn_output", q, d);
      norm(block + "ffn_norm");
      matrix(block + "ffn_gate", d, shape_.ffn_size);
      matrix(block + "ffn_up", d, shape_.ffn_size);
      matrix(block + "ffn_down", shape_.ffn_size, d);
    }
    return std::move(writer_);
  }

 private:
  void metadata() {
    const auto u32 = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
    writer_.set("general.architecture", std::string("llama"));
    writer_.set("general.name", "Random weights, " + std::string(shape_.name) + " shape");
    writer_.set("llama.block_count", u32(shape_.n_layers));
    writer_.set("llama.context_length", u32(131072));
    writer_.set("llama.embedding_length", u32(shape_.hidden_size));
    writer_.set("llama.feed_forward_length", u32(shape_.ffn_size));
    writer_.set("llama.attention.head_count", u32(shape_.n_heads));
    writer_.set("llama.attention.head_count_kv", u32(shape_.n_kv_heads));
    writer_.set("llama.attention.layer_norm_rms_epsilon", 1e-5F);
    writer_.set("llama.rope.freq_base", 500000.0F);
    writer_.set("llama.rope.dimension_count", u32(shape_.head_dim));
    writer_.set("llama.vocab_size", u32(shape_.vocab_size));
  }

  /// <unk>, <s>, </s>, the 256 bytes, then made-up words.
  void vocabulary() {
    constexpr std::int32_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types{kUnknown, kControl, kControl};
    for (int byte = 0; byte < 256; ++byte) {
      constexpr char kHex[] = "0123456789ABCDEF";
      tokens.push_back(std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">");
      types.push_back(kByte);
    }
    while (std::ssize(tokens) < shape_.vocab_size) {
      tokens.push_back("\u2581w" + std::to_string(tokens.size()));
      types.push_back(kNormal);
    }
    std::vector<float> scores;
    for (std::size_t i = 0; i < tokens.size(); ++i) scores.push_back(-static_cast<float>(i));
    writer_.set("tokenizer.ggml.model", std::string("llama"));
    writer_.set("tokenizer.ggml.tokens", std::move(tokens));
    writer_.set("tokenizer.ggml.scores", std::move(scores));
    writer_.set("tokenizer.ggml.token_type", std::move(types));
    writer_.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    writer_.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
    writer_.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  }

  void matrix(const std::string& stem, std::int64_t in, std::int64_t out) {
    const Format format = format_for(format_, in);
    const double deviation = 1.0 / std::sqrt(static_cast<double>(in));
    writer_.add_tensor(stem + ".weight", format, {in, out},
                       [=, random = Random(seed_++)](std::int64_t, std::span<std::byte> rows) mutable -> Result<void> {
                         fill_rows(format, deviation, random, rows);
                         return {};
                       });
  }

  void norm(const std::string& stem) {
    writer_.add_tensor(stem + ".weight", Format::f32, {shape_.hidden_size},
                       [](std::int64_t, std::span<std::byte> row) -> Result<void> {
                         for (std::size_t at = 0; at < row.size(); at += 4) put(row.data() + at, 1.0F);
                         return {};
                       });
  }

  const ModelShape& shape_;
  Format format_;
  std::uint64_t seed_;
  GgufWriter writer_;
};

/// A stream into memory of known size.
class MemoryStream : public std::streambuf {
 public:
  explicit MemoryStream(std::span<std::byte> bytes) {
    auto* begin = reinterpret_cast<char*>(bytes.data());
    setp(begin, begin + bytes.size());
  }

 protected:
  std::streamsize xsputn(const char* from, std::streamsize n) override {
    n = std::min<std::streamsize>(n, epptr() - pptr());
    std::memcpy(pptr(), from, static_cast<std::size_t>(n));
    setp(pptr() + n, epptr());
    return n;
  }
};

}  // namespace

std::span<const ModelShape> model_shapes() { return kShapes; }

Result<ModelShape> find_shape(std::string_view name) {
  std::string names;
  for (const ModelShape& shape : kShapes) {
    if (shape.name == name) return shape;
    names += (names.empty() ? "" : ", ") + std::string(shape.name);
  }
  return Error{ErrorCode::not_found, "There is no shape \"" + std::string(name) + "\"; choose one of " + names + "."};
}

Result<GgufWriter> random_model(const ModelShape& shape, Format format, std::uint64_t seed) {
  if (!can_be_random(format)) {
    return Error{ErrorCode::unsupported, "Random weights in " + std::string(gpu::info(format).name) +
                                             " cannot be made; choose another --type."};
  }
  return Builder(shape, format, seed).build();
}

Result<std::shared_ptr<const GgufFile>> random_model_in_memory(const ModelShape& shape, Format format, std::uint64_t seed) {
  FW_ASSIGN(const GgufWriter writer, random_model(shape, format, seed));
  struct Holder {
    std::vector<std::byte> bytes;
    std::optional<GgufFile> file;
  };
  auto holder = std::make_shared<Holder>();
  holder->bytes.resize(writer.file_bytes());
  MemoryStream buffer(holder->bytes);
  std::ostream stream(&buffer);
  FW_TRY(writer.write(stream));
  FW_ASSIGN(holder->file, GgufFile::parse(holder->bytes, "random-" + std::string(shape.name)));
  return std::shared_ptr<const GgufFile>(holder, &*holder->file);
}

}  // namespace foreword::engine
