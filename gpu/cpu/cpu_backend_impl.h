#pragma once
// The class behind make_cpu_backend(), for the files that hold its ops: cpu_backend.cpp (all that is small), cpu_products.cpp
// and cpu_attention.cpp.

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/host_memory.h"
#include "gpu/cpu/input_quantiser.h"
#include "gpu/cpu/linear.h"
#include "gpu/cpu/measure.h"
#include "gpu/cpu/panel_layout.h"
#include "gpu/cpu/schedule.h"
#include "gpu/cpu/system.h"
#include "gpu/shapes.h"

namespace foreword::gpu {

using Extents = std::initializer_list<Extent>;

// Work worth waking another thread for, in elements of a cheap op.
inline constexpr std::int64_t kUnitWork = 32768;
// How much dearer an element of these ops is.
inline constexpr std::int64_t kCheap = 1, kExponential = 4, kDecoding = 8;
inline const float* optional_row(const Tensor& tensor) { return tensor ? row_of<float>(tensor, 0) : nullptr; }

// Cuts n into units of `size`; the range of unit u.
struct Cut {
  std::int64_t n = 0, size = 1;
  std::int64_t count() const { return (n + size - 1) / size; }
  std::int64_t first(std::int64_t unit) const { return unit * size; }
  std::int64_t last(std::int64_t unit) const { return std::min(n, (unit + 1) * size); }
};

inline Cut cut_rows(const Tensor& t, std::int64_t price) {
  return {t.rows, std::max<std::int64_t>(1, kUnitWork / std::max<std::int64_t>(1, t.cols * price))};
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options);

  DeviceInfo device() const override { return describe_cpu(); }
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override { return allocate_host(bytes); }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override {
    return wrap_host(bytes);
  }
  std::unique_ptr<Buffer> arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) override {
    return arrange_in_panels(weights, kernels_, pool_, go_on);
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
  void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) override;
  void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) override;

 private:
  /// `cost` without bytes: those of what is read and written.
  template <class Work>
  void record(const OpCost& cost, std::int64_t n_units, Extents reads, Extents writes, Work work) {
    for (const Extent& extent : writes) quantiser_.forget(extent);
    schedule_.add(schedule_.profiling() ? with_bytes(cost, reads, writes) : cost, n_units, std::span(reads.begin(), reads.size()), std::span(writes.begin(), writes.size()), std::move(work));
  }
  static OpCost with_bytes(OpCost cost, Extents reads, Extents writes);
  template <class Row>
  void each_row(std::string_view name, const Tensor& out, std::int64_t price, Extents reads, Row row);
  template <class Group>
  void each_group(std::string_view name, const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t group, const Tensor& out,
                  Group work);
  /// The input side of a product: rounded to 8 bits if the format wants it. Nothing if memory is short.
  std::optional<LinearTask> product_of(const WeightMatrix& w, const Tensor& x, const Tensor& out, Extent* input);

  const Kernels& kernels_;
  const std::int64_t fetch_ahead_ = fetch_ahead_bytes();
  ThreadPool pool_;
  Schedule schedule_;
  InputQuantiser quantiser_;
  std::unique_ptr<Buffer> scratch_;
  std::optional<Error> failure_;  // of recording; reported by submit()
};

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

}  // namespace foreword::gpu
