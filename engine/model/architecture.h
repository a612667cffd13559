#pragma once
// The architecture table: what distinguishes one model family from another, as flags. stages.cpp tests flags, never
// names; a new family is a new row. Facts: the families' publications and the GGUF files' conventions (docs/models.md).

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/result.h"
#include "gpu/backend.h"

namespace foreword::engine {

enum class NormKind : std::uint8_t { rms, layer };
enum class QkNorm : std::uint8_t {
  none,
  per_head,        // RMS over each head, one weight [head_dim] for all heads, before rope
  full_width,      // RMS over all heads together, weight [n_heads * head_dim]
  per_head_layer,  // LayerNorm without bias over each head, a weight of its own for every head; optional in the file
};
enum class FeedForward : std::uint8_t {
  gated,        // down(act(gate x) * up x)
  fused_gated,  // the same, gate rows then up rows in ffn_up
  plain         // down(act(up x))
};
enum class SharedExpert : std::uint8_t { none, plain, gated };  // gated: times sigmoid(w . x)
enum class OutputMatrix : std::uint8_t { required, tied_if_absent, always_tied };

/// Which kinds of position scaling a family's files may ask for.
struct RopeScalingKinds {
  bool linear = true, yarn = false, longrope = false, factor_tensor = false;
};

struct Architecture {
  std::string_view name;  // general.architecture

  // Norms and projections.
  NormKind norm = NormKind::rms;
  bool pre_norm = true;
  bool post_norm = false;   // post_attention_norm and post_ffw_norm on the branches' results
  std::string_view second_norm = "ffn_norm";  // name of the norm before the feed-forward, "" if it has none
  bool second_norm_optional = false;          // absent: attention and feed-forward run in parallel on the first norm
  bool parallel = false;                      // attention and feed-forward both read x and are added to it together
  QkNorm qk_norm = QkNorm::none;
  bool attention_bias = false;  // required biases; optional ones are found in the file
  bool output_bias = false;     // output.bias is required
  bool fused_qkv_only = false;

  // Feed-forward.
  FeedForward feed_forward = FeedForward::gated;
  gpu::Activation activation = gpu::Activation::silu;
  bool experts = false;           // may have experts
  bool experts_required = false;  // has nothing else
  gpu::Routing routing = gpu::Routing::softmax_top_k_renormalised;
  SharedExpert shared_expert = SharedExpert::none;
  bool reads_expert_ffn_size = false;  // expert_feed_forward_length is used

  // Positions.
  bool rope = true;
  gpu::RopePairs rope_pairs = gpu::RopePairs::half_split;
  bool full_rotation = false;     // n_rot must equal head_dim
  int no_rope_period = 0;         // layers with (il + 1) % period == 0 have no rope; 0 = all have it
  bool rope_needs_finetuned = false;  // granite: rope.scaling.finetuned false means no rope at all
  RopeScalingKinds scaling{};
  bool scaling_on_local_layers = true;
  float local_freq_base = 0;      // default of freq_base_swa; 0 = the global base
  bool position_table = false;    // learned positions, position_embd

  // Attention.
  int window_period = 0;          // local layers: il % period < period - 1; 0 = no local layers
  std::int64_t default_window = 0;  // 0 = local layers only if the key is there and > 0
  bool window_required = false;
  bool sinks = false;
  bool scale_from_key = false;    // attention.scale
  int big_layers = 0;             // this many layers: score scale 1/sqrt(hidden_size / n_heads) (the 27B Gemmas)

  // Scales and caps.
  bool embedding_sqrt = false;    // embeddings times sqrt(hidden_size)
  bool granite_scales = false;    // embedding_scale, residual_scale, logit_scale keys
  float attention_softcap = 0;    // default of attn_logit_softcapping, read only if reads_softcaps
  float final_softcap = 0;
  bool reads_attention_softcap = false;
  bool reads_final_softcap = false;
  OutputMatrix output = OutputMatrix::tied_if_absent;
};

std::span<const Architecture> architectures();

/// The row, or `unsupported`: recurrent and hybrid families by name, every other one as "not supported yet".
Result<const Architecture*> find_architecture(std::string_view name);

}  // namespace foreword::engine
