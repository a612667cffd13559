#pragma once
// Backend: a device that multiplies matrices. Ops are void and *record*; submit() runs what was recorded, in order
// as far as the views overlap, and waits for it. Only allocate(), import_weights() and submit() can fail. Wrong
// shapes are our own mistake: check(). A backend does not know what a token is. One desk uses one backend.
//
// Numerics: activations are f32. A row's result does not depend on the other rows of the call nor on their number
// (specs of exact speculation: same order of every reduction for every number of rows).

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "gpu/kv_format.h"
#include "gpu/profile.h"
#include "gpu/tensor.h"

namespace foreword::gpu {

/// A feature: the device is a driver that runs on the processor, for tests.
inline constexpr std::string_view kSoftware = "software";

struct DeviceInfo {
  std::string id;           // "cpu", "vulkan:0", later "cuda:0": what --device takes
  std::string name;         // "AMD Ryzen 7 7840U"
  std::string backend;      // "cpu", "cuda", "vulkan"
  std::int64_t memory_bytes = 0;       // total
  std::int64_t memory_free_bytes = 0;  // when asked; 0: not known before the device is open
  std::vector<std::string> features;   // "avx2", "avx512vnni", ...
  /// Of one step while a prompt is read. Few enough that a stop is obeyed soon, many enough that the device is busy.
  std::int64_t prompt_rows = 128;
  /// Columns of an attention head that the kernels of a graphics processor have room for; the processor takes any.
  std::int64_t widest_head = 512;
  std::int64_t cache_bytes = 0;  // what its last caches hold together; 0: not known
};

enum class Activation : std::uint8_t {
  silu,         // x / (1 + exp(-x))
  gelu,         // tanh form: 0.5x(1 + tanh(0.7978845608 x (1 + 0.044715 x^2)))
  clamped_silu  // gpt-oss, glu only: g = min(g, 7), u = clamp(u, -7, 7), g * sigmoid(1.702 g) * (u + 1)
};

enum class RopePairs : std::uint8_t { adjacent, half_split };

enum class Routing : std::uint8_t {
  softmax_top_k_renormalised,  // softmax over all experts, top k, divided by max(their sum, 6.103515625e-5)
  softmax_top_k,               // the same, not divided
  top_k_softmax                // top k by logit, softmax over those
};

/// Pages of one encoding. The page of (block b, kv head h) starts at offset + (b * n_kv_heads + h) * page_bytes: K tile
/// [64, head_dim], then V tile [64, head_dim] (kv_format.h).
struct KvPool {
  Buffer* buffer = nullptr;
  std::int64_t offset = 0;  // bytes
  std::int64_t n_blocks = 0;
  KvEncoding encoding;
};

/// Where a block lies: the number of its pool and its place there, in one i32.
inline constexpr std::int32_t kPoolShift = 28;
constexpr std::int32_t kv_block(std::int32_t pool, std::int32_t place) { return pool << kPoolShift | place; }
constexpr std::int32_t pool_of(std::int32_t block) { return block >> kPoolShift; }
constexpr std::int32_t place_of(std::int32_t block) { return block & ((1 << kPoolShift) - 1); }

/// K and V of one layer. Pool 0 is open: f16 or f32, the only one that store_kv writes. The others are closed: their
/// pages come from encode_pages(), and an absent buffer means that there is no such pool.
struct KvLayer {
  Buffer* buffer = nullptr;  // the open pool's, as in KvPool
  std::int64_t offset = 0;
  std::int64_t n_blocks = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  DType dtype = DType::f16;
  KvBasis basis = {};  // of everything stored here
  std::array<KvPool, 3> closed = {};

  static constexpr std::int32_t kPools = 4;
  KvPool pool(std::int32_t index) const {
    const KvFormat open = dtype == DType::f16 ? KvFormat::f16 : KvFormat::f32;
    return index == 0 ? KvPool{buffer, offset, n_blocks, {open, open}} : closed[static_cast<std::size_t>(index - 1)];
  }
  std::int64_t page_bytes(std::int32_t pool_index = 0) const { return pool(pool_index).encoding.page_bytes(head_dim); }
};

/// Which slots each row of an attention call sees. Slot s of a sequence lies in block table[sequence][s / 64] at
/// s % 64. Row r sees the slots [0, prefix_slots[r]), whose slot number is their position, and then its ancestors
/// in the batch that are not in that prefix, from the root down: extra_slots[extra_begin[r] .. extra_begin[r+1]);
/// the e-th of them has position prefix_slots[r] + e. The row itself is the last slot it sees. All i32, 1 column.
struct AttentionRows {
  Tensor table;         // [n_sequences, max_blocks] blocks of any pool, unused entries 0
  Tensor sequence;      // [rows, 1] row of `table`
  Tensor position;      // [rows, 1]
  Tensor prefix_slots;  // [rows, 1]
  Tensor extra_begin;   // [rows + 1, 1]
  Tensor extra_slots;   // [n_extra, 1], absent if there are none
  std::int64_t max_slots = 0;  // upper bound of slots that any row sees, for scratch
  // How rows share out their attention. Row r with watch[r] = w >= 0, of which there is at most one for a sequence and a w,
  // raises shares[w * n_kv_heads + h][b] to what positions [64 b, 64 b + 64) get in that head of kv head h that gives them
  // most. Both absent: not wanted.
  Tensor watch;   // [rows, 1]
  Tensor shares;  // [n * n_kv_heads, max_blocks] f32
};

struct AttentionParams {
  std::int64_t n_heads = 0;  // query heads; head h uses kv head h / (n_heads / n_kv_heads)
  float scale = 1;           // of q.k
  float softcap = 0;         // c: s = c tanh(s / c) after the scale; 0 = off
  std::int64_t window = 0;   // a row at position t sees position j only if t - j < window; 0 = all
  Tensor sinks;              // [1, n_heads] learned logits that take weight but have no value; absent = none
};

/// Told now and then, on the thread that called, what share of the work is done, 0 to 1. False: give it up.
using Progress = std::function<bool(double share)>;

class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceInfo device() const = 0;

  /// Fresh memory, contents undefined. `out_of_memory` with both sizes in the sentence.
  virtual Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) = 0;
  /// Makes host bytes (a mapped file) readable as weights. Without a copy where the device can; the bytes must then
  /// outlive the buffer.
  virtual Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) = 0;

  /// Copies weights that from now on only serve products (not embed() or row_range()) into the layout that this device
  /// multiplies fastest; those that have one then point into the buffer that comes back. Null, and nothing changes, if
  /// all are best where they lie or memory is too short for a copy. A product's bits stay what they were. A `go_on` that says
  /// false ends it within a few milliseconds: null, and nothing changes.
  virtual std::unique_ptr<Buffer> arrange(std::span<WeightMatrix* const> weights, const Progress& go_on = {});

  /// A weight that will be needed as it lies (a table of embed()): a device that has to copy it does so now. What goes wrong is
  /// told by submit().
  virtual void bring(const WeightMatrix&) {}

  /// Host to device, before everything recorded after it. The bytes are taken at the call.
  virtual void write(const Tensor& to, std::span<const std::byte> bytes) = 0;
  /// Device to host; only after submit(), nothing pending.
  virtual void read(const Tensor& from, std::span<std::byte> bytes) = 0;

  /// out[r] = row ids[r] of table, decoded. ids [rows, 1] i32 in range; out [rows, table.cols].
  virtual void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) = 0;

  /// Norms each run of `group` columns by itself: x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich 2019).
  /// weight [1, group] or [1, x.cols]. out may be x.
  virtual void rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) = 0;
  /// (x - mean) / sqrt(var + eps) * weight + bias, population variance; bias may be absent; as above.
  virtual void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group,
                          const Tensor& out) = 0;

  /// out = scale * (W x) + bias. x [rows, w.cols], out [rows, w.rows], bias [1, w.rows] or absent. n_experts = 1.
  virtual void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) = 0;
  /// The same with an expert for each output row: out[r * k + j] = scale_e * (W_e x_i) + bias_e, e = experts[r, j],
  /// i = r where x has as many rows as experts, i = r * k + j where it has k times as many. bias [n_experts, w.rows].
  virtual void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                              const Tensor& out) = 0;

  /// Rotates the first n_rot columns of every head in place (RoPE; Su et al. 2021, eq. 34). x [rows, heads * head_dim];
  /// cos_sin [rows, n_rot]: cos at 2i, sin at 2i + 1 of pair i, factors included.
  virtual void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs,
                    const Tensor& cos_sin) = 0;

  /// Writes row r of k and v [rows, n_kv_heads * head_dim] into slot slots[r] (= block * 64 + slot in the block) of the
  /// open pool, in the layer's basis. f16 saturates at +-65504.
  virtual void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) = 0;
  /// Block to[i] becomes what block from[i] holds, in the encoding of its pool: closing and demotion of pages, and copies.
  /// from, to [n, 1] blocks of any pools; no block of `to` is also in `from`. All 64 slots count, so they have to be filled,
  /// except where both are open. Bytes as encode_rows() makes them of the decoded values.
  virtual void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) = 0;
  /// Slot to[i] becomes what slot from[i] holds, for i = 0, 1, .. in this order. from, to [n, 1] slots of the open pool as in
  /// store_kv; no slot of `to` is read by a later i.
  virtual void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) = 0;
  /// Softmax attention. q, out [rows, n_heads * head_dim] in the plain basis. Pages of one sequence may lie in different
  /// pools; what a row sees of a closed page is what decode_rows() makes of it. At most kMostSharers heads share a kv head.
  virtual void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows,
                         const AttentionParams& params, const Tensor& out) = 0;
  static constexpr std::int64_t kMostSharers = 256;

  /// out = act(gate) * up. out may be gate or up.
  virtual void glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) = 0;
  /// out = act(x), not clamped_silu. out may be x.
  virtual void activate(Activation act, const Tensor& x, const Tensor& out) = 0;
  /// out = x + scale * y. out may be x or y.
  virtual void add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) = 0;
  /// x *= factor, in place.
  virtual void scale(const Tensor& x, float factor) = 0;
  /// x = cap * tanh(x / cap), in place.
  virtual void softcap(const Tensor& x, float cap) = 0;
  /// x[r] *= sigmoid(gate[r]), in place. gate [rows, 1].
  virtual void sigmoid_gate(const Tensor& x, const Tensor& gate) = 0;

  /// The k experts of each row and their weights, falling weight, ties to the lower index.
  /// logits [rows, E], experts [rows, k] i32, weights [rows, k]; E <= kMostExperts.
  virtual void route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) = 0;
  static constexpr std::int64_t kMostExperts = 1024;
  /// out[r] = sum over j of weights[r, j] * y[r * k + j], in that order.
  virtual void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) = 0;

  /// The k largest of each row, falling, ties to the lower index. -infinity is a number, NaN is never taken: where a row has fewer
  /// than k numbers, id -1 and value -infinity stand behind them. x [n, cols], ids [n, k] i32, values [n, k]; k <= cols, kMostTopK.
  virtual void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) = 0;
  static constexpr std::int64_t kMostTopK = 256;

  /// out[i] = x[rows[i]]. rows [n, 1] i32.
  virtual void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) = 0;

  /// Seconds for reading all of the buffer once, with the same threads or lanes as the kernels (see bandwidth.h); 0: this
  /// device cannot tell.
  virtual double read_through(const Buffer&) { return 0; }
  /// Operations per second (a multiply-add is two) of the instruction that products of low-bit weights live on, measured
  /// now; 0: not known.
  virtual double measure_peak_operations() { return 0; }
  /// While on, submit() runs one op after the other and times each. Slower, and nothing overlaps.
  virtual void set_profiling(bool) {}
  /// What was timed since the last call; empty where the device cannot.
  virtual std::vector<OpProfile> take_profile() { return {}; }

  /// What was counted since the last call.
  virtual DeviceCounts take_counts() { return {}; }

  /// Runs everything recorded since the last call and waits. `device_lost` or `out_of_memory`.
  virtual Result<void> submit() = 0;
};

}  // namespace foreword::gpu
