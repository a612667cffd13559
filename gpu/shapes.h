#pragma once
// The shape rules of backend.h as checks, one function an op, shared by every backend: a wrong shape is our mistake.

#include "gpu/backend.h"

namespace foreword::gpu::shapes {

void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out);
void norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t group, const Tensor& out);
void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out);
void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                    const Tensor& out);
void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, const Tensor& cos_sin);
void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots);
void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to);
void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to);
void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params,
               const Tensor& out);
/// f32 views of one shape.
void same(const Tensor& a, const Tensor& b, const Tensor& out);
void in_place(const Tensor& x);
void sigmoid_gate(const Tensor& x, const Tensor& gate);
void route(const Tensor& logits, const Tensor& experts, const Tensor& weights);
void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out);
void top_k(const Tensor& x, const Tensor& ids, const Tensor& values);
void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out);

}  // namespace foreword::gpu::shapes
