#include "engine/model/layer_inputs.h"

#include <algorithm>
#include <cmath>

namespace foreword::engine {
namespace {

using gpu::DType;
using gpu::Tensor;

/// Sequences of a batch whose attention is watched; a batch of more has none that is.
constexpr std::int64_t kWatched = 4;

std::vector<float> angles(const RopeTable& rope, const BatchLayout& layout) {
  std::vector<float> values;
  values.reserve(layout.position.size() * rope.frequency.size() * 2);
  for (const std::int32_t t : layout.position) {
    for (const double frequency : rope.frequency) {
      const double angle = t * frequency;
      values.push_back(static_cast<float>(std::cos(angle) * rope.magnitude));
      values.push_back(static_cast<float>(std::sin(angle) * rope.magnitude));
    }
  }
  return values;
}

}  // namespace

LayerInputs LayerInputs::first(std::int64_t n, std::int64_t max_slots) const {
  LayerInputs some = *this;
  const auto cut = [n](Tensor& all) {
    if (all) all = all.row_range(0, n);
  };
  for (Tensor* each : {&some.token, &some.position, &some.cos_sin_global, &some.cos_sin_local}) cut(*each);
  for (Sight* sight : {&some.global, &some.local}) {
    gpu::AttentionRows& rows = sight->rows;
    for (Tensor* each : {&sight->slot, &rows.sequence, &rows.position, &rows.prefix_slots, &rows.watch}) cut(*each);
    rows.extra_begin = rows.extra_begin.row_range(0, n + 1);
    rows.max_slots = max_slots;
  }
  return some;
}

Result<void> LayerInputsMemory::allocate(gpu::Backend& backend, const Model& model, const KvCache& cache, std::int64_t max_rows) {
  const Config& c = model.config;
  const std::int64_t n = max_rows, max_blocks = (model.context + gpu::kPageSlots - 1) / gpu::kPageSlots + 1;
  for (Scratch* s : {&token_, &position_, &slot_, &sequence_, &prefix_slots_}) FW_TRY(s->make(backend, n, 1, DType::i32));
  FW_TRY(extra_begin_.make(backend, n + 1, 1, DType::i32));
  FW_TRY(extra_slots_.make(backend, n * (n + 1) / 2, 1, DType::i32));
  FW_TRY(table_.make(backend, n, max_blocks, DType::i32));
  if (cache.may_demote()) {
    FW_TRY(watch_.make(backend, n, 1, DType::i32));
    FW_TRY(shares_.make(backend, kWatched * c.n_kv_heads, max_blocks));
  }
  if (cache.shape().n_windowed() > 0) {
    FW_TRY(window_slot_.make(backend, n, 1, DType::i32));
    FW_TRY(window_table_.make(backend, n, max_blocks, DType::i32));
  }
  FW_TRY(cos_sin_global_.make(backend, n, c.n_rot));
  return cos_sin_local_.make(backend, n, c.n_rot);
}

LayerInputs LayerInputsMemory::upload(gpu::Backend& backend, const Model& model, const Batch& batch, const BatchLayout& layout) const {
  const std::int64_t n = batch.size();
  const Config& c = model.config;
  LayerInputs in;
  in.token = token_.write(backend, batch.token, n, 1);
  in.position = position_.write(backend, layout.position, n, 1);
  const auto upload_angles = [&](const Scratch& to, const RopeTable& rope) {
    return to.write(backend, angles(rope, layout), n, 2 * std::ssize(rope.frequency));
  };
  if (c.n_rot > 0) {
    in.cos_sin_global = upload_angles(cos_sin_global_, model.rope_global);
    if (std::ranges::find(c.is_local, true) != c.is_local.end()) in.cos_sin_local = upload_angles(cos_sin_local_, model.rope_local);
  }
  gpu::AttentionRows& rows = in.global.rows;
  rows.table = table_.write(backend, layout.table, layout.n_sequences, layout.max_blocks);
  rows.sequence = sequence_.write(backend, layout.sequence, n, 1);
  rows.position = in.position;
  rows.prefix_slots = prefix_slots_.write(backend, layout.prefix_slots, n, 1);
  rows.extra_begin = extra_begin_.write(backend, layout.extra_begin, n + 1, 1);
  if (!layout.extra_slots.empty()) rows.extra_slots = extra_slots_.write(backend, layout.extra_slots, std::ssize(layout.extra_slots), 1);
  rows.max_slots = layout.max_slots(n);
  if (watch_.all && layout.n_sequences <= kWatched) {
    const std::int64_t n_shares = layout.n_sequences * c.n_kv_heads;
    rows.watch = watch_.write(backend, layout.watch, n, 1);
    rows.shares = shares_.write(backend, std::vector<float>(static_cast<std::size_t>(n_shares * layout.max_blocks)), n_shares, layout.max_blocks);
  }
  in.global.slot = slot_.write(backend, layout.slot, n, 1);
  in.local = in.global;
  if (!layout.window_table.empty()) {
    in.local.rows.table = window_table_.write(backend, layout.window_table, layout.n_sequences, layout.max_blocks);
    in.local.slot = window_slot_.write(backend, layout.window_slot, n, 1);
  }
  return in;
}

}  // namespace foreword::engine
