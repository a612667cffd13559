#pragma once
// What the backend's ops leave behind until submit(): one plain struct an op, its arguments as backend.h has them. fuse() turns
// runs of them into fewer (record of several products, of what follows a product); lowering.h turns each into dispatches.
//
// A fused record does everything that its ops would have done, to the byte, intermediate tensors included: nobody can tell.

#include <array>
#include <variant>
#include <vector>

#include "gpu/backend.h"

namespace foreword::gpu::vulkan {

struct EmbedRecord {
  WeightMatrix table;
  Tensor ids, out;
};

/// And what goes with it: the sum with a residual (sum = residual + residual_scale * out), or the same norm of a second tensor
/// with as many rows and a weight of its own (queries and keys). Absent: nothing.
struct NormRecord {
  bool centre = false;  // layer_norm
  Tensor x, weight, bias;
  float eps = 0;
  std::int64_t group = 0;
  Tensor out;
  Tensor residual = {}, sum = {};
  float residual_scale = 1;
  Tensor x2 = {}, weight2 = {}, bias2 = {}, out2 = {};
};

/// Products of one x, and what is done with them.
struct LinearRecord {
  struct Part {
    WeightMatrix weight;
    Tensor bias, out;
  };
  enum class After {
    none,
    add,  // one part: sum = residual + residual_scale * out, and out is written too
    glu,  // two parts: product = act(out of the first) * (out of the second); both outs hold what single ops leave in them
  };

  Tensor x;
  std::array<Part, 3> parts;
  int n_parts = 1;
  After after = After::none;
  Tensor residual, sum;
  float residual_scale = 1;
  Activation act = Activation::silu;
  Tensor product;  // may be the second part's out
};

struct LinearExpertsRecord {
  WeightMatrix weight;
  Tensor x, experts, bias, out;
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
  RopeRecord rope;  // before it, of q and k; n = 0: none
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

/// Bytes that wait in the staging memory go to a tensor.
struct WriteRecord {
  Tensor to;
  std::uint64_t staged = 0;  // offset of the first row, packed
};

using Record = std::variant<EmbedRecord, NormRecord, LinearRecord, LinearExpertsRecord, RopeRecord, StoreKvRecord, EncodePagesRecord,
                            CopySlotsRecord, AttentionRecord, ElementwiseRecord, RouteRecord, CombineExpertsRecord, TopKRecord,
                            GatherRowsRecord, WriteRecord>;

/// Runs of records that one dispatch can do, in place.
void fuse(std::vector<Record>& records);

}  // namespace foreword::gpu::vulkan
