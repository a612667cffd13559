#include "gpu/shapes.h"

#include <algorithm>

#include "engine/base/check.h"

namespace foreword::gpu::shapes {
namespace {

void inside(const Tensor& t) {
  check(t.buffer != nullptr && t.offset >= 0 && t.rows >= 0 && t.cols >= 0, "a view has a buffer");
  check(t.rows <= 1 || t.stride >= t.cols, "a view's rows do not overlap");
  const std::int64_t elements = t.rows == 0 ? 0 : (t.rows - 1) * t.stride + t.cols;
  check(t.offset % bytes_of(t.dtype) == 0, "a view is aligned to its elements");
  check(static_cast<std::uint64_t>(t.offset + elements * bytes_of(t.dtype)) <= t.buffer->bytes(),
        "a view lies in its buffer");
}

void floats(const Tensor& t) {
  inside(t);
  check(t.dtype == DType::f32, "activations are f32");
}

void integers(const Tensor& t, std::int64_t rows, std::int64_t cols) {
  inside(t);
  check(t.dtype == DType::i32, "indices are i32");
  check(t.rows == rows && t.cols == cols, "shape of an index tensor");
}

void matrix(const WeightMatrix& w) {
  check(w.buffer != nullptr && w.rows > 0 && w.cols > 0 && w.n_experts > 0, "a weight has a buffer and a shape");
  check(info(w.format).decode != nullptr, "a weight's format decodes to floats");
  check(static_cast<std::uint64_t>(w.offset + w.n_experts * w.expert_bytes()) <= w.buffer->bytes(),
        "a weight lies in its buffer");
  if (w.scale) {
    floats(w.scale);
    check(w.scale.rows == 1 && (w.scale.cols == 1 || w.scale.cols == w.n_experts), "shape of a weight's scale");
  }
}

void optional_bias(const Tensor& bias, std::int64_t rows, std::int64_t cols) {
  if (!bias) return;
  floats(bias);
  check(bias.rows == rows && bias.cols == cols, "shape of a bias");
}

void layer_inside(const KvLayer& layer) {
  check(layer.buffer != nullptr && layer.n_kv_heads > 0 && layer.head_dim > 0, "a KV layer has a buffer and heads");
  check(layer.dtype == DType::f16 || layer.dtype == DType::f32, "KV is f16 or f32");
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) {
    const KvPool pool = layer.pool(i);
    if (pool.buffer == nullptr) continue;
    check(static_cast<std::uint64_t>(pool.offset + pool.n_blocks * layer.n_kv_heads * layer.page_bytes(i)) <=
              pool.buffer->bytes(),
          "a pool of KV pages lies in its buffer");
  }
}

}  // namespace

void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) {
  matrix(table);
  floats(out);
  integers(ids, out.rows, 1);
  check(table.n_experts == 1 && table.tile_rows == 1, "embed: a table as it lies in the file");
  check(out.cols == table.cols, "embed: width of the table");
}

void norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t group, const Tensor& out) {
  same(x, x, out);
  floats(weight);
  check(group > 0 && x.cols % group == 0, "norm: groups divide the columns");
  check(weight.rows == 1 && (weight.cols == group || weight.cols == x.cols), "norm: shape of the weight");
  if (bias) optional_bias(bias, 1, weight.cols);
}

void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) {
  matrix(w);
  floats(x);
  floats(out);
  check(w.n_experts == 1, "linear: one expert");
  check(x.cols == w.cols && out.cols == w.rows && x.rows == out.rows, "linear: shapes agree");
  optional_bias(bias, 1, w.rows);
}

void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                    const Tensor& out) {
  matrix(w);
  floats(x);
  floats(out);
  integers(experts, experts.rows, experts.cols);
  check(x.cols == w.cols && out.cols == w.rows, "linear_experts: widths agree");
  check(out.rows == experts.rows * experts.cols, "linear_experts: an output row for each chosen expert");
  check(x.rows == experts.rows || x.rows == out.rows, "linear_experts: rows of x");
  optional_bias(bias, w.n_experts, w.rows);
}

void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, const Tensor& cos_sin) {
  floats(x);
  floats(cos_sin);
  check(head_dim > 0 && x.cols % head_dim == 0, "rope: heads divide the columns");
  check(n_rot >= 0 && n_rot % 2 == 0 && n_rot <= head_dim, "rope: rotated columns");
  check(cos_sin.rows == x.rows && cos_sin.cols == n_rot, "rope: shape of the angles");
}

void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) {
  same(k, k, v);
  layer_inside(layer);
  check(k.cols == layer.n_kv_heads * layer.head_dim, "store_kv: width of k and v");
  integers(slots, k.rows, 1);
}

void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  layer_inside(layer);
  integers(from, from.rows, 1);
  integers(to, from.rows, 1);
}

void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) { encode_pages(layer, from, to); }

void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params,
               const Tensor& out) {
  same(q, q, out);
  layer_inside(layer);
  check(params.n_heads > 0 && params.n_heads % layer.n_kv_heads == 0, "attention: kv heads divide the heads");
  check(params.n_heads / layer.n_kv_heads <= Backend::kMostSharers, "attention: as many heads to a kv head as there may be");
  check(q.cols == params.n_heads * layer.head_dim, "attention: width of q");
  integers(rows.table, rows.table.rows, rows.table.cols);
  integers(rows.sequence, q.rows, 1);
  integers(rows.position, q.rows, 1);
  integers(rows.prefix_slots, q.rows, 1);
  integers(rows.extra_begin, q.rows + 1, 1);
  if (rows.extra_slots) integers(rows.extra_slots, rows.extra_slots.rows, 1);
  check(static_cast<bool>(rows.watch) == static_cast<bool>(rows.shares), "attention: watched rows have room for their shares");
  if (rows.watch) {
    integers(rows.watch, q.rows, 1);
    floats(rows.shares);
    check(rows.shares.rows % layer.n_kv_heads == 0 && rows.shares.cols == rows.table.cols, "attention: shares of each block");
  }
  if (params.sinks) {
    floats(params.sinks);
    check(params.sinks.rows == 1 && params.sinks.cols == params.n_heads, "attention: a sink for each head");
  }
}

void same(const Tensor& a, const Tensor& b, const Tensor& out) {
  floats(a);
  floats(b);
  floats(out);
  check(a.rows == out.rows && a.cols == out.cols && b.rows == out.rows && b.cols == out.cols, "views of one shape");
}

void in_place(const Tensor& x) { floats(x); }

void sigmoid_gate(const Tensor& x, const Tensor& gate) {
  floats(x);
  floats(gate);
  check(gate.rows == x.rows && gate.cols == 1, "sigmoid_gate: a gate for each row");
}

void route(const Tensor& logits, const Tensor& experts, const Tensor& weights) {
  floats(logits);
  floats(weights);
  integers(experts, logits.rows, weights.cols);
  check(weights.rows == logits.rows && weights.cols > 0 && weights.cols <= logits.cols, "route: k experts of E");
  check(logits.cols <= Backend::kMostExperts, "route: as many experts as there may be");
}

void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) {
  floats(y);
  floats(weights);
  floats(out);
  check(weights.rows == out.rows && y.rows == out.rows * weights.cols && y.cols == out.cols,
        "combine_experts: shapes agree");
}

void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) {
  floats(x);
  floats(values);
  integers(ids, x.rows, values.cols);
  check(values.rows == x.rows && values.cols > 0 && values.cols <= std::min(x.cols, Backend::kMostTopK), "top_k: k of a row's values");
}

void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) {
  floats(x);
  floats(out);
  integers(rows, out.rows, 1);
  check(x.cols == out.cols, "gather_rows: widths agree");
}

}  // namespace foreword::gpu::shapes
