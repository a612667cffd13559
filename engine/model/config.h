#pragma once
// What a GGUF file's metadata says about the network: sizes, scales, windows, positions. Plain values, checked.

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "engine/model/architecture.h"

namespace foreword::engine {

/// Position scaling as the file states it.
struct RopeScaling {
  enum class Kind : std::uint8_t { none, linear, yarn, longrope };
  Kind kind = Kind::none;
  double factor = 1;            // s: how many times the trained length
  std::int64_t original_context = 0;
  double attn_factor = 1;       // multiplies cos and sin, whatever the kind: converted phi3 files state none
  double yarn_ext_factor = 1, yarn_beta_fast = 32, yarn_beta_slow = 1, yarn_log_multiplier = 0;
};

struct Config {
  const Architecture* arch = nullptr;
  std::int64_t n_layers = 0;
  std::int64_t hidden_size = 0;
  std::int64_t n_heads = 0, n_kv_heads = 0, head_dim = 0;
  std::int64_t ffn_size = 0;
  std::int64_t trained_context = 0;
  float norm_eps = 0;

  std::int64_t n_rot = 0;  // rotated columns of a head; 0 = no rope
  double freq_base = 10000, local_freq_base = 10000;
  bool local_scaling = true;  // local layers use the global scaling
  RopeScaling rope_scaling;

  std::int64_t window = 0;  // of local layers
  std::vector<bool> is_local, has_rope;  // [n_layers]

  std::int64_t n_experts = 0, n_experts_used = 0, expert_ffn_size = 0, shared_ffn_size = 0;

  float attention_scale = 0, attention_softcap = 0;
  std::int64_t pooling = 0;  // how a text's states become one vector, as files number it: 0 is not said, 1 mean, 2 first, 3 last, 4 a rank
  float embedding_scale = 1, residual_scale = 1, logit_divisor = 1, final_softcap = 0;
};

/// Reads and checks the metadata. `unsupported`: a family or a feature that we cannot run; `corrupt`: a missing or
/// impossible key, named in the sentence.
Result<Config> read_config(const Metadata& metadata);

/// Per pair: angle = position * frequency[i]; cos and sin are multiplied by `magnitude`.
struct RopeTable {
  std::vector<double> frequency;  // [n_rot / 2]
  double magnitude = 1;
};

/// Frequencies by RoPE (Su et al. 2021), linear scaling, YaRN (Peng et al. 2023), or with a tensor of divisors (Llama 3,
/// LongRoPE; Ding et al. 2024). `divisors` is empty or [n_rot / 2].
RopeTable make_rope_table(const Config& config, bool local, std::span<const float> divisors);

}  // namespace foreword::engine
