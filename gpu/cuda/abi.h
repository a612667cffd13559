#pragma once
// What program and plugin say to each other: plain structs and one table of functions, no C++ types, no exceptions. Pointers in
// ops are of the device. The shapes were checked by who recorded them (backend.h is the contract of every op).
//
// All structs are without padding, so that equal ops are equal bytes: a step that was run before is found by its bytes.

#include <stdint.h>

namespace foreword::gpu::cuda {

inline constexpr uint32_t kAbiVersion = 4;
inline constexpr char kEntryName[] = "foreword_cuda_plugin";

/// A matrix of 4-byte elements, rows `stride` elements apart. data = nullptr: absent.
struct View {
  void* data;
  int64_t rows, cols, stride;
};

struct Weight {
  const uint8_t* data;  // of products: in units where the format has any (packing.h), else as in the file
  int64_t rows, cols, n_experts;
  int32_t format;     // gpu/format.h
  int32_t two_terms;  // WeightMatrix::precise
  const float* scale;  // one, or one for each expert, or nullptr
  int64_t n_scales;
};

struct Pool {
  uint8_t* pages;  // nullptr: no such pool
  int32_t k_format, v_format;  // gpu/kv_format.h
};

struct Cache {
  Pool pools[4];  // 0 is open
  int64_t n_kv_heads, head_dim, basis_k, basis_v;
};

enum OpKind : int32_t {
  kOpWrite, kOpEmbed, kOpNorm, kOpLinear, kOpRope, kOpStoreKv, kOpEncodePages, kOpCopySlots, kOpAttention, kOpGlu, kOpActivate,
  kOpAdd, kOpScale, kOpSoftcap, kOpSigmoidGate, kOpRoute, kOpCombine, kOpGather, kOpTopK,
};

/// Rows of bytes, `stride` bytes apart on the device and without gaps on the host.
struct Copy {
  void* device;
  void* host;
  int64_t rows, row_bytes, stride;
};
struct EmbedOp { Weight table; View ids, out; };
/// As gpu/records/records.h has it: what is absent is not wanted.
struct NormOp {
  View x, weight, bias, out;
  int64_t group;
  float eps;
  int32_t centre;
  View x2, weight2, bias2, out2;  // another norm of the same kind
  int64_t group2;
  View residual, sum;                   // sum = residual + factor * out
  View next_weight, next_bias, next_out;  // the norm of the sum
  float factor, next_eps;
};
/// experts absent: a product; else as linear_experts().
struct LinearOp { Weight w; View x, experts, bias, out; };
enum After : int64_t {
  kAfterNone,
  kAfterAdd,       // sum = residual + factor * out; then, if outer_sum is there, outer_sum = outer + outer_factor * sum
  kAfterGlu,       // product = act(out of the first part) * (out of the second); or of the halves of the only one's columns;
                   // a third is a product for itself
  kAfterActivate,  // product = act(out)
  kAfterCombine,   // combined = the weighted sum of the experts' out; then, if sum is there, as kAfterAdd
};
/// Products of one x, and what follows them.
struct ProductsOp {
  LinearOp parts[3];
  int64_t n_parts, after;
  View gate;  // out[r] *= sigmoid(gate[r]) before that; absent: not wanted
  View residual, sum, outer, outer_sum, product, weights, combined;
  float factor, outer_factor;
  int64_t activation;  // gpu::Activation
};
struct RopeOp { View x[2], cos_sin; int64_t n, head_dim, n_rot, adjacent; };
/// norm.x absent: no norm; else of q and k, by heads or whole rows. n_rot = 0: no rotation.
struct StoreKvOp { View k, v, slots; Cache cache; View q, cos_sin; int64_t n_rot, adjacent; NormOp norm; };
struct CopyKvOp { View from, to; Cache cache; };  // kOpEncodePages: blocks, kOpCopySlots: slots
struct AttentionOp {
  View q, out, table, sequence, position, prefix_slots, extra_begin, extra_slots, watch, shares;
  Cache cache;
  int64_t n_heads, window, max_slots;
  const float* sinks;
  float scale, softcap;
};
/// kOpGlu: act(x) * y; kOpActivate: act(x); kOpAdd: x + factor * y; kOpScale: factor * x; kOpSoftcap: factor * tanh(x / factor);
/// kOpSigmoidGate: x * sigmoid(y), y [rows, 1].
struct ElementwiseOp { View x, y, out; float factor; int32_t activation; };  // activation: gpu::Activation
/// routing: gpu::Routing. router.w.data = nullptr: the logits are there; else norm.x absent: only its product goes before.
struct RouteOp { View logits, experts, weights; int64_t routing; LinearOp router; NormOp norm; };
struct CombineOp { View y, weights, out; };
struct GatherOp { View x, rows, out; };
struct TopKOp { View x, ids, values; };

struct Op {
  int32_t kind, zero;
  union {
    Copy write;  // from pinned memory
    EmbedOp embed;
    NormOp norm;
    ProductsOp linear;
    RopeOp rope;
    StoreKvOp store_kv;
    CopyKvOp copy_kv;
    AttentionOp attention;
    ElementwiseOp elementwise;
    RouteOp route;
    CombineOp combine;
    GatherOp gather;
    TopKOp top_k;
  };
};

/// Rows of a weight from the file's order into units (packing.h), 16-byte aligned. Both on the device.
struct PackJob {
  const uint8_t* from;
  uint8_t* to;
  int64_t rows, cols, format;
};

enum Status : int32_t { kOk, kOutOfMemory, kNoDriver, kDriverTooOld, kDriverFails, kNoDevice, kDeviceLost };

struct DeviceRow {
  char name[128];
  int64_t memory_bytes;
  int32_t major, minor;  // compute capability
  int32_t n_processors, usable;  // usable 0: older than the plugin's kernels
  int32_t software;              // no GPU at all but the processor, for tests
  int32_t widest_head;           // columns of an attention head that its shared memory has room for
};

/// Since the last time they were taken.
struct Counts {
  int64_t launches, copies, runs, replayed;  // replayed: runs whose launches were recorded before, as one graph
};

struct Context;  // one open device; used by one thread at a time

/// All functions return a Status where they can fail; `message` of a failure lasts until the next call of the same context. Without a
/// context: what the driver said at the last count().
struct Api {
  uint32_t version, op_bytes;  // kAbiVersion, sizeof(Op): both have to agree
  int64_t shares_memory;       // device pointers are host pointers too
  int32_t (*count)(int32_t* n_devices, int32_t* driver_version);  // driver_version 0: none
  int32_t (*describe)(int32_t device, DeviceRow* row);  // without opening it
  int32_t (*open)(int32_t device, const void* codebooks, int64_t codebooks_bytes, Context** context);
  void (*close)(Context* context);
  const char* (*message)(Context* context);
  int64_t (*free_memory)(Context* context);
  int32_t (*allocate)(Context* context, int64_t bytes, void** device);
  void (*free)(Context* context, void* device);
  int32_t (*allocate_pinned)(Context* context, int64_t bytes, void** host);
  void (*free_pinned)(Context* context, void* host);
  int32_t (*upload)(Context* context, void* to, const void* from, int64_t bytes);  // waits
  int32_t (*pack)(Context* context, const PackJob* job);                              // waits
  int32_t (*download)(Context* context, const Copy* copy);                            // waits
  /// Waits. seconds: one for each op, or nullptr; asking for them makes a step slower.
  int32_t (*run)(Context* context, const Op* ops, int64_t n_ops, float* seconds);
  void (*take_counts)(Context* context, Counts* counts);
  double (*read_through)(Context* context, const void* bytes, int64_t n_bytes);  // seconds; 0: not known
  double (*peak_operations)(Context* context);  // of the int8 matrix instruction, a second, a multiply-add being two; 0: not known
};

extern "C" {
typedef const Api* (*Entry)(void);
}

}  // namespace foreword::gpu::cuda
