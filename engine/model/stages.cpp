#include "engine/model/stages.h"

#include <algorithm>

namespace foreword::engine {

using gpu::DType;
using gpu::Tensor;

namespace {

/// Rows of logits that are computed at once; more are done in turns, so that the buffer stays small.
constexpr std::int64_t kLogitRows = 16;

}  // namespace

Result<void> Stages::allocate() {
  const Config& c = model_.config;
  const std::int64_t n = max_rows_, d = c.hidden_size;
  const std::int64_t dense = std::max(c.n_experts > 0 ? 0 : c.ffn_size, c.shared_ffn_size);
  const std::int64_t chosen = n * c.n_experts_used;
  for (Scratch* s : {&normed_, &branch_}) FW_TRY(s->make(backend_, n, d));
  for (Scratch* s : {&q_, &heads_}) FW_TRY(s->make(backend_, n, c.n_heads * c.head_dim));
  for (Scratch* s : {&k_, &v_}) FW_TRY(s->make(backend_, n, c.n_kv_heads * c.head_dim));
  for (Scratch* s : {&gate_, &up_}) FW_TRY(s->make(backend_, n, dense));
  FW_TRY(hidden_.make(backend_, std::min(n, kLogitRows), d));
  FW_TRY(logits_.make(backend_, std::min(n, kLogitRows), model_.vocab_size));
  FW_ASSIGN(reader_, LogitReader::create(backend_, std::min(n, kLogitRows), model_.vocab_size));
  if (c.n_experts > 0) {
    FW_TRY(router_.make(backend_, n, c.n_experts));
    FW_TRY(experts_.make(backend_, n, c.n_experts_used, DType::i32));
    FW_TRY(expert_weights_.make(backend_, n, c.n_experts_used));
    FW_TRY(expert_gate_.make(backend_, chosen, 2 * c.expert_ffn_size));  // wide enough for the merged form
    FW_TRY(expert_up_.make(backend_, chosen, c.expert_ffn_size));
    FW_TRY(expert_out_.make(backend_, chosen, d));
    FW_TRY(shared_gate_.make(backend_, n, 1));
  }
  for (Scratch* s : {&wanted_, &mixed_}) FW_TRY(s->make(backend_, n, 1, DType::i32));
  return {};
}

void Stages::embed(const LayerInputs& inputs, std::span<const Batch::Mix> mixes, const Tensor& stream) {
  backend_.embed(model_.token_embedding, inputs.token, stream);
  for (const Batch::Mix& each : mixes) mix(each, stream.row_range(each.row, 1));
  if (model_.config.embedding_scale != 1.0F) backend_.scale(stream, model_.config.embedding_scale);
  if (!model_.position_table) return;
  backend_.embed(model_.position_table, inputs.position, normed_.rows(stream.rows));
  backend_.add(stream, normed_.rows(stream.rows), 1.0F, stream);
}

void Stages::norm(const Norm& norm, const Tensor& in, std::int64_t group, const Tensor& out) {
  const float eps = model_.config.norm_eps;
  if (model_.config.arch->norm == NormKind::rms) backend_.rms_norm(in, norm.weight, eps, group, out);
  else backend_.layer_norm(in, norm.weight, norm.bias, eps, group, out);
}

void Stages::linear(const Linear& linear, const Tensor& in, const Tensor& out) {
  backend_.linear(linear.weight, in, linear.bias, out);
}

/// out = Wo attention(in) + bo.
void Stages::attention(std::int64_t il, const Tensor& in, const LayerInputs& inputs, const Tensor& out) {
  const Config& c = model_.config;
  const Architecture& arch = *c.arch;
  const Layer& layer = model_.layers[static_cast<std::size_t>(il)];
  const auto i = static_cast<std::size_t>(il);
  const Tensor queries = q_.rows(in.rows), keys = k_.rows(in.rows), values = v_.rows(in.rows), heads = heads_.rows(in.rows);
  linear(layer.q, in, queries);
  linear(layer.k, in, keys);
  linear(layer.v, in, values);
  if (layer.q_norm) norm(layer.q_norm, queries, arch.qk_norm == QkNorm::full_width ? queries.cols : c.head_dim, queries);
  if (layer.k_norm) norm(layer.k_norm, keys, arch.qk_norm == QkNorm::full_width ? keys.cols : c.head_dim, keys);
  if (c.has_rope[i]) {
    const Tensor& angles = c.is_local[i] ? inputs.cos_sin_local : inputs.cos_sin_global;
    backend_.rope(queries, c.head_dim, c.n_rot, arch.rope_pairs, angles);
    backend_.rope(keys, c.head_dim, c.n_rot, arch.rope_pairs, angles);
  }
  const auto& place = cache_.shape().is_windowed(il) ? inputs.local : inputs.global;
  backend_.store_kv(keys, values, cache_.layer(il), place.slot);
  gpu::AttentionParams params;
  params.n_heads = c.n_heads;
  params.scale = c.attention_scale;
  params.softcap = c.attention_softcap;
  params.window = c.is_local[i] ? c.window : 0;
  params.sinks = layer.sinks;
  backend_.attention(queries, cache_.layer(il), place.rows, params, heads);
  linear(layer.output, heads, out);
}

void Stages::mixture(const Layer& layer, const Tensor& in, const Tensor& out) {
  const Config& c = model_.config;
  const Architecture& arch = *c.arch;
  const std::int64_t n = in.rows, chosen = n * c.n_experts_used, width = c.expert_ffn_size;
  const Tensor ids = experts_.rows(n), weights = expert_weights_.rows(n);
  linear(layer.router, in, router_.rows(n));
  backend_.route(arch.routing, router_.rows(n), ids, weights);

  Tensor gated, upward;
  if (layer.gate_up_experts) {
    const Tensor both = expert_gate_.rows(chosen);
    backend_.linear_experts(layer.gate_up_experts.weight, in, ids, layer.gate_up_experts.bias, both);
    gated = both.col_range(0, width);
    upward = both.col_range(width, width);
  } else {
    gated = expert_gate_.packed(chosen, width);
    upward = expert_up_.rows(chosen);
    backend_.linear_experts(layer.gate_experts.weight, in, ids, layer.gate_experts.bias, gated);
    backend_.linear_experts(layer.up_experts.weight, in, ids, layer.up_experts.bias, upward);
  }
  const Tensor inner = expert_up_.rows(chosen);
  backend_.glu(arch.activation, gated, upward, inner);
  const Tensor each = expert_out_.rows(chosen);
  backend_.linear_experts(layer.down_experts.weight, inner, ids, layer.down_experts.bias, each);
  backend_.combine_experts(each, weights, out);
  if (!layer.shared_down) return;
  const Tensor shared_gated = gate_.packed(n, c.shared_ffn_size), shared_up = up_.packed(n, c.shared_ffn_size);
  linear(layer.shared_gate, in, shared_gated);
  linear(layer.shared_up, in, shared_up);
  if (layer.shared_router) linear(layer.shared_router, in, shared_gate_.rows(n));
  backend_.glu(arch.activation, shared_gated, shared_up, shared_gated);
  const Tensor shared = expert_out_.packed(n, c.hidden_size);
  linear(layer.shared_down, shared_gated, shared);
  if (layer.shared_router) backend_.sigmoid_gate(shared, shared_gate_.rows(n));
  backend_.add(out, shared, 1.0F, out);
}

void Stages::feed_forward(const Layer& layer, const Tensor& in, const Tensor& out) {
  const Architecture& arch = *model_.config.arch;
  if (layer.router) {
    mixture(layer, in, out);
    return;
  }
  const Tensor upward = up_.packed(in.rows, model_.config.ffn_size);
  if (layer.gate) {
    const Tensor gated = gate_.packed(in.rows, model_.config.ffn_size);
    linear(layer.gate, in, gated);
    linear(layer.up, in, upward);
    backend_.glu(arch.activation, gated, upward, upward);
  } else {
    linear(layer.up, in, upward);
    backend_.activate(arch.activation, upward, upward);
  }
  linear(layer.down, upward, out);
}

/// row: holds the first token's embedding, and the weighted sum of all at the end.
void Stages::mix(const Batch::Mix& mix, const Tensor& row) {
  const std::int64_t n = std::ssize(mix.tokens);
  const Tensor each = branch_.rows(n);
  backend_.embed(model_.token_embedding, mixed_.write(backend_, mix.tokens, n, 1), each);
  backend_.scale(row, mix.weights.front());
  for (std::int64_t i = 1; i < n; ++i) backend_.add(row, each.row_range(i, 1), mix.weights[static_cast<std::size_t>(i)], row);
}

void Stages::layer(std::int64_t il, const LayerInputs& inputs, const Tensor& stream) {
  const Config& c = model_.config;
  const Layer& layer = model_.layers[static_cast<std::size_t>(il)];
  const std::int64_t n = stream.rows, d = c.hidden_size;
  const Tensor normed = normed_.rows(n), branch = branch_.rows(n);

  if (!c.arch->parallel && (layer.norm2 || !c.arch->pre_norm)) {
    if (layer.norm1) norm(layer.norm1, stream, d, normed);
    attention(il, layer.norm1 ? normed : stream, inputs, branch);
    if (layer.post1) norm(layer.post1, branch, d, branch);
    backend_.add(stream, branch, c.residual_scale, stream);
    if (layer.norm2) norm(layer.norm2, stream, d, normed);
    feed_forward(layer, layer.norm2 ? normed : stream, branch);
    if (layer.post2) norm(layer.post2, branch, d, branch);
    backend_.add(stream, branch, c.residual_scale, stream);
    return;
  }
  // Parallel: both branches read the stream as it came in.
  norm(layer.norm1, stream, d, normed);
  if (layer.norm1_attention) norm(layer.norm1_attention, stream, d, branch);
  attention(il, layer.norm1_attention ? branch : normed, inputs, branch);
  backend_.add(stream, branch, 1.0F, stream);
  feed_forward(layer, normed, branch);
  backend_.add(stream, branch, 1.0F, stream);
}

Result<void> Stages::hand_out_states(const Tensor& states, const std::function<void(std::int64_t, const LogitRow&)>& sink) {
  FW_TRY(backend_.submit());
  std::vector<float> values(static_cast<std::size_t>(states.rows * states.cols));
  backend_.read(states, std::as_writable_bytes(std::span(values)));
  FW_TRY(backend_.submit());
  for (std::int64_t row = 0; row < states.rows; ++row) {
    sink(row, LogitRow::of_state(std::span<const float>(values).subspan(static_cast<std::size_t>(row * states.cols), static_cast<std::size_t>(states.cols))));
  }
  return {};
}

Result<void> Stages::head(const Tensor& stream, std::span<const Wanted> wanted, const LogitSink& sink) {
  if (wanted.empty()) return backend_.submit();
  const Config& c = model_.config;
  std::vector<std::int32_t> rows;
  std::vector<LogitWish> wishes;
  for (const Wanted& each : wanted) {
    rows.push_back(each.row);
    wishes.push_back(each.wish);
  }
  const Tensor all = wanted_.write(backend_, rows, std::ssize(rows), 1);
  for (std::int64_t first = 0, n = 0; first < std::ssize(rows); first += n) {
    // Rows of one kind that follow each other.
    const bool states_alone = wishes[static_cast<std::size_t>(first)].wants_state();
    for (n = 1; n < kLogitRows && first + n < std::ssize(rows) && wishes[static_cast<std::size_t>(first + n)].wants_state() == states_alone;) ++n;
    const auto tell = [&](std::int64_t i, const LogitRow& row) { sink(rows[static_cast<std::size_t>(first + i)], row); };
    const Tensor states = hidden_.rows(n), out = logits_.rows(n);
    backend_.gather_rows(stream, all.row_range(first, n), states);
    norm(model_.output_norm, states, c.hidden_size, states);
    if (states_alone) {
      FW_TRY(hand_out_states(states, tell));
      continue;
    }
    linear(model_.head, states, out);
    if (c.logit_divisor != 1.0F) backend_.scale(out, 1.0F / c.logit_divisor);
    if (c.final_softcap > 0) backend_.softcap(out, c.final_softcap);
    FW_TRY(reader_->hand_out(out, std::span(wishes).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)), tell));
  }
  return {};
}

}  // namespace foreword::engine
