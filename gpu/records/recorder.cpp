#include "gpu/records/recorder.h"

#include "engine/base/check.h"
#include "gpu/shapes.h"

namespace foreword::gpu {

void Recorder::embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) {
  shapes::embed(table, ids, out);
  if (out.rows > 0) records_.push_back(EmbedRecord{table, ids, out});
}

void Recorder::rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) {
  shapes::norm(x, weight, Tensor{}, group, out);
  if (out.rows > 0) records_.push_back(NormRecord{false, x, weight, {}, eps, group, out});
}

void Recorder::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group, const Tensor& out) {
  shapes::norm(x, weight, bias, group, out);
  if (out.rows > 0) records_.push_back(NormRecord{true, x, weight, bias, eps, group, out});
}

void Recorder::linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) {
  shapes::linear(w, x, bias, out);
  LinearRecord record;
  record.x = x;
  record.parts[0] = {w, bias, out};
  if (out.rows > 0) records_.push_back(record);
}

void Recorder::linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias, const Tensor& out) {
  shapes::linear_experts(w, x, experts, bias, out);
  LinearExpertsRecord record;
  record.x = x;
  record.experts = experts;
  record.parts[0] = {w, bias, out};
  if (out.rows > 0) records_.push_back(record);
}

void Recorder::rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs, const Tensor& cos_sin) {
  shapes::rope(x, head_dim, n_rot, cos_sin);
  if (x.rows > 0 && n_rot > 0) records_.push_back(RopeRecord{{x, {}}, 1, head_dim, n_rot, pairs, cos_sin});
}

void Recorder::store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) {
  shapes::store_kv(k, v, layer, slots);
  if (k.rows > 0) records_.push_back(StoreKvRecord{k, v, layer, slots});
}

void Recorder::encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  shapes::encode_pages(layer, from, to);
  if (from.rows > 0) records_.push_back(EncodePagesRecord{layer, from, to});
}

void Recorder::copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  shapes::copy_slots(layer, from, to);
  if (from.rows > 0) records_.push_back(CopySlotsRecord{layer, from, to});
}

void Recorder::attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params, const Tensor& out) {
  shapes::attention(q, layer, rows, params, out);
  if (q.rows > 0) records_.push_back(AttentionRecord{q, layer, rows, params, out});
}

void Recorder::glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) {
  shapes::same(gate, up, out);
  if (out.rows > 0) records_.push_back(ElementwiseRecord{glu_of(act), gate, up, 1, out});
}

void Recorder::activate(Activation act, const Tensor& x, const Tensor& out) {
  shapes::same(x, x, out);
  check(act != Activation::clamped_silu, "activate: clamped_silu needs two inputs");
  if (out.rows > 0) records_.push_back(ElementwiseRecord{activation_of(act), x, {}, 1, out});
}

void Recorder::add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) {
  shapes::same(x, y, out);
  if (out.rows > 0) records_.push_back(ElementwiseRecord{Elementwise::add, x, y, scale, out});
}

void Recorder::scale(const Tensor& x, float factor) {
  shapes::in_place(x);
  if (x.rows > 0) records_.push_back(ElementwiseRecord{Elementwise::scale, x, {}, factor, x});
}

void Recorder::softcap(const Tensor& x, float cap) {
  shapes::in_place(x);
  if (x.rows > 0) records_.push_back(ElementwiseRecord{Elementwise::softcap, x, {}, cap, x});
}

void Recorder::sigmoid_gate(const Tensor& x, const Tensor& gate) {
  shapes::sigmoid_gate(x, gate);
  if (x.rows > 0) records_.push_back(ElementwiseRecord{Elementwise::sigmoid_gate, x, gate, 1, x});
}

void Recorder::route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) {
  shapes::route(logits, experts, weights);
  if (logits.rows > 0) records_.push_back(RouteRecord{routing, logits, experts, weights});
}

void Recorder::combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) {
  shapes::combine_experts(y, weights, out);
  if (out.rows > 0) records_.push_back(CombineExpertsRecord{y, weights, out});
}

void Recorder::top_k(const Tensor& x, const Tensor& ids, const Tensor& values) {
  shapes::top_k(x, ids, values);
  if (x.rows > 0) records_.push_back(TopKRecord{x, ids, values});
}

void Recorder::gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) {
  shapes::gather_rows(x, rows, out);
  if (out.rows > 0) records_.push_back(GatherRowsRecord{x, rows, out});
}

}  // namespace foreword::gpu
