#include "engine/model/forward.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "engine/model/batch_layout.h"
#include "engine/model/logit_reader.h"

namespace foreword::engine {

using gpu::DType;
using gpu::Tensor;

std::int32_t Batch::add(std::int32_t token_id, SequenceId sequence_id, std::int32_t parent_row, LogitWish wish) {
  token.push_back(token_id);
  parent.push_back(parent_row);
  sequence.push_back(sequence_id);
  logits.push_back(wish);
  return static_cast<std::int32_t>(token.size() - 1);
}

void Batch::clear() { *this = Batch(); }

namespace {

/// Rows of logits that are computed at once; more are done in turns, so that the buffer stays small.
constexpr std::int64_t kLogitRows = 16;

/// Sequences of a batch whose attention is watched; a batch of more has none that is.
constexpr std::int64_t kWatched = 4;

/// A matrix of our own with room for max_rows rows; a batch uses the first ones.
struct Scratch {
  std::unique_ptr<gpu::Buffer> buffer;
  Tensor all;
  Tensor rows(std::int64_t n) const { return all.row_range(0, n); }
  /// The first n * cols values as [n, cols], for data whose width changes from batch to batch.
  Tensor packed(std::int64_t n, std::int64_t cols) const {
    Tensor view = all;
    view.rows = n;
    view.cols = view.stride = cols;
    return view;
  }
};

/// Views of one batch's inputs on the device.
struct Inputs {
  Tensor token, position, cos_sin_global, cos_sin_local;
  struct {
    Tensor slot;
    gpu::AttentionRows rows;
  } global, local;  // of the layers without and with a window
};

}  // namespace

struct Forward::Impl {
  Impl(gpu::Backend& b, const Model& m, KvCache& c, std::int64_t rows) : backend(b), model(m), cache(c), max_rows(rows) {}

  gpu::Backend& backend;
  const Model& model;
  KvCache& cache;
  std::int64_t max_rows;

  Scratch x, a, q, k, v, o, y, gate, up, logits, hidden;
  Scratch router, experts, expert_weights, expert_gate, expert_up, expert_out, shared_gate;
  Scratch token, position, slot, sequence, prefix_slots, extra_begin, extra_slots, table, cos_sin_global, cos_sin_local, wanted;
  Scratch window_slot, window_table, watch, shares, mixed;
  std::optional<LogitReader> reader;

  Result<void> allocate();
  Result<void> make(Scratch& scratch, std::int64_t rows, std::int64_t cols, DType dtype = DType::f32);
  Inputs upload(const Batch& batch, const BatchLayout& layout);
  Tensor upload_angles(const Scratch& to, const RopeTable& table, const BatchLayout& layout);
  template <class T>
  Tensor upload_values(const Scratch& to, const std::vector<T>& values, std::int64_t rows, std::int64_t cols);

  void norm(const Norm& norm, const Tensor& in, std::int64_t group, const Tensor& out);
  void linear(const Linear& linear, const Tensor& in, const Tensor& out);
  void attention(std::int64_t il, const Tensor& in, const Inputs& inputs, const Tensor& out);
  void feed_forward(const Layer& layer, const Tensor& in, const Tensor& out);
  void mixture(const Layer& layer, const Tensor& in, const Tensor& out);
  void layer(std::int64_t il, const Inputs& inputs);
  void mix(const Batch::Mix& mix, const Tensor& row);
  Result<void> head(const Batch& batch, const LogitSink& sink);
  void tell_attention(const BatchLayout& layout, const Tensor& given);
};

Result<void> Forward::Impl::make(Scratch& scratch, std::int64_t rows, std::int64_t cols, DType dtype) {
  if (rows == 0 || cols == 0) return {};
  FW_ASSIGN(scratch.buffer, backend.allocate(static_cast<std::size_t>(rows * cols * gpu::bytes_of(dtype))));
  scratch.all = {scratch.buffer.get(), 0, rows, cols, cols, dtype};
  return {};
}

Result<void> Forward::Impl::allocate() {
  const Config& c = model.config;
  const std::int64_t n = max_rows, d = c.hidden_size;
  const std::int64_t max_blocks = (model.context + gpu::kPageSlots - 1) / gpu::kPageSlots + 1;
  const std::int64_t dense = std::max(c.n_experts > 0 ? 0 : c.ffn_size, c.shared_ffn_size);
  const std::int64_t chosen = n * c.n_experts_used;
  for (Scratch* s : {&x, &a, &y}) FW_TRY(make(*s, n, d));
  for (Scratch* s : {&q, &o}) FW_TRY(make(*s, n, c.n_heads * c.head_dim));
  for (Scratch* s : {&k, &v}) FW_TRY(make(*s, n, c.n_kv_heads * c.head_dim));
  for (Scratch* s : {&gate, &up}) FW_TRY(make(*s, n, dense));
  FW_TRY(make(hidden, std::min(n, kLogitRows), d));
  FW_TRY(make(logits, std::min(n, kLogitRows), model.vocab_size));
  FW_ASSIGN(reader, LogitReader::create(backend, std::min(n, kLogitRows), model.vocab_size));
  if (c.n_experts > 0) {
    FW_TRY(make(router, n, c.n_experts));
    FW_TRY(make(experts, n, c.n_experts_used, DType::i32));
    FW_TRY(make(expert_weights, n, c.n_experts_used));
    FW_TRY(make(expert_gate, chosen, 2 * c.expert_ffn_size));  // wide enough for the merged form
    FW_TRY(make(expert_up, chosen, c.expert_ffn_size));
    FW_TRY(make(expert_out, chosen, d));
    FW_TRY(make(shared_gate, n, 1));
  }
  for (Scratch* s : {&token, &position, &slot, &sequence, &prefix_slots, &wanted, &mixed}) FW_TRY(make(*s, n, 1, DType::i32));
  FW_TRY(make(extra_begin, n + 1, 1, DType::i32));
  FW_TRY(make(extra_slots, n * (n + 1) / 2, 1, DType::i32));
  FW_TRY(make(table, n, max_blocks, DType::i32));
  if (cache.may_demote()) {
    FW_TRY(make(watch, n, 1, DType::i32));
    FW_TRY(make(shares, kWatched * c.n_kv_heads, max_blocks));
  }
  if (cache.shape().n_windowed() > 0) {
    FW_TRY(make(window_slot, n, 1, DType::i32));
    FW_TRY(make(window_table, n, max_blocks, DType::i32));
  }
  FW_TRY(make(cos_sin_global, n, c.n_rot));
  FW_TRY(make(cos_sin_local, n, c.n_rot));
  return {};
}

template <class T>
Tensor Forward::Impl::upload_values(const Scratch& to, const std::vector<T>& values, std::int64_t rows, std::int64_t cols) {
  check(rows * cols <= to.all.rows * to.all.cols, "a batch is larger than its working memory");
  const Tensor view = to.packed(rows, cols);
  backend.write(view, std::as_bytes(std::span(values)));
  return view;
}

Tensor Forward::Impl::upload_angles(const Scratch& to, const RopeTable& rope, const BatchLayout& layout) {
  std::vector<float> values;
  values.reserve(layout.position.size() * rope.frequency.size() * 2);
  for (const std::int32_t t : layout.position) {
    for (const double frequency : rope.frequency) {
      const double angle = t * frequency;
      values.push_back(static_cast<float>(std::cos(angle) * rope.magnitude));
      values.push_back(static_cast<float>(std::sin(angle) * rope.magnitude));
    }
  }
  return upload_values(to, values, std::ssize(layout.position), 2 * std::ssize(rope.frequency));
}

Inputs Forward::Impl::upload(const Batch& batch, const BatchLayout& layout) {
  const std::int64_t n = batch.size();
  const Config& c = model.config;
  Inputs in;
  in.token = upload_values(token, batch.token, n, 1);
  in.position = upload_values(position, layout.position, n, 1);
  if (c.n_rot > 0) {
    in.cos_sin_global = upload_angles(cos_sin_global, model.rope_global, layout);
    const bool any_local = std::ranges::find(c.is_local, true) != c.is_local.end();
    if (any_local) in.cos_sin_local = upload_angles(cos_sin_local, model.rope_local, layout);
  }
  gpu::AttentionRows& rows = in.global.rows;
  rows.table = upload_values(table, layout.table, layout.n_sequences, layout.max_blocks);
  rows.sequence = upload_values(sequence, layout.sequence, n, 1);
  rows.position = in.position;
  rows.prefix_slots = upload_values(prefix_slots, layout.prefix_slots, n, 1);
  rows.extra_begin = upload_values(extra_begin, layout.extra_begin, n + 1, 1);
  if (!layout.extra_slots.empty()) {
    rows.extra_slots = upload_values(extra_slots, layout.extra_slots, std::ssize(layout.extra_slots), 1);
  }
  rows.max_slots = layout.max_slots;
  if (cache.may_demote() && layout.n_sequences <= kWatched) {
    const std::int64_t n_shares = layout.n_sequences * c.n_kv_heads;
    rows.watch = upload_values(watch, layout.watch, n, 1);
    rows.shares = upload_values(shares, std::vector<float>(static_cast<std::size_t>(n_shares * layout.max_blocks)), n_shares, layout.max_blocks);
  }
  in.global.slot = upload_values(slot, layout.slot, n, 1);
  in.local = in.global;
  if (!layout.window_table.empty()) {
    in.local.rows.table = upload_values(window_table, layout.window_table, layout.n_sequences, layout.max_blocks);
    in.local.slot = upload_values(window_slot, layout.window_slot, n, 1);
  }
  return in;
}

void Forward::Impl::norm(const Norm& norm, const Tensor& in, std::int64_t group, const Tensor& out) {
  const float eps = model.config.norm_eps;
  if (model.config.arch->norm == NormKind::rms) backend.rms_norm(in, norm.weight, eps, group, out);
  else backend.layer_norm(in, norm.weight, norm.bias, eps, group, out);
}

void Forward::Impl::linear(const Linear& linear, const Tensor& in, const Tensor& out) {
  backend.linear(linear.weight, in, linear.bias, out);
}

/// out = Wo attention(in) + bo.
void Forward::Impl::attention(std::int64_t il, const Tensor& in, const Inputs& inputs, const Tensor& out) {
  const Config& c = model.config;
  const Architecture& arch = *c.arch;
  const Layer& layer = model.layers[static_cast<std::size_t>(il)];
  const auto i = static_cast<std::size_t>(il);
  const Tensor queries = q.rows(in.rows), keys = k.rows(in.rows), values = v.rows(in.rows), heads = o.rows(in.rows);
  linear(layer.q, in, queries);
  linear(layer.k, in, keys);
  linear(layer.v, in, values);
  if (layer.q_norm) norm(layer.q_norm, queries, arch.qk_norm == QkNorm::full_width ? queries.cols : c.head_dim, queries);
  if (layer.k_norm) norm(layer.k_norm, keys, arch.qk_norm == QkNorm::full_width ? keys.cols : c.head_dim, keys);
  if (c.has_rope[i]) {
    const Tensor& angles = c.is_local[i] ? inputs.cos_sin_local : inputs.cos_sin_global;
    backend.rope(queries, c.head_dim, c.n_rot, arch.rope_pairs, angles);
    backend.rope(keys, c.head_dim, c.n_rot, arch.rope_pairs, angles);
  }
  const auto& place = cache.shape().is_windowed(il) ? inputs.local : inputs.global;
  backend.store_kv(keys, values, cache.layer(il), place.slot);
  gpu::AttentionParams params;
  params.n_heads = c.n_heads;
  params.scale = c.attention_scale;
  params.softcap = c.attention_softcap;
  params.window = c.is_local[i] ? c.window : 0;
  params.sinks = layer.sinks;
  backend.attention(queries, cache.layer(il), place.rows, params, heads);
  linear(layer.output, heads, out);
}

void Forward::Impl::mixture(const Layer& layer, const Tensor& in, const Tensor& out) {
  const Config& c = model.config;
  const Architecture& arch = *c.arch;
  const std::int64_t n = in.rows, chosen = n * c.n_experts_used, width = c.expert_ffn_size;
  const Tensor ids = experts.rows(n), weights = expert_weights.rows(n);
  linear(layer.router, in, router.rows(n));
  backend.route(arch.routing, router.rows(n), ids, weights);

  Tensor gated, upward;
  if (layer.gate_up_experts) {
    const Tensor both = expert_gate.rows(chosen);
    backend.linear_experts(layer.gate_up_experts.weight, in, ids, layer.gate_up_experts.bias, both);
    gated = both.col_range(0, width);
    upward = both.col_range(width, width);
  } else {
    gated = expert_gate.packed(chosen, width);
    upward = expert_up.rows(chosen);
    backend.linear_experts(layer.gate_experts.weight, in, ids, layer.gate_experts.bias, gated);
    backend.linear_experts(layer.up_experts.weight, in, ids, layer.up_experts.bias, upward);
  }
  const Tensor inner = expert_up.rows(chosen);
  backend.glu(arch.activation, gated, upward, inner);
  const Tensor each = expert_out.rows(chosen);
  backend.linear_experts(layer.down_experts.weight, inner, ids, layer.down_experts.bias, each);
  if (!layer.shared_down) {
    backend.combine_experts(each, weights, out);
    return;
  }
  const Tensor shared_gated = gate.packed(n, c.shared_ffn_size), shared_up = up.packed(n, c.shared_ffn_size);
  linear(layer.shared_gate, in, shared_gated);
  linear(layer.shared_up, in, shared_up);
  if (layer.shared_router) linear(layer.shared_router, in, shared_gate.rows(n));
  backend.combine_experts(each, weights, out);
  backend.glu(arch.activation, shared_gated, shared_up, shared_gated);
  const Tensor shared = expert_out.packed(n, c.hidden_size);
  linear(layer.shared_down, shared_gated, shared);
  if (layer.shared_router) backend.sigmoid_gate(shared, shared_gate.rows(n));
  backend.add(out, shared, 1.0F, out);
}

void Forward::Impl::feed_forward(const Layer& layer, const Tensor& in, const Tensor& out) {
  const Architecture& arch = *model.config.arch;
  if (layer.router) {
    mixture(layer, in, out);
    return;
  }
  const Tensor upward = up.packed(in.rows, model.config.ffn_size);
  if (layer.gate) {
    const Tensor gated = gate.packed(in.rows, model.config.ffn_size);
    linear(layer.gate, in, gated);
    linear(layer.up, in, upward);
    backend.glu(arch.activation, gated, upward, upward);
  } else {
    linear(layer.up, in, upward);
    backend.activate(arch.activation, upward, upward);
  }
  linear(layer.down, upward, out);
}

/// row: holds the first token's embedding, and the weighted sum of all at the end.
void Forward::Impl::mix(const Batch::Mix& mix, const Tensor& row) {
  const std::int64_t n = std::ssize(mix.tokens);
  const Tensor each = y.rows(n);
  backend.embed(model.token_embedding, upload_values(mixed, mix.tokens, n, 1), each);
  backend.scale(row, mix.weights.front());
  for (std::int64_t i = 1; i < n; ++i) backend.add(row, each.row_range(i, 1), mix.weights[static_cast<std::size_t>(i)], row);
}

void Forward::Impl::layer(std::int64_t il, const Inputs& inputs) {
  const Config& c = model.config;
  const Layer& layer = model.layers[static_cast<std::size_t>(il)];
  const std::int64_t n = inputs.token.rows, d = c.hidden_size;
  const Tensor stream = x.rows(n), normed = a.rows(n), branch = y.rows(n);

  if (!c.arch->parallel && (layer.norm2 || !c.arch->pre_norm)) {
    if (layer.norm1) norm(layer.norm1, stream, d, normed);
    attention(il, layer.norm1 ? normed : stream, inputs, branch);
    if (layer.post1) norm(layer.post1, branch, d, branch);
    backend.add(stream, branch, c.residual_scale, stream);
    if (layer.norm2) norm(layer.norm2, stream, d, normed);
    feed_forward(layer, layer.norm2 ? normed : stream, branch);
    if (layer.post2) norm(layer.post2, branch, d, branch);
    backend.add(stream, branch, c.residual_scale, stream);
    return;
  }
  // Parallel: both branches read the stream as it came in.
  norm(layer.norm1, stream, d, normed);
  if (layer.norm1_attention) norm(layer.norm1_attention, stream, d, branch);
  attention(il, layer.norm1_attention ? branch : normed, inputs, branch);
  backend.add(stream, branch, 1.0F, stream);
  feed_forward(layer, normed, branch);
  backend.add(stream, branch, 1.0F, stream);
}

/// Output norm, head and final scaling for the rows whose logits are wanted, kLogitRows at a time.
Result<void> Forward::Impl::head(const Batch& batch, const LogitSink& sink) {
  const Config& c = model.config;
  std::vector<std::int32_t> rows;
  std::vector<LogitWish> wishes;  // of these
  for (std::int64_t r = 0; r < batch.size(); ++r) {
    const LogitWish wish = batch.logits[static_cast<std::size_t>(r)];
    if (!wish.any()) continue;
    rows.push_back(static_cast<std::int32_t>(r));
    wishes.push_back(wish);
  }
  if (rows.empty()) return backend.submit();
  const Tensor all = upload_values(wanted, rows, std::ssize(rows), 1);
  for (std::int64_t first = 0; first < std::ssize(rows); first += kLogitRows) {
    const std::int64_t n = std::min(kLogitRows, std::ssize(rows) - first);
    const Tensor states = hidden.rows(n), out = logits.rows(n);
    backend.gather_rows(x.rows(batch.size()), all.row_range(first, n), states);
    norm(model.output_norm, states, c.hidden_size, states);
    linear(model.head, states, out);
    if (c.logit_divisor != 1.0F) backend.scale(out, 1.0F / c.logit_divisor);
    if (c.final_softcap > 0) backend.softcap(out, c.final_softcap);
    FW_TRY(reader->hand_out(out, std::span(wishes).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)),
                            [&](std::int64_t i, const LogitRow& row) { sink(rows[static_cast<std::size_t>(first + i)], row); }));
  }
  return {};
}

void Forward::Impl::tell_attention(const BatchLayout& layout, const Tensor& given) {
  if (!given) return;
  const auto n_blocks = static_cast<std::size_t>(layout.max_blocks), n_heads = static_cast<std::size_t>(model.config.n_kv_heads);
  std::vector<float> values(static_cast<std::size_t>(given.rows) * n_blocks), most(n_blocks);
  backend.read(given, std::as_writable_bytes(std::span(values)));
  for (std::size_t s = 0; s < layout.sequences.size(); ++s) {
    std::ranges::fill(most, 0.0F);
    for (std::size_t i = 0; i < n_heads * n_blocks; ++i) most[i % n_blocks] = std::max(most[i % n_blocks], values[s * n_heads * n_blocks + i]);
    cache.attend(layout.sequences[s], most);
  }
}

Result<Forward> Forward::create(gpu::Backend& backend, const Model& model, KvCache& cache, std::int64_t max_rows) {
  auto impl = std::unique_ptr<Impl>(new Impl(backend, model, cache, max_rows));
  FW_TRY(impl->allocate());
  return Forward(std::move(impl));
}

Forward::Forward(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Forward::Forward(Forward&&) noexcept = default;
Forward& Forward::operator=(Forward&&) noexcept = default;
Forward::~Forward() = default;

std::int64_t Forward::max_rows() const { return impl_->max_rows; }

Result<void> Forward::run(const Batch& batch, const LogitSink& sink, const PassOptions& options) {
  Impl& f = *impl_;
  const std::int64_t n = batch.size();
  check(n > 0 && n <= f.max_rows, "a batch has between 1 and max_rows rows");
  std::vector<std::int32_t> tokens = batch.token;
  for (const Batch::Mix& mix : batch.mixes) {
    check(mix.row >= 0 && mix.row < n && std::ssize(mix.tokens) <= f.max_rows && mix.tokens.size() == mix.weights.size() && !mix.tokens.empty() &&
              mix.tokens.front() == batch.token[static_cast<std::size_t>(mix.row)],
          "a mixture is of a row of the batch and begins with its token");
    tokens.insert(tokens.end(), mix.tokens.begin(), mix.tokens.end());
  }
  for (const std::int32_t id : tokens) {
    if (id >= 0 && id < f.model.vocab_size) continue;
    return Error{ErrorCode::invalid_argument, "The token " + std::to_string(id) + " is not in the vocabulary of " +
                                                  std::to_string(f.model.vocab_size) + " tokens."};
  }
  std::map<SequenceId, std::int64_t> rows_of;
  for (const SequenceId id : batch.sequence) ++rows_of[id];
  for (const auto& [id, count] : rows_of) FW_TRY(f.cache.reserve(id, count));

  const BatchLayout layout = lay_out(batch, f.cache);
  const Inputs inputs = f.upload(batch, layout);
  const Tensor stream = f.x.rows(n);
  f.backend.embed(f.model.token_embedding, inputs.token, stream);
  for (const Batch::Mix& mix : batch.mixes) f.mix(mix, stream.row_range(mix.row, 1));
  if (f.model.config.embedding_scale != 1.0F) f.backend.scale(stream, f.model.config.embedding_scale);
  if (f.model.position_table) {
    f.backend.embed(f.model.position_table, inputs.position, f.a.rows(n));
    f.backend.add(stream, f.a.rows(n), 1.0F, stream);
  }
  for (std::int64_t il = 0; il < f.model.config.n_layers; ++il) {
    if (!options.skipped.empty() && options.skipped[static_cast<std::size_t>(il)] != 0) continue;
    f.layer(il, inputs);
    if (!options.go_on) continue;
    FW_TRY(f.backend.submit());
    if (!options.go_on()) return Error{ErrorCode::cancelled, "Stopped."};
  }
  FW_TRY(f.head(batch, sink));
  if (options.skipped.empty()) f.tell_attention(layout, inputs.global.rows.shares);
  return {};
}

}  // namespace foreword::engine
