#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <sstream>

#include "engine/gguf/gguf_writer.h"
#include "engine/model/model.h"
#include "engine/model/random_model.h"
#include "gpu/registry.h"

namespace foreword::engine {
namespace {

/// A llama of one layer as lists that a test changes before it is written.
struct Parts {
  std::map<std::string, std::vector<std::int64_t>> tensors{
      {"token_embd.weight", {32, 40}},       {"output_norm.weight", {32}},          {"blk.0.attn_norm.weight", {32}},
      {"blk.0.attn_q.weight", {32, 32}},     {"blk.0.attn_k.weight", {32, 16}},     {"blk.0.attn_v.weight", {32, 16}},
      {"blk.0.attn_output.weight", {32, 32}}, {"blk.0.ffn_norm.weight", {32}},      {"blk.0.ffn_gate.weight", {32, 64}},
      {"blk.0.ffn_up.weight", {32, 64}},     {"blk.0.ffn_down.weight", {64, 32}},
  };
  std::map<std::string, gpu::Format> formats;  // else F32
  std::map<std::string, GgufWriter::Value> keys{
      {"general.architecture", std::string("llama")},
      {"llama.block_count", std::uint32_t{1}},
      {"llama.embedding_length", std::uint32_t{32}},
      {"llama.context_length", std::uint32_t{128}},
      {"llama.feed_forward_length", std::uint32_t{64}},
      {"llama.attention.head_count", std::uint32_t{4}},
      {"llama.attention.head_count_kv", std::uint32_t{2}},
      {"llama.attention.layer_norm_rms_epsilon", 1e-5F},
  };

  Result<Model> load(std::int64_t context = 0) {
    GgufWriter writer;
    for (const auto& [key, value] : keys) writer.set(key, value);
    for (const auto& [name, shape] : tensors) {
      const auto format = formats.contains(name) ? formats[name] : gpu::Format::f32;
      writer.add_tensor(name, format, shape, [](std::int64_t, std::span<std::byte> rows) -> Result<void> {
        std::ranges::fill(rows, std::byte{0});
        return {};
      });
    }
    std::ostringstream stream;
    EXPECT_TRUE(writer.write(stream));
    bytes_ = stream.str();
    auto file = GgufFile::parse(std::as_bytes(std::span(bytes_)), "test.gguf");
    if (!file) return file.error();
    return load_model(std::make_shared<const GgufFile>(std::move(*file)), *backend_, context, 100);
  }

 private:
  std::string bytes_;
  std::unique_ptr<gpu::Backend> backend_ = std::move(gpu::open_device("cpu", {.n_threads = 1})).value();
};

void expect_refused(const Result<Model>& model, ErrorCode code, const std::string& words) {
  ASSERT_FALSE(model) << words;
  EXPECT_EQ(model.error().code, code) << model.error().message;
  EXPECT_NE(model.error().message.find(words), std::string::npos) << model.error().message;
  EXPECT_EQ(model.error().message.back(), '.');
}

TEST(Loader, LoadsTheSmallestLlama) {
  const auto model = Parts().load();
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->vocab_size, 40);
  EXPECT_EQ(model->context, 100) << "the default, as the file allows more";
  EXPECT_EQ(model->head.weight.offset, model->token_embedding.offset) << "tied";
  EXPECT_EQ(Parts().load(7)->context, 7);
  EXPECT_EQ(Parts().load(4096)->context, 4096) << "longer than trained, because the user asked for it";
}

TEST(Loader, EveryTensorIsNeededInItsExactShape) {
  for (const auto& [name, shape] : Parts().tensors) {
    Parts missing;
    missing.tensors.erase(name);
    expect_refused(missing.load(), ErrorCode::corrupt, name);
    for (std::size_t dimension = 0; dimension < shape.size(); ++dimension) {
      if (name == "token_embd.weight" && dimension == 1) continue;  // its rows are the vocabulary
      Parts longer;
      ++longer.tensors[name][dimension];
      expect_refused(longer.load(), ErrorCode::corrupt, name);
    }
    Parts deeper;
    deeper.tensors[name].resize(4, 2);
    expect_refused(deeper.load(), ErrorCode::corrupt, name);
  }
}

TEST(Loader, IntegersAreNoWeights) {
  Parts parts;
  parts.formats["blk.0.attn_q.weight"] = gpu::Format::i32;
  expect_refused(parts.load(), ErrorCode::corrupt, "blk.0.attn_q.weight");
}

TEST(Loader, BiasesAndUnknownTensorsAreOptional) {
  Parts parts;
  parts.tensors["blk.0.attn_q.bias"] = {32};
  parts.tensors["blk.0.something_new.weight"] = {5, 3};
  const auto model = parts.load();
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->layers[0].q.bias);
  EXPECT_FALSE(model->layers[0].k.bias);
  parts.tensors["blk.0.attn_q.bias"] = {31};
  expect_refused(parts.load(), ErrorCode::corrupt, "blk.0.attn_q.bias");
}

TEST(Loader, OldMixtralFilesAreToldFromBrokenOnes) {
  Parts parts;
  parts.keys["llama.expert_count"] = std::uint32_t{2};
  parts.keys["llama.expert_used_count"] = std::uint32_t{1};
  expect_refused(parts.load(), ErrorCode::corrupt, "blk.0.ffn_gate_inp.weight");
  parts.tensors["blk.0.ffn_down.0.weight"] = {64, 32};
  expect_refused(parts.load(), ErrorCode::unsupported, "old converter");
}

TEST(Loader, RopeFactorsComeInPairsAndArePositive) {
  Parts parts;
  parts.keys["llama.rope.scaling.type"] = std::string("longrope");
  parts.keys["llama.rope.scaling.original_context_length"] = std::uint32_t{50};
  ASSERT_TRUE(parts.load());
  parts.tensors["rope_factors_long.weight"] = {4};
  expect_refused(parts.load(), ErrorCode::corrupt, "rope factor");
  parts.tensors["rope_factors_short.weight"] = {4};
  expect_refused(parts.load(), ErrorCode::corrupt, "not positive");  // the test's tensors are zeros
}

TEST(RandomModel, LoadsAndRepeats) {
  const ModelShape tiny{"tiny", 2, 96, 160, 3, 1, 32, 300, true, ""};
  for (const char* name : {"F32", "F16", "BF16", "Q4_0", "Q8_0", "Q4_K", "Q6_K", "IQ4_XS", "Q5_K"}) {
    const auto format = gpu::format_from_name(name);
    ASSERT_TRUE(format) << name;
    const auto a = random_model_in_memory(tiny, *format, 1), b = random_model_in_memory(tiny, *format, 1);
    ASSERT_TRUE(a && b) << name;
    EXPECT_TRUE(std::ranges::equal((*a)->part(0), (*b)->part(0))) << name;
    const auto backend = std::move(gpu::open_device("cpu", {.n_threads = 1})).value();
    EXPECT_TRUE(load_model(*a, *backend, 64, 64)) << name;
  }
  EXPECT_FALSE(random_model(tiny, gpu::Format::i8, 1));
  EXPECT_NE(find_shape("2b").error().message.find("135m, 1b, 3b, 8b"), std::string::npos);
}

/// Weights are near 1 / sqrt(row length), so that measurements see ordinary numbers, whatever the format.
TEST(RandomModel, WeightsHaveASensibleSpread) {
  const ModelShape tiny{"tiny", 1, 512, 512, 8, 8, 64, 512, true, ""};
  for (const gpu::FormatInfo& info : gpu::formats()) {
    if (info.decode == nullptr || !random_model(tiny, info.format, 1)) continue;
    const auto file = random_model_in_memory(tiny, info.format, 1);
    ASSERT_TRUE(file) << info.name;
    const TensorInfo& tensor = *(*file)->find("blk.0.ffn_up.weight");
    std::vector<float> values(static_cast<std::size_t>(tensor.n_values()));
    info.decode((*file)->data(tensor).data(), tensor.n_values() / info.block_length, values.data());
    double sum = 0, squares = 0;
    for (const float value : values) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    const double n = static_cast<double>(values.size()), expected = 1 / std::sqrt(512.0);
    EXPECT_NEAR(std::sqrt(squares / n) / expected, 1, 0.5) << info.name;
    EXPECT_NEAR(sum / n / expected, 0, 0.3) << info.name;
  }
}

}  // namespace
}  // namespace foreword::engine
