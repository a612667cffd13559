// A model written anew: which tensor gets which format, what is copied, what is refused.

#include "engine/quantize/quantize_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "engine/gguf/gguf_writer.h"
#include "engine/quantize/encode.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;
using gpu::Format;

/// A model in a folder of its own. Weights are Gaussian and stored in what `format` says for the tensor.
class QuantizeFile : public ::testing::Test {
 protected:
  void add(const std::string& name, std::vector<std::int64_t> shape, Format format = Format::f32) {
    std::int64_t n = 1;
    for (const std::int64_t length : shape) n *= length;
    std::normal_distribution<float> normal(0, 0.1F);
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = normal(random_);
    add_values(name, shape, format, values);
  }
  void add_values(const std::string& name, const std::vector<std::int64_t>& shape, Format format, std::span<const float> values) {
    data_.emplace_back(static_cast<std::size_t>(std::ssize(values) / shape[0] * gpu::row_bytes(format, shape[0])));
    ASSERT_TRUE(encode(format, shape[0], values, {}, data_.back()));
    writer_.add_tensor(name, format, shape, data_.back());
  }
  /// A small model with every kind of tensor.
  void add_all(bool tied) {
    add("token_embd.weight", {256, 40}, Format::f16);
    add("position_embd.weight", {256, 8});
    add("blk.0.attn_norm.weight", {256});
    add("blk.0.attn_q.weight", {256, 24}, Format::bf16);
    add("blk.0.attn_q.bias", {24}, Format::f16);
    add("blk.0.ffn_gate_inp.weight", {256, 4}, Format::f16);
    add("blk.0.ffn_down_exps.weight", {96, 256, 4});
    add("blk.0.ffn_down_exps.bias", {256, 4});
    add("blk.0.odd.weight", {20, 8});
    add("blk.1.ffn_up.weight", {256, 16}, Format::q8_0);
    if (!tied) add("output.weight", {256, 40});
  }
  Result<QuantizedFile> quantize(Format format, std::vector<TensorRule> rules = {}, const std::string& out = "out.gguf") {
    const Result<void> written = writer_.write(in());
    EXPECT_TRUE(written) << written.error().message;
    return quantize_file(in(), dir_.path() / out, {.format = format, .rules = std::move(rules), .n_threads = 2});
  }
  fs::path in() const { return dir_.path() / "in.gguf"; }
  fs::path out() const { return dir_.path() / "out.gguf"; }
  std::ptrdiff_t n_files() const { return std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator()); }

  /// "NAME FORMAT" of each tensor of the new file.
  std::vector<std::string> formats_of_out() const {
    std::vector<std::string> all;
    const Result<GgufFile> file = GgufFile::open(out());
    EXPECT_TRUE(file) << file.error().message;
    for (const TensorInfo& tensor : file->tensors()) all.push_back(tensor.name + " " + std::string(gpu::info(tensor.format).name));
    return all;
  }

  test::TempDir dir_;
  GgufWriter writer_;
  std::mt19937 random_{5};

 private:
  std::vector<std::vector<std::byte>> data_;
};

TEST_F(QuantizeFile, FormatsOfATiedModel) {
  add_all(true);
  const Result<QuantizedFile> result = quantize(Format::q4_k);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(formats_of_out(),
            (std::vector<std::string>{"token_embd.weight Q6_K", "position_embd.weight F32", "blk.0.attn_norm.weight F32",
                                      "blk.0.attn_q.weight Q4_K", "blk.0.attn_q.bias F32", "blk.0.ffn_gate_inp.weight F32",
                                      "blk.0.ffn_down_exps.weight Q5_0", "blk.0.ffn_down_exps.bias F32",
                                      "blk.0.odd.weight F16", "blk.1.ffn_up.weight Q4_K"}));
  EXPECT_EQ(result->n_twice, 1);
  EXPECT_EQ(result->bytes, fs::file_size(out()));
  EXPECT_EQ(result->bytes_before, fs::file_size(in()));
}

TEST_F(QuantizeFile, FormatsOfAnUntiedModel) {
  add_all(false);
  ASSERT_TRUE(quantize(Format::q4_0));
  EXPECT_EQ(formats_of_out().front(), "token_embd.weight Q4_0");
  EXPECT_EQ(formats_of_out().back(), "output.weight Q6_K");
  ASSERT_TRUE(quantize(Format::q8_0));
  EXPECT_EQ(formats_of_out().back(), "output.weight Q8_0");
  EXPECT_EQ(formats_of_out()[9], "blk.1.ffn_up.weight Q8_0");
}

TEST_F(QuantizeFile, RulesComeFirstAndTheLastCounts) {
  add_all(true);
  ASSERT_TRUE(quantize(Format::q8_0, {{"blk.*", Format::q6_k},
                                      {"*.ffn_up.weight", Format::f16},
                                      {"token_embd.weight", Format::q4_0},
                                      {"position_embd.weight", Format::q8_0}}));
  EXPECT_EQ(formats_of_out(),
            (std::vector<std::string>{"token_embd.weight Q4_0", "position_embd.weight Q8_0", "blk.0.attn_norm.weight F32",
                                      "blk.0.attn_q.weight Q6_K", "blk.0.attn_q.bias F32", "blk.0.ffn_gate_inp.weight F32",
                                      "blk.0.ffn_down_exps.weight Q8_0", "blk.0.ffn_down_exps.bias F32",
                                      "blk.0.odd.weight F16", "blk.1.ffn_up.weight F16"}));
}

TEST_F(QuantizeFile, RulesThatFitNothing) {
  add_all(true);
  struct Case {
    const char* pattern;
    const char* sentence;
  };
  for (const Case& row : {Case{"blk.7.*", "in.gguf has no matrix named blk.7.*; `foreword inspect` lists the names."},
                          Case{"*norm*", "in.gguf has no matrix named *norm*; `foreword inspect` lists the names."},
                          Case{"blk.0.attn_q.bias",
                               "in.gguf: The tensor blk.0.attn_q.bias is no matrix and keeps its format."}}) {
    const Result<QuantizedFile> result = quantize(Format::q8_0, {{row.pattern, Format::q4_0}});
    ASSERT_FALSE(result) << row.pattern;
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
    EXPECT_EQ(result.error().message, row.sentence);
    EXPECT_FALSE(fs::exists(out()));
  }
}

TEST(Pattern, StarsStandForAnything) {
  struct Case {
    const char *pattern, *name;
    bool fits;
  };
  for (const Case& row : {Case{"a.weight", "a.weight", true}, Case{"a.weight", "a.weigh", false}, Case{"a*", "a", true},
                          Case{"a*", "b", false}, Case{"*", "", true}, Case{"blk.*.ffn_*.weight", "blk.12.ffn_up.weight", true},
                          Case{"blk.*.ffn_*.weight", "blk.12.ffn_up.bias", false}, Case{"*ab", "aab", true},
                          Case{"*ab*b", "abab", true}, Case{"*ab*b", "abba", false}, Case{"a**c", "abc", true}, Case{"", "a", false}}) {
    EXPECT_EQ(fits_pattern(row.pattern, row.name), row.fits) << row.pattern << " and " << row.name;
  }
}

TEST_F(QuantizeFile, MetadataIsCopiedAndToldApart) {
  writer_.set("general.architecture", "llama");
  writer_.set("z.u8", std::uint8_t{200});
  writer_.set("general.file_type", std::uint32_t{0});
  writer_.set("general.alignment", std::uint32_t{64});
  writer_.set("a.i16s", std::vector<std::int16_t>{-1, 2});
  writer_.set("a.f32", 1e-5F);
  writer_.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", std::string("\0\xff", 2)});
  add("a.weight", {256, 2});
  add("b.weight", {256, 3});
  ASSERT_TRUE(quantize(Format::q6_k));
  const Result<GgufFile> before = GgufFile::open(in()), after = GgufFile::open(out());
  ASSERT_TRUE(after) << after.error().message;
  ASSERT_EQ(after->raw_metadata().size(), before->raw_metadata().size() + 1);
  for (std::size_t i = 0; i < before->raw_metadata().size(); ++i) {
    const RawEntry &old_entry = before->raw_metadata()[i], &entry = after->raw_metadata()[i];
    EXPECT_EQ(entry.key, old_entry.key);
    if (entry.key == "general.file_type") continue;
    EXPECT_TRUE(std::ranges::equal(entry.typed_value, old_entry.typed_value)) << entry.key;
  }
  EXPECT_EQ(*after->metadata().require_integer("general.file_type"), 18);
  EXPECT_EQ(*after->metadata().require_integer("general.quantization_version"), 2);
  for (const TensorInfo& tensor : after->tensors()) EXPECT_EQ(tensor.offset % 64, 0U);
}

TEST_F(QuantizeFile, ContentIsTheEncodersAndCopiesAreExact) {
  add("a.weight", {256, 9000});  // more than one portion of rows
  add("b.weight", {256, 3}, Format::q4_k);
  add("c", {7});
  const Result<QuantizedFile> result = quantize(Format::q4_k, {{"a.weight", Format::f16}});
  ASSERT_TRUE(result) << result.error().message;
  const Result<GgufFile> before = GgufFile::open(in()), after = GgufFile::open(out());
  const auto bytes = [](const Result<GgufFile>& file, const char* name) { return file->data(*file->find(name)); };
  EXPECT_TRUE(std::ranges::equal(bytes(before, "b.weight"), bytes(after, "b.weight")));
  EXPECT_TRUE(std::ranges::equal(bytes(before, "c"), bytes(after, "c")));
  std::vector<float> values(256 * 9000);
  std::memcpy(values.data(), bytes(before, "a.weight").data(), values.size() * sizeof(float));
  std::vector<std::byte> wanted(values.size() * 2);
  ASSERT_TRUE(encode(Format::f16, 256, values, {}, wanted));
  EXPECT_TRUE(std::ranges::equal(wanted, bytes(after, "a.weight")));

  double error = 0, energy = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half;
    std::memcpy(&half, wanted.data() + 2 * i, 2);
    error += std::pow(static_cast<double>(values[i]) - gpu::half_to_float(half), 2);
    energy += std::pow(static_cast<double>(values[i]), 2);
  }
  EXPECT_NEAR(result->tensors[0].error, error, 1e-9 * error);
  EXPECT_NEAR(result->tensors[0].energy, energy, 1e-9 * energy);
  EXPECT_EQ(result->tensors[1].energy, 0);
  EXPECT_EQ(result->n_twice, 0);
}

TEST_F(QuantizeFile, Refusals) {
  add("a.weight", {256, 4});
  const Result<QuantizedFile> same = quantize(Format::q8_0, {}, "in.gguf");
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, ErrorCode::invalid_argument);
  fs::create_symlink(in(), dir_.path() / "link.gguf");
  EXPECT_FALSE(quantize(Format::q8_0, {}, "link.gguf"));
  EXPECT_TRUE(fs::is_symlink(dir_.path() / "link.gguf"));
  EXPECT_FALSE(quantize(Format::q8_0, {}, "."));
  // Once what is written first had the name of this input, which was refused; now nothing of the user's can have it.
  const fs::path kept = dir_.path() / "kept.gguf.partial";
  fs::copy_file(in(), kept);
  EXPECT_TRUE(quantize_file(kept, dir_.path() / "kept.gguf", {.format = Format::q8_0, .rules = {}}));
  EXPECT_EQ(fs::file_size(kept), fs::file_size(in()));
  const Result<QuantizedFile> nowhere = quantize(Format::q8_0, {}, "gone/out.gguf");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::io);
  const Result<QuantizedFile> missing = quantize_file(dir_.path() / "missing.gguf", out(), {.format = Format::q8_0, .rules = {}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
}

TEST_F(QuantizeFile, ANumberThatIsNoneNamesItsTensorAndKeepsTheOldFile) {
  std::vector<float> values(512, 0.5F);
  add_values("a.weight", {256, 2}, Format::f32, values);
  ASSERT_TRUE(quantize(Format::q8_0));
  const std::vector<std::byte> old = test::read_bytes(out());
  values[300] = std::numeric_limits<float>::quiet_NaN();
  writer_.add_tensor("bad.weight", Format::f32, {256, 2}, std::as_bytes(std::span(values)));
  const Result<QuantizedFile> result = quantize(Format::q8_0);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
  EXPECT_EQ(result.error().message,
            "in.gguf: The tensor bad.weight holds an infinity or something that is no number; get the file again.");
  EXPECT_EQ(test::read_bytes(out()), old);
  EXPECT_EQ(n_files(), 2);
}

TEST_F(QuantizeFile, PartsBecomeOneFile) {
  for (int part = 0; part < 2; ++part) {
    GgufWriter writer;
    const std::vector<float> values(256, 0.25F);
    writer.set("split.no", static_cast<std::uint16_t>(part));
    writer.set("split.count", std::uint16_t{2});
    writer.set("split.tensors.count", std::int32_t{2});
    if (part == 0) writer.set("general.name", "parts");
    writer.add_tensor(part == 0 ? "a.weight" : "b.weight", Format::f32, {256, 1}, std::as_bytes(std::span(values)));
    ASSERT_TRUE(writer.write(dir_.path() / ("m-0000" + std::to_string(part + 1) + "-of-00002.gguf")));
  }
  const fs::path first = dir_.path() / "m-00001-of-00002.gguf", second = dir_.path() / "m-00002-of-00002.gguf";
  const QuantizeOptions options{.format = Format::q8_0, .rules = {}};
  EXPECT_FALSE(quantize_file(first, second, options));
  EXPECT_FALSE(quantize_file(first, first, options));
  ASSERT_TRUE(quantize_file(first, out(), options));
  const Result<GgufFile> file = GgufFile::open(out());
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->n_parts(), 1);
  EXPECT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(file->metadata().find("split.count"), nullptr);
  EXPECT_EQ(*file->metadata().require_string("general.name"), "parts");
}

TEST_F(QuantizeFile, NamesThatNoReaderTakes) {
  // The writer of good files refuses such names, so the file is edited: the name grows into the gap before the data.
  add("a.weight", {256, 1});
  ASSERT_TRUE(writer_.write(in()));
  std::string bytes = test::read_text(in());
  const std::size_t at = bytes.find("a.weight");
  const std::uint64_t length = 64;
  std::memcpy(bytes.data() + at - 8, &length, 8);
  bytes.insert(at, 56, 'x');
  const std::size_t header = at + 64 + 4 + 16 + 4 + 8, data = bytes.size() - 1024;
  bytes.erase(header, data - header);
  bytes.insert(header, (header + 31) / 32 * 32 - header, '\0');
  const fs::path path = dir_.path() / "long.gguf";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  ASSERT_TRUE(GgufFile::open(path)) << GgufFile::open(path).error().message;
  const Result<QuantizedFile> result = quantize_file(path, out(), {.format = Format::q8_0, .rules = {}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace foreword::engine
