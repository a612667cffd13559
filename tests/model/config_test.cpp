#include "engine/model/config.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foreword::engine {
namespace {

MetaValue integer(std::int64_t value) { return {value}; }
MetaValue real(double value) { return {value}; }
MetaValue text(std::string value) { return {std::move(value)}; }

Metadata llama() {
  Metadata metadata;
  metadata.set("general.architecture", text("llama"));
  metadata.set("llama.block_count", integer(4));
  metadata.set("llama.embedding_length", integer(64));
  metadata.set("llama.context_length", integer(2048));
  metadata.set("llama.feed_forward_length", integer(128));
  metadata.set("llama.attention.head_count", integer(4));
  metadata.set("llama.attention.head_count_kv", integer(2));
  metadata.set("llama.attention.layer_norm_rms_epsilon", real(1e-5));
  return metadata;
}

Metadata with(std::string key, MetaValue value) {
  Metadata metadata = llama();
  metadata.set(std::move(key), std::move(value));
  return metadata;
}

TEST(Config, ReadsALlama) {
  const auto config = read_config(llama());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->n_rot, 16);
  EXPECT_EQ(config->n_experts, 0);
  EXPECT_FLOAT_EQ(config->attention_scale, 0.25F);
}

TEST(Config, EveryRequiredKeyIsNamedWhenMissing) {
  for (const char* key : {"llama.block_count", "llama.embedding_length", "llama.context_length", "llama.feed_forward_length",
                          "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon", "general.architecture"}) {
    const Metadata whole = llama();
    Metadata metadata;
    for (const auto& [name, value] : whole.all()) {
      if (name != key) metadata.set(name, value);
    }
    const auto config = read_config(metadata);
    ASSERT_FALSE(config) << key;
    EXPECT_EQ(config.error().code, ErrorCode::corrupt) << key;
    EXPECT_NE(config.error().message.find(key), std::string::npos) << config.error().message;
  }
}

struct BadCase {
  const char* key;
  MetaValue value;
  ErrorCode code;
};

TEST(Config, ImpossibleValuesAreRefused) {
  const BadCase cases[] = {
      {"llama.block_count", integer(0), ErrorCode::corrupt},
      {"llama.block_count", integer(1025), ErrorCode::corrupt},
      {"llama.block_count", text("four"), ErrorCode::corrupt},
      {"llama.embedding_length", integer(-64), ErrorCode::corrupt},
      {"llama.embedding_length", integer(1 << 30), ErrorCode::corrupt},
      {"llama.attention.head_count", integer(0), ErrorCode::corrupt},
      {"llama.attention.head_count_kv", integer(3), ErrorCode::corrupt},
      {"llama.attention.head_count", integer(514), ErrorCode::unsupported},  // 257 share a KV head
      {"llama.attention.key_length", integer(32), ErrorCode::unsupported},
      {"llama.attention.layer_norm_rms_epsilon", real(std::nan("")), ErrorCode::corrupt},
      {"llama.rope.dimension_count", integer(8), ErrorCode::corrupt},
      {"llama.rope.scaling.type", text("dynamic"), ErrorCode::unsupported},
      {"llama.rope.freq_base", real(0), ErrorCode::corrupt},
      {"llama.expert_count", integer(-1), ErrorCode::corrupt},
      {"llama.expert_count", integer(4), ErrorCode::corrupt},  // without expert_used_count
      {"llama.expert_count", integer(1025), ErrorCode::unsupported},
      {"llama.attention.causal", {false}, ErrorCode::unsupported},
      {"llama.attention.max_alibi_bias", real(8), ErrorCode::unsupported},
      {"llama.attention.head_count", {std::vector<std::int64_t>{4, 4, 4}}, ErrorCode::corrupt},
      {"llama.attention.head_count", {std::vector<std::int64_t>{4, 4, 4, 8}}, ErrorCode::unsupported},
      {"general.type", text("adapter"), ErrorCode::unsupported},
  };
  for (const BadCase& bad : cases) {
    const auto config = read_config(with(bad.key, bad.value));
    ASSERT_FALSE(config) << bad.key;
    EXPECT_EQ(config.error().code, bad.code) << bad.key << ": " << config.error().message;
    EXPECT_EQ(config.error().message.back(), '.') << config.error().message;
  }
}

TEST(Config, FamiliesThatWeCannotRunAreRefusedByName) {
  for (const char* name : {"mamba", "qwen3next", "falcon-h1", "lfm2"}) {
    const auto config = read_config(with("general.architecture", text(name)));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, ErrorCode::unsupported);
    EXPECT_NE(config.error().message.find("recurrent"), std::string::npos);
    EXPECT_NE(config.error().message.find(name), std::string::npos);
  }
  for (const char* name : {"deepseek2", "bert", "clip", "", "llama "}) {
    const auto config = read_config(with("general.architecture", text(name)));
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().message.find("not supported yet"), std::string::npos);
  }
}

TEST(Config, NamesOfTheTableAreUnique) {
  for (const Architecture& a : architectures()) {
    int n = 0;
    for (const Architecture& b : architectures()) n += a.name == b.name ? 1 : 0;
    EXPECT_EQ(n, 1) << a.name;
  }
}

TEST(RopeTable, PlainAndLinear) {
  Metadata metadata = with("llama.rope.scaling.factor", real(4));
  const auto scaled = read_config(metadata), plain = read_config(llama());
  ASSERT_TRUE(scaled && plain);
  const RopeTable a = make_rope_table(*plain, false, {}), b = make_rope_table(*scaled, false, {});
  ASSERT_EQ(a.frequency.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_DOUBLE_EQ(a.frequency[i], std::pow(10000.0, -static_cast<double>(i) / 8));
    EXPECT_DOUBLE_EQ(b.frequency[i], a.frequency[i] / 4);
  }
  metadata.set("llama.rope.scaling.type", text("none"));
  EXPECT_DOUBLE_EQ(make_rope_table(*read_config(metadata), false, {}).frequency[3], a.frequency[3]);
}

TEST(RopeTable, YarnKeepsFastPairsAndStretchesSlowOnes) {
  Metadata metadata = with("llama.rope.scaling.type", text("yarn"));
  metadata.set("llama.rope.scaling.factor", real(8));
  metadata.set("llama.rope.scaling.original_context_length", integer(256));
  const auto config = read_config(metadata);
  ASSERT_TRUE(config);
  const RopeTable yarn = make_rope_table(*config, false, {}), plain = make_rope_table(*read_config(llama()), false, {});
  EXPECT_DOUBLE_EQ(yarn.frequency.front(), plain.frequency.front());
  EXPECT_DOUBLE_EQ(yarn.frequency.back(), plain.frequency.back() / 8);
  EXPECT_NEAR(yarn.magnitude, 1 + 0.1 * std::log(8.0), 1e-12);
}

}  // namespace
}  // namespace foreword::engine
