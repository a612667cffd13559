#pragma once
// What a graphics backend's ops leave behind until submit(): one plain struct an op, its arguments as backend.h has them
// (recorder.h). fuse() turns runs of them into fewer; each backend turns what is left into its dispatches or launches.
//
// A fused record does everything that its ops would have done, to the byte, intermediate tensors included: nobody can tell.

#include <array>
#include <variant>
#include <vector>

#include "gpu/backend.h"

namespace foreword::gpu {

struct EmbedRecord {
  WeightMatrix table;
  Tensor ids, out;
};

/// And what goes with it, each by itself or not at all.
struct NormRecord {
  bool centre = false;  // layer_norm
  Tensor x, weight, bias;
  float eps = 0;
  std::int64_t group = 0;
  Tensor out;
  /// The norm of another tensor with as many rows (keys beside queries), of the same kind and eps. Both have groups of one size,
  /// or both have whole rows.
  struct Second {
    Tensor x, weight, bias;
    std::int64_t group = 0;
    Tensor out;
  } second = {};
  Tensor residual = {}, sum = {};  // sum = residual + residual_scale * out
  float residual_scale = 1;
  /// And the norm of the sum, of the same kind, over whole rows as the first one.
  struct Next {
    Tensor weight, bias;
    float eps = 0;
    Tensor out;
  } next = {};
};

/// Products of one x, and what is done with them.
struct LinearRecord {
  struct Part {
    WeightMatrix weight;
    Tensor bias, out;
  };
  enum class After {
    none,
    add,       // one part: sum = residual + residual_scale * out; then, if it is there, outer_sum = outer + outer_scale * sum
    glu,       // of the first two parts: product = act(out of the first) * (out of the second); a third is a product for itself
    activate,  // one part: product = act(out)
  };

  Tensor x;
  NormRecord norm = {};  // whose out is x, or absent: one row, a plain norm of it all
  std::array<Part, 3> parts;
  int n_parts = 1;
  Tensor gate;  // one part: out[r] *= sigmoid(gate[r]), before what else follows; absent: not wanted
  After after = After::none;
  Tensor residual, sum;
  float residual_scale = 1;
  Tensor outer, outer_sum;
  float outer_scale = 1;
  Activation act = Activation::silu;
  Tensor product;  // may be the last part's out, or the second's
};

/// Rows of the result up to which products of experts go row by row, and what follows them along with them; more are sorted by expert
/// first.
inline constexpr std::int64_t kFewExpertRows = 16;

struct LinearExpertsRecord {
  enum class After {
    none,
    glu,      // as LinearRecord's, of two parts or of the halves of one's columns
    combine,  // one part: combined[r] = sum over j of weights[r, j] * out[r k + j]; then, if sum is there, as LinearRecord's add
  };

  Tensor x, experts;
  std::array<LinearRecord::Part, 2> parts;
  int n_parts = 1;
  After after = After::none;
  Activation act = Activation::silu;
  Tensor product;
  Tensor weights, combined;
  Tensor residual, sum;
  float residual_scale = 1;
};

/// rope() of one or two tensors by the same angles, and the store_kv() of the second, where `k` is there: x[1] is k then.
struct RopeRecord {
  std::array<Tensor, 2> x;
  int n = 1;
  std::int64_t head_dim = 0, n_rot = 0;
  RopePairs pairs = RopePairs::adjacent;
  Tensor cos_sin;
};

struct StoreKvRecord {
  Tensor k, v;
  KvLayer layer;
  Tensor slots;
  RopeRecord rope = {.x = {}, .n = 0, .cos_sin = {}};  // before it, of q and k; n = 0: none
  NormRecord norm = {};  // before that, in place, of q and k (norm.second), by heads or whole rows; x absent: none
};

struct EncodePagesRecord {
  KvLayer layer;
  Tensor from, to;
};

struct CopySlotsRecord {
  KvLayer layer;
  Tensor from, to;
};

struct AttentionRecord {
  Tensor q;
  KvLayer layer;
  AttentionRows rows;
  AttentionParams params;
  Tensor out;
};

enum class Elementwise : std::uint32_t { add, scale, softcap, sigmoid_gate, silu, gelu, silu_glu, gelu_glu, clamped_silu_glu };

/// What glu() and activate() are here.
constexpr Elementwise glu_of(Activation act) {
  return act == Activation::silu ? Elementwise::silu_glu : act == Activation::gelu ? Elementwise::gelu_glu : Elementwise::clamped_silu_glu;
}
constexpr Elementwise activation_of(Activation act) { return act == Activation::silu ? Elementwise::silu : Elementwise::gelu; }

/// out = f(a, b); `b` absent where f has one argument. add: a + factor b. scale: factor a. softcap: factor is the cap.
struct ElementwiseRecord {
  Elementwise what = Elementwise::add;
  Tensor a, b;
  float factor = 1;
  Tensor out;
};

struct RouteRecord {
  Routing routing = Routing::softmax_top_k;
  Tensor logits, experts, weights;
  Tensor x = {};  // logits = router * x before it; absent: not here
  LinearRecord::Part router = {};
  NormRecord norm = {};  // x = norm.out before that, of whole rows; norm.x absent: not here
};

struct CombineExpertsRecord {
  Tensor y, weights, out;
};

struct TopKRecord {
  Tensor x, ids, values;
};

struct GatherRowsRecord {
  Tensor x, rows, out;
};

/// Bytes that wait in staging memory go to a tensor.
struct WriteRecord {
  Tensor to;
  std::uint64_t staged = 0;  // where the first row lies, packed: an offset or an address, as the backend likes
};

using Record = std::variant<EmbedRecord, NormRecord, LinearRecord, LinearExpertsRecord, RopeRecord, StoreKvRecord, EncodePagesRecord,
                            CopySlotsRecord, AttentionRecord, ElementwiseRecord, RouteRecord, CombineExpertsRecord, TopKRecord,
                            GatherRowsRecord, WriteRecord>;

}  // namespace foreword::gpu
