#pragma once
// A loaded network: its configuration and views of its weights on one device. Immutable after loading.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "engine/model/config.h"
#include "gpu/backend.h"

namespace foreword::engine {

/// A norm's parameters; weight absent = no norm here.
struct Norm {
  gpu::Tensor weight;  // [1, width]
  gpu::Tensor bias;    // [1, width] or absent
  explicit operator bool() const { return static_cast<bool>(weight); }
};

/// y = scale * (W x) + bias.
struct Linear {
  gpu::WeightMatrix weight;  // [out, in] (x experts)
  gpu::Tensor bias;          // [experts or 1, out] or absent
  explicit operator bool() const { return static_cast<bool>(weight); }
};

struct Layer {
  Norm norm1, norm1_attention;  // the second one only where attention has its own (falcon 40B)
  Norm norm2, post1, post2, q_norm, k_norm;
  Linear q, k, v, output;       // fused files: q, k, v are row ranges of one matrix
  gpu::Tensor sinks;            // [1, n_heads] or absent
  Linear gate, up, down;        // dense feed-forward; no gate in the plain kind
  Linear router;
  Linear gate_experts, up_experts, down_experts;
  Linear gate_up_experts;       // merged form, gate rows first; then the two above are absent
  Linear shared_gate, shared_up, shared_down, shared_router;
};

struct Model {
  Config config;
  std::int64_t context = 0;  // tokens that a session with this model may hold
  std::int64_t vocab_size = 0;
  gpu::WeightMatrix token_embedding;  // [vocab_size, hidden_size]
  gpu::WeightMatrix position_table;   // [positions, hidden_size] or absent
  Norm output_norm;
  Linear head;                        // [vocab_size, hidden_size]
  std::vector<Layer> layers;
  RopeTable rope_global, rope_local;

  std::int64_t n_parameters = 0;
  std::int64_t weight_bytes_per_token = 0;  // weights that one decoded token reads (chosen experts only)
  std::vector<std::unique_ptr<gpu::Buffer>> buffers;  // owns all of the above
  std::shared_ptr<const GgufFile> file;               // keeps the mapping alive
};

/// Loads the weights of `file` to `backend`, which must outlive the model. context: tokens of the session to come, 0 =
/// the trained length, at most `default_context`; LongRoPE chooses its factors by it. Every tensor is checked for its
/// exact shape: `corrupt` names the tensor. `unsupported` for a context that the model cannot hold. `cancelled`: go_on said no.
Result<Model> load_model(std::shared_ptr<const GgufFile> file, gpu::Backend& backend, std::int64_t context,
                         std::int64_t default_context, const gpu::Progress& go_on = {});

}  // namespace foreword::engine
