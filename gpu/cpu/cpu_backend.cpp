#include "gpu/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "engine/base/check.h"
#include "gpu/cpu/activations.h"
#include "gpu/cpu/attention.h"
#include "gpu/cpu/host_memory.h"
#include "gpu/cpu/input_quantiser.h"
#include "gpu/cpu/linear.h"
#include "gpu/cpu/measure.h"
#include "gpu/cpu/panel_layout.h"
#include "gpu/cpu/routing.h"
#include "gpu/cpu/schedule.h"
#include "gpu/cpu/shapes.h"

namespace foreword::gpu {
namespace {

using Extents = std::initializer_list<Extent>;

// Work worth waking another thread for, in elements of a cheap op.
constexpr std::int64_t kUnitWork = 32768;
// How much dearer an element of these ops is.
constexpr std::int64_t kCheap = 1, kExponential = 4, kDecoding = 8;
// Weight bytes of a unit of a product with few rows: some microseconds of reading.
constexpr std::int64_t kUnitBytes = 48 << 10;
// Activation bytes that a unit with many rows goes through for each tile of weights: half of a usual second cache.
constexpr std::int64_t kActivationBytes = 512 << 10;

const Kernels& kernels_for([[maybe_unused]] Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return kKernelsAvx512;
  if (isa == Isa::avxvnni) return kKernelsAvxVnni;
  if (isa == Isa::avx2) return kKernelsAvx2;
#endif
  return kKernelsGeneric;
}

const float* optional_row(const Tensor& tensor) { return tensor ? row_of<float>(tensor, 0) : nullptr; }

// Cuts n into units of `size`; the range of unit u.
struct Cut {
  std::int64_t n = 0, size = 1;
  std::int64_t count() const { return (n + size - 1) / size; }
  std::int64_t first(std::int64_t unit) const { return unit * size; }
  std::int64_t last(std::int64_t unit) const { return std::min(n, (unit + 1) * size); }
};

Cut cut_rows(const Tensor& t, std::int64_t price) {
  return {t.rows, std::max<std::int64_t>(1, kUnitWork / std::max<std::int64_t>(1, t.cols * price))};
}

Extent pool_extent(const KvLayer& layer, std::int32_t index) {
  const KvPool pool = layer.pool(index);
  if (pool.buffer == nullptr) return {};
  return {pool.buffer->host() + pool.offset, pool.n_blocks * layer.n_kv_heads * layer.page_bytes(index)};
}

// Turns the pairs of one head by the angles of cos_sin (Backend::rope). Two loops, so that each has constant strides.
void turn_adjacent(float* head, const float* cos_sin, std::int64_t n_rot) {
  for (std::int64_t i = 0; i < n_rot; i += 2) {
    const float a = head[i], b = head[i + 1], c = cos_sin[i], s = cos_sin[i + 1];
    head[i] = a * c - b * s;
    head[i + 1] = a * s + b * c;
  }
}
void turn_half_split(float* head, const float* cos_sin, std::int64_t n_rot) {
  float* other = head + n_rot / 2;
  for (std::int64_t i = 0; i < n_rot / 2; ++i) {
    const float a = head[i], b = other[i], c = cos_sin[2 * i], s = cos_sin[2 * i + 1];
    head[i] = a * c - b * s;
    other[i] = a * s + b * c;
  }
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options)
      : kernels_(kernels_for(options.isa)),
        pool_(options.n_threads > 0 ? options.n_threads : usable_processors()),
        schedule_(pool_.size()) {}

  DeviceInfo device() const override { return describe_cpu(); }
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override { return allocate_host(bytes); }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override {
    return wrap_host(bytes);
  }
  std::unique_ptr<Buffer> arrange(std::span<WeightMatrix* const> weights) override {
    return arrange_in_panels(weights, kernels_, pool_);
  }
  double read_through(const Buffer& buffer) override {
    return gpu::read_through(pool_, kernels_, std::span(buffer.host(), buffer.bytes()));
  }
  double measure_peak_operations() override { return gpu::measure_peak_operations(pool_, kernels_); }
  void set_profiling(bool on) override { schedule_.set_profiling(on); }
  std::vector<OpProfile> take_profile() override { return schedule_.take_profile(); }

  void write(const Tensor& to, std::span<const std::byte> bytes) override;
  void read(const Tensor& from, std::span<std::byte> bytes) override;
  Result<void> submit() override;

  void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) override;
  void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) override;
  void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                      const Tensor& out) override;
  void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params,
                 const Tensor& out) override;
  void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) override;
  void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) override;
  void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) override;

  void rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) override {
    shapes::norm(x, weight, Tensor{}, group, out);
    each_group("rms_norm", x, weight, Tensor{}, group, out, [=, k = kernels_.rms_norm](const float* in, const float* w, const float*, float* to) {
      k(in, w, eps, group, to);
    });
  }
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group,
                  const Tensor& out) override {
    shapes::norm(x, weight, bias, group, out);
    each_group("layer_norm", x, weight, bias, group, out, [=, k = kernels_.layer_norm](const float* in, const float* w, const float* b, float* to) {
      k(in, w, b, eps, group, to);
    });
  }

  void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs,
            const Tensor& cos_sin) override;

  void glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) override {
    shapes::same(gate, up, out);
    const auto k = act == Activation::silu ? kernels_.silu_glu
                   : act == Activation::gelu ? kernels_.gelu_glu
                                             : kernels_.clamped_silu_glu;
    each_row("glu", out, kExponential, {Extent(gate), Extent(up)}, [=](std::int64_t r) {
      k(row_of<float>(gate, r), row_of<float>(up, r), out.cols, row_of<float>(out, r));
    });
  }
  void activate(Activation act, const Tensor& x, const Tensor& out) override {
    shapes::same(x, x, out);
    check(act != Activation::clamped_silu, "activate: clamped_silu needs two inputs");
    const auto k = act == Activation::silu ? kernels_.silu : kernels_.gelu;
    each_row("activate", out, kExponential, {Extent(x)},
             [=](std::int64_t r) { k(row_of<float>(x, r), out.cols, row_of<float>(out, r)); });
  }
  void add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) override {
    shapes::same(x, y, out);
    each_row("add", out, kCheap, {Extent(x), Extent(y)}, [=, k = kernels_.add](std::int64_t r) {
      k(row_of<float>(x, r), row_of<float>(y, r), scale, out.cols, row_of<float>(out, r));
    });
  }
  void scale(const Tensor& x, float factor) override {
    shapes::in_place(x);
    each_row("scale", x, kCheap, {Extent(x)}, [=, k = kernels_.scale](std::int64_t r) {
      k(row_of<float>(x, r), factor, x.cols, row_of<float>(x, r));
    });
  }
  void softcap(const Tensor& x, float cap) override {
    shapes::in_place(x);
    each_row("softcap", x, kExponential, {Extent(x)},
             [=, k = kernels_.softcap](std::int64_t r) { k(row_of<float>(x, r), x.cols, cap); });
  }
  void sigmoid_gate(const Tensor& x, const Tensor& gate) override {
    shapes::sigmoid_gate(x, gate);
    each_row("sigmoid_gate", x, kCheap, {Extent(x), Extent(gate)}, [=, k = kernels_.scale](std::int64_t r) {
      const float factor = 1 / (1 + std::exp(-*row_of<float>(gate, r)));
      k(row_of<float>(x, r), factor, x.cols, row_of<float>(x, r));
    });
  }

  void route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) override;
  void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) override;
  void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) override;

 private:
  /// `cost` without bytes: those of what is read and written.
  void record(OpCost cost, std::int64_t n_units, Extents reads, Extents writes, Work work);
  template <class Row>
  void each_row(std::string_view name, const Tensor& out, std::int64_t price, Extents reads, Row row);
  template <class Group>
  void each_group(std::string_view name, const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t group, const Tensor& out,
                  Group work);
  /// The input side of a product: rounded to 8 bits if the format wants it. Nothing if memory is short.
  std::optional<LinearTask> product_of(const WeightMatrix& w, const Tensor& x, const Tensor& out, Extent* input);

  const Kernels& kernels_;
  ThreadPool pool_;
  Schedule schedule_;
  InputQuantiser quantiser_;
  std::unique_ptr<Buffer> scratch_;
  std::optional<Error> failure_;  // of recording; reported by submit()
};

void CpuBackend::record(OpCost cost, std::int64_t n_units, Extents reads, Extents writes, Work work) {
  if (cost.bytes == 0) {
    for (const Extents& side : {reads, writes}) {
      for (const Extent& extent : side) cost.bytes += extent.rows * extent.row_bytes;
    }
  }
  for (const Extent& extent : writes) quantiser_.forget(extent);
  schedule_.add(cost, n_units, std::span(reads.begin(), reads.size()), std::span(writes.begin(), writes.size()), std::move(work));
}

// out's rows are made one by one from the same rows of what is read.
template <class Row>
void CpuBackend::each_row(std::string_view name, const Tensor& out, std::int64_t price, Extents reads, Row row) {
  const Cut cut = cut_rows(out, price);
  record({name}, cut.count(), reads, {Extent(out)}, [=](std::int64_t unit, const Worker&) {
    for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) row(r);
  });
}

template <class Group>
void CpuBackend::each_group(std::string_view name, const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t group,
                            const Tensor& out, Group work) {
  each_row(name, out, kCheap, {Extent(x), Extent(weight), Extent(bias)}, [=](std::int64_t r) {
    const float* w = row_of<float>(weight, 0);
    const float* b = optional_row(bias);
    for (std::int64_t c = 0; c < x.cols; c += group) {
      const std::int64_t at = weight.cols == group ? 0 : c;
      work(row_of<float>(x, r) + c, w + at, b == nullptr ? nullptr : b + at, row_of<float>(out, r) + c);
    }
  });
}

void CpuBackend::write(const Tensor& to, std::span<const std::byte> bytes) {
  const auto row_size = static_cast<std::size_t>(to.cols * bytes_of(to.dtype));
  check(bytes.size() == row_size * static_cast<std::size_t>(to.rows), "write: as many bytes as the view has");
  const auto copy = [to, row_size](const std::byte* from) {
    for (std::int64_t r = 0; r < to.rows; ++r) {
      std::memcpy(to.buffer->host() + to.row_range(r, 1).offset, from + static_cast<std::size_t>(r) * row_size, row_size);
    }
  };
  if (schedule_.empty()) return copy(bytes.data());
  record({"write"}, 1, {}, {Extent(to)}, [copy, kept = std::vector<std::byte>(bytes.begin(), bytes.end())](
                                  std::int64_t, const Worker&) { copy(kept.data()); });
}

void CpuBackend::read(const Tensor& from, std::span<std::byte> bytes) {
  check(schedule_.empty(), "read: after submit()");
  const auto row_size = static_cast<std::size_t>(from.cols * bytes_of(from.dtype));
  check(bytes.size() == row_size * static_cast<std::size_t>(from.rows), "read: as many bytes as the view has");
  for (std::int64_t r = 0; r < from.rows; ++r) {
    std::memcpy(bytes.data() + static_cast<std::size_t>(r) * row_size,
                from.buffer->host() + from.row_range(r, 1).offset, row_size);
  }
}

Result<void> CpuBackend::submit() {
  const std::size_t bytes = schedule_.scratch_bytes() * static_cast<std::size_t>(pool_.size());
  if (!failure_ && bytes > 0 && (!scratch_ || scratch_->bytes() < bytes)) {
    auto larger = allocate_host(bytes);
    if (larger) scratch_ = std::move(*larger);
    else failure_ = larger.error();
  }
  if (failure_) {
    const Error failure = *failure_;
    failure_.reset();
    schedule_.clear();
    quantiser_.forget_all();
    return failure;
  }
  schedule_.run(pool_, scratch_ ? scratch_->host() : nullptr);
  quantiser_.forget_all();
  return {};
}

void CpuBackend::embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) {
  shapes::embed(table, ids, out);
  each_row("embed", out, kDecoding, {Extent(ids)}, [=](std::int64_t r) {
    const std::int64_t id = *row_of<std::int32_t>(ids, r);
    check(id >= 0 && id < table.rows, "embed: id in range");
    const FormatInfo& format = info(table.format);
    format.decode(expert_of(table, 0) + id * row_bytes(table.format, table.cols), table.cols / format.block_length,
                  row_of<float>(out, r));
  });
}

std::optional<LinearTask> CpuBackend::product_of(const WeightMatrix& w, const Tensor& x, const Tensor& out,
                                                 Extent* input) {
  LinearTask task;
  task.kernels = &kernels_;
  task.format = w.format;
  task.interleaved = w.tile_rows > 1;
  task.w_rows = w.rows;
  task.cols = w.cols;
  task.out = row_of<float>(out, 0);
  task.out_stride = out.stride;
  if (!quantises_activations(w.format)) {
    task.x = row_of<float>(x, 0);
    task.x_stride = x.stride;
    *input = Extent(x);
    return task;
  }
  const Result<QuantisedInput> room = quantiser_.room_for(x, w.precise);
  if (!room) {
    failure_ = room.error();
    return std::nullopt;
  }
  task.quant = room->blocks;
  task.quant_stride = room->stride;
  task.second_term = room->second_term;
  *input = Extent(room->blocks, room->bytes);
  if (room->fresh) {
    const Cut cut = cut_rows(x, kExponential);
    record({"quantise"}, cut.count(), {Extent(x)}, {*input},
           [=, quantise = kernels_.quantise, room = *room](std::int64_t unit, const Worker&) {
             for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) {
               quantise(row_of<float>(x, r), x.cols, room.blocks + r, room.stride, room.second_term);
             }
           });
  }
  return task;
}

void CpuBackend::linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) {
  shapes::linear(w, x, bias, out);
  if (out.rows == 0) return;
  Extent input;
  std::optional<LinearTask> task = product_of(w, x, out, &input);
  if (!task) return;
  task->weights = expert_of(w, 0);
  task->bias = optional_row(bias);
  schedule_.need_scratch(task->scratch_bytes());

  const std::int64_t row_size = task->quant != nullptr ? w.cols * 3 / 2 : w.cols * 4;
  const Cut rows{out.rows, std::clamp(kActivationBytes / row_size / 8 * 8, std::int64_t{8}, kMaxLinearRows)};
  const std::int64_t tile = task->tile_rows(), tile_bytes = tile * row_bytes(w.format, w.cols);
  const std::int64_t few = std::min(rows.size, out.rows);
  const Cut weights{w.rows, tile * std::max<std::int64_t>(1, kUnitBytes / tile_bytes / ((few + 7) / 8))};
  const OpCost cost{"linear", info(w.format).name, w.rows * row_bytes(w.format, w.cols), 2 * w.rows * w.cols * out.rows};
  record(cost, rows.count() * weights.count(), {input, Extent(bias), Extent(w.scale)}, {Extent(out)},
         [=, task = *task, scale = w.scale](std::int64_t unit, const Worker& worker) mutable {
           const std::int64_t first = rows.first(unit / weights.count()), last = rows.last(unit / weights.count());
           LinearTask part = task;
           if (part.quant != nullptr) part.quant += first;
           else part.x += first * part.x_stride;
           part.out += first * part.out_stride;
           if (scale) part.scale = *row_of<float>(scale, 0);
           const std::int64_t at = unit % weights.count();
           multiply_rows(part, weights.first(at), weights.last(at), {}, {}, last - first, worker.scratch);
         });
}

void CpuBackend::linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                                const Tensor& out) {
  shapes::linear_experts(w, x, experts, bias, out);
  if (out.rows == 0) return;
  Extent input;
  std::optional<LinearTask> task = product_of(w, x, out, &input);
  if (!task) return;
  task->listed = true;
  schedule_.need_scratch(task->scratch_bytes());

  const auto groups = std::make_shared<ExpertGroups>(w.n_experts, out.rows);
  const bool one_input = x.rows == experts.rows;
  record({"collect"}, 1, {Extent(experts)}, {groups->extent()},
         [=](std::int64_t, const Worker&) { groups->collect(experts, one_input); });

  const std::int64_t tile_bytes = task->tile_rows() * row_bytes(w.format, w.cols);
  const Cut weights{w.rows, task->tile_rows() * std::max<std::int64_t>(1, kUnitBytes / tile_bytes)};
  const std::int64_t n_read = std::min(w.n_experts, out.rows);  // at most: the choice is not known yet
  const OpCost cost{"linear_experts", info(w.format).name, n_read * w.rows * row_bytes(w.format, w.cols),
                    2 * w.rows * w.cols * out.rows};
  record(cost, w.n_experts * weights.count(), {input, groups->extent(), Extent(bias), Extent(w.scale)}, {Extent(out)},
         [=, task = *task](std::int64_t unit, const Worker& worker) {
           const std::int64_t expert = unit / weights.count(), at = unit % weights.count();
           const ExpertGroups::Rows rows = groups->of(expert);
           if (rows.n == 0) return;
           LinearTask part = task;
           part.weights = expert_of(w, expert);
           if (bias) part.bias = row_of<float>(bias, expert);
           if (w.scale) part.scale = row_of<float>(w.scale, 0)[w.scale.cols == 1 ? 0 : expert];
           multiply_rows(part, weights.first(at), weights.last(at), {rows.in}, {rows.out}, rows.n, worker.scratch);
         });
}

void CpuBackend::rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs,
                      const Tensor& cos_sin) {
  shapes::rope(x, head_dim, n_rot, cos_sin);
  const auto turn_pairs = pairs == RopePairs::adjacent ? turn_adjacent : turn_half_split;
  each_row("rope", x, kExponential, {Extent(x), Extent(cos_sin)}, [=](std::int64_t r) {
    float* row = row_of<float>(x, r);
    for (std::int64_t c = 0; c < x.cols; c += head_dim) turn_pairs(row + c, row_of<float>(cos_sin, r), n_rot);
  });
}

void CpuBackend::store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) {
  shapes::store_kv(k, v, layer, slots);
  const std::int64_t dim = layer.head_dim, size = dim * bytes_of(layer.dtype);
  schedule_.need_scratch(static_cast<std::size_t>(dim) * sizeof(float));
  const Cut cut = cut_rows(k, kCheap);
  const OpCost cost{"store_kv", {}, 2 * k.rows * k.cols * (4 + bytes_of(layer.dtype))};
  record(cost, cut.count(), {Extent(k), Extent(v), Extent(slots)}, {pool_extent(layer, 0)},
         [=, &kernels = kernels_](std::int64_t unit, const Worker& worker) {
           const auto put = [&](const float* from, std::int64_t n_rotated, std::byte* to) {
             if (n_rotated > 1) {
               auto* turned = reinterpret_cast<float*>(worker.scratch);
               std::memcpy(turned, from, static_cast<std::size_t>(dim) * sizeof(float));
               kernels.rotate(turned, dim, n_rotated);
               from = turned;
             }
             if (layer.dtype == DType::f16) kernels.to_half(from, dim, reinterpret_cast<std::uint16_t*>(to));
             else std::memcpy(to, from, static_cast<std::size_t>(size));
           };
           for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) {
             const std::int64_t slot = *row_of<std::int32_t>(slots, r);
             check(slot >= 0 && slot < layer.n_blocks * kPageSlots, "store_kv: slot in range");
             for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
               std::byte* to = page_of(layer, static_cast<std::int32_t>(slot / kPageSlots), head) + slot % kPageSlots * size;
               put(row_of<float>(k, r) + head * dim, layer.basis.k, to);
               put(row_of<float>(v, r) + head * dim, layer.basis.v, to + kPageSlots * size);
             }
           }
         });
}

void CpuBackend::encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  shapes::encode_pages(layer, from, to);
  // Whoever reads or writes any page waits: which pools it concerns is known when it runs.
  record({"encode_pages", {}, from.rows * layer.n_kv_heads * layer.page_bytes()}, from.rows * layer.n_kv_heads,
         {Extent(from), Extent(to)},
         {pool_extent(layer, 0), pool_extent(layer, 1), pool_extent(layer, 2), pool_extent(layer, 3)},
         [=](std::int64_t unit, const Worker&) {
           const std::int64_t i = unit / layer.n_kv_heads, head = unit % layer.n_kv_heads;
           const std::int32_t source = *row_of<std::int32_t>(from, i), target = *row_of<std::int32_t>(to, i);
           encode_page(layer.head_dim, layer.pool(pool_of(source)).encoding, page_of(layer, source, head),
                       layer.pool(pool_of(target)).encoding, page_of(layer, target, head));
         });
}

void CpuBackend::copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  shapes::copy_slots(layer, from, to);
  record({"copy_slots", {}, 4 * from.rows * layer.n_kv_heads * layer.head_dim * bytes_of(layer.dtype)}, layer.n_kv_heads,
         {Extent(from), Extent(to)}, {pool_extent(layer, 0)}, [=](std::int64_t head, const Worker&) {
           for (std::int64_t i = 0; i < from.rows; ++i) {
             copy_slot(layer, *row_of<std::int32_t>(from, i), *row_of<std::int32_t>(to, i), head);
           }
         });
}

void CpuBackend::attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows,
                           const AttentionParams& params, const Tensor& out) {
  shapes::attention(q, layer, rows, params, out);
  const AttentionTask task{&kernels_, q, out, layer, rows, params};
  schedule_.need_scratch(task.scratch_bytes());
  const Cut tiles{q.rows, task.tile_rows()};
  const std::int64_t width = params.n_heads * layer.head_dim;
  const std::int32_t most = layer.pool(1).buffer != nullptr ? 1 : 0;  // where most pages of a long sequence lie
  const OpCost cost{"attention", {}, tiles.count() * rows.max_slots * layer.n_kv_heads * layer.page_bytes(most) / kPageSlots,
                    4 * q.rows * rows.max_slots * width};
  record(cost, tiles.count() * layer.n_kv_heads,
         {Extent(q), pool_extent(layer, 0), pool_extent(layer, 1), pool_extent(layer, 2), pool_extent(layer, 3),
          Extent(rows.table), Extent(rows.sequence), Extent(rows.position), Extent(rows.prefix_slots),
          Extent(rows.extra_begin), Extent(rows.extra_slots), Extent(params.sinks)},
         {Extent(out)}, [=](std::int64_t unit, const Worker& worker) {
           const std::int64_t tile = unit / layer.n_kv_heads;
           attend(task, unit % layer.n_kv_heads, tiles.first(tile), tiles.last(tile), worker.scratch);
         });
}

void CpuBackend::route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) {
  shapes::route(logits, experts, weights);
  const Cut cut = cut_rows(logits, kDecoding);
  record({"route"}, cut.count(), {Extent(logits)}, {Extent(experts), Extent(weights)}, [=](std::int64_t unit, const Worker&) {
    for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) {
      route_row(routing, std::span(row_of<float>(logits, r), static_cast<std::size_t>(logits.cols)), weights.cols,
                row_of<std::int32_t>(experts, r), row_of<float>(weights, r));
    }
  });
}

void CpuBackend::combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) {
  shapes::combine_experts(y, weights, out);
  each_row("combine_experts", out, kCheap * weights.cols, {Extent(y), Extent(weights)},
           [=, scale = kernels_.scale, add = kernels_.add](std::int64_t r) {
             const float* weight = row_of<float>(weights, r);
             const std::int64_t first = r * weights.cols;
             scale(row_of<float>(y, first), weight[0], out.cols, row_of<float>(out, r));
             for (std::int64_t j = 1; j < weights.cols; ++j) {
               add(row_of<float>(out, r), row_of<float>(y, first + j), weight[j], out.cols, row_of<float>(out, r));
             }
           });
}

void CpuBackend::gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) {
  shapes::gather_rows(x, rows, out);
  each_row("gather_rows", out, kCheap, {Extent(x), Extent(rows)}, [=](std::int64_t r) {
    const std::int32_t from = *row_of<std::int32_t>(rows, r);
    check(from >= 0 && from < x.rows, "gather_rows: row in range");
    std::memcpy(row_of<float>(out, r), row_of<float>(x, from), static_cast<std::size_t>(out.cols) * sizeof(float));
  });
}

}  // namespace

DeviceInfo describe_cpu() {
  DeviceInfo device;
  device.id = device.backend = "cpu";
  device.name = processor_name();
  device.features = processor_features();
  const MemoryInfo memory = memory_info();
  device.memory_bytes = memory.total_bytes;
  device.memory_free_bytes = memory.available_bytes;
  return device;
}

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace foreword::gpu
