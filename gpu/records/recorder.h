#pragma once
// The ops of a backend that records: shapes are checked, what was called is kept, and the rest is submit()'s.

#include "gpu/records/records.h"

namespace foreword::gpu {

class Recorder : public Backend {
 public:
  void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) final;
  void rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) final;
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group, const Tensor& out) final;
  void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) final;
  void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias, const Tensor& out) final;
  void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs, const Tensor& cos_sin) final;
  void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) final;
  void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) final;
  void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) final;
  void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params, const Tensor& out) final;
  void glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) final;
  void activate(Activation act, const Tensor& x, const Tensor& out) final;
  void add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) final;
  void scale(const Tensor& x, float factor) final;
  void softcap(const Tensor& x, float cap) final;
  void sigmoid_gate(const Tensor& x, const Tensor& gate) final;
  void route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) final;
  void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) final;
  void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) final;
  void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) final;

 protected:
  /// Calls that write no row leave no record.
  std::vector<Record> records_;
};

}  // namespace foreword::gpu
