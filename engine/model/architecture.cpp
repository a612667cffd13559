#include "engine/model/architecture.h"

#include <algorithm>
#include <string>
#include <vector>

namespace foreword::engine {
namespace {

using gpu::Activation;
using gpu::RopePairs;
using gpu::Routing;

constexpr RopeScalingKinds kLinearOnly{};
constexpr RopeScalingKinds kLinearYarn{.yarn = true};
constexpr RopeScalingKinds kAllScaling{.yarn = true, .longrope = true, .factor_tensor = true};

std::vector<Architecture> make_table() {
  const Architecture llama{.name = "llama", .experts = true, .rope_pairs = RopePairs::adjacent, .full_rotation = true,
                           .scaling = kAllScaling};
  const Architecture qwen2{.name = "qwen2", .scaling = kLinearYarn};
  Architecture qwen2moe = qwen2;
  qwen2moe.name = "qwen2moe";
  qwen2moe.experts = qwen2moe.experts_required = qwen2moe.reads_expert_ffn_size = true;
  qwen2moe.routing = Routing::softmax_top_k;
  qwen2moe.shared_expert = SharedExpert::gated;
  qwen2moe.output = OutputMatrix::required;
  Architecture qwen3 = qwen2;
  qwen3.name = "qwen3";
  qwen3.qk_norm = QkNorm::per_head;
  Architecture qwen3moe = qwen3;
  qwen3moe.name = "qwen3moe";
  qwen3moe.experts = qwen3moe.experts_required = qwen3moe.reads_expert_ffn_size = true;

  const Architecture gemma{.name = "gemma", .activation = Activation::gelu, .scaling = kLinearOnly,
                           .embedding_sqrt = true, .output = OutputMatrix::always_tied};
  Architecture gemma2 = gemma;
  gemma2.name = "gemma2";
  gemma2.post_norm = true;
  gemma2.window_period = 2;
  gemma2.default_window = 4096;
  gemma2.big_layers = 46;
  gemma2.reads_attention_softcap = gemma2.reads_final_softcap = true;
  gemma2.attention_softcap = 50;
  gemma2.final_softcap = 30;
  Architecture gemma3 = gemma;
  gemma3.name = "gemma3";
  gemma3.post_norm = true;
  gemma3.qk_norm = QkNorm::per_head;
  gemma3.window_period = 6;
  gemma3.scaling_on_local_layers = false;
  gemma3.local_freq_base = 10000;
  gemma3.big_layers = 62;
  gemma3.reads_final_softcap = true;
  gemma3.output = OutputMatrix::tied_if_absent;

  const Architecture phi3{.name = "phi3", .feed_forward = FeedForward::fused_gated,
                          .scaling = {.yarn = true, .longrope = true}};
  const Architecture olmo2{.name = "olmo2", .pre_norm = false, .post_norm = true, .second_norm = "",
                           .qk_norm = QkNorm::full_width, .scaling = kLinearYarn, .scaling_on_local_layers = false,
                           .window_period = 4, .output = OutputMatrix::required};
  const Architecture smollm3{.name = "smollm3", .rope_pairs = RopePairs::adjacent, .no_rope_period = 4,
                             .scaling = kLinearYarn};
  Architecture granite = llama;
  granite.name = "granite";
  granite.full_rotation = false;
  granite.granite_scales = granite.scale_from_key = granite.rope_needs_finetuned = true;
  granite.shared_expert = SharedExpert::plain;
  Architecture granitemoe = granite;
  granitemoe.name = "granitemoe";
  const Architecture gpt_oss{.name = "gpt-oss", .second_norm = "post_attention_norm", .attention_bias = true,
                             .activation = Activation::clamped_silu, .experts = true, .experts_required = true,
                             .routing = Routing::top_k_softmax, .reads_expert_ffn_size = true, .scaling = kLinearYarn,
                             .window_period = 2, .window_required = true, .sinks = true,
                             .output = OutputMatrix::required};

  const Architecture gpt2{.name = "gpt2", .norm = NormKind::layer, .attention_bias = true, .fused_qkv_only = true,
                          .feed_forward = FeedForward::plain, .activation = Activation::gelu, .rope = false,
                          .position_table = true};
  const Architecture starcoder2{.name = "starcoder2", .norm = NormKind::layer, .attention_bias = true,
                                .feed_forward = FeedForward::plain, .activation = Activation::gelu};
  const Architecture phi2{.name = "phi2", .norm = NormKind::layer, .second_norm = "", .parallel = true,
                          .attention_bias = true, .output_bias = true, .feed_forward = FeedForward::plain,
                          .activation = Activation::gelu, .output = OutputMatrix::required};
  const Architecture falcon{.name = "falcon", .norm = NormKind::layer, .second_norm = "", .parallel = true,
                            .fused_qkv_only = true, .feed_forward = FeedForward::plain, .activation = Activation::gelu,
                            .full_rotation = true};
  const Architecture stablelm{.name = "stablelm", .norm = NormKind::layer, .second_norm_optional = true,
                              .qk_norm = QkNorm::per_head_layer, .output = OutputMatrix::required};

  return {llama,   qwen2,   qwen2moe, qwen3,      qwen3moe, gemma,  gemma2,  gemma3,     phi3, olmo2,
          smollm3, granite, granitemoe, gpt_oss,  gpt2,     starcoder2, phi2, falcon, stablelm};
}

/// Families with a state instead of a KV cache in some or all layers.
constexpr std::string_view kRecurrent[] = {
    "mamba",  "mamba2",   "rwkv6",      "rwkv6qwen2",     "rwkv7",     "arwkv7",  "jamba",     "falcon-h1", "plamo2",
    "granitehybrid", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "qwen3next", "qwen35", "qwen35moe", "kimi-linear",
};

}  // namespace

std::span<const Architecture> architectures() {
  static const std::vector<Architecture> table = make_table();
  return table;
}

Result<const Architecture*> find_architecture(std::string_view name) {
  for (const Architecture& row : architectures()) {
    if (row.name == name) return &row;
  }
  const std::string quoted(name);
  if (std::ranges::find(kRecurrent, name) != std::end(kRecurrent)) {
    return Error{ErrorCode::unsupported, "The architecture " + quoted +
                                             " keeps a recurrent state, which this version cannot run; choose another model."};
  }
  return Error{ErrorCode::unsupported,
               "The architecture " + quoted + " is not supported yet; choose another model."};
}

}  // namespace foreword::engine
