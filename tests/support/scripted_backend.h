#pragma once
// A device that computes nothing and tells how long it would have taken: for decisions that depend on time. Everything is 0.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "gpu/backend.h"

namespace foreword::test {

class ScriptedBackend final : public gpu::Backend {
 public:
  /// Seconds of what is recorded as a layer and as the head.
  struct Costs {
    std::function<double(std::int64_t rows)> layer;                          // without attention
    std::function<double(std::int64_t rows, double looked_back)> attention;  // of the rows of one sequence in one layer
    double head = 0;
    std::int64_t vocab_size = 0;                                             // by which the head's product is known
  };
  explicit ScriptedBackend(Costs costs) : costs_(std::move(costs)) {}

  /// What passes of this device add up to, times what disturb() says.
  double now() const { return now_; }
  void disturb(std::function<double(double seconds)> disturb) { disturb_ = std::move(disturb); }

  gpu::DeviceInfo device() const override { return {}; }
  Result<std::unique_ptr<gpu::Buffer>> allocate(std::size_t bytes) override { return std::unique_ptr<gpu::Buffer>(std::make_unique<Memory>(bytes)); }
  Result<std::unique_ptr<gpu::Buffer>> import_weights(std::span<const std::byte> bytes) override { return allocate(bytes.size()); }
  void write(const gpu::Tensor& to, std::span<const std::byte> bytes) override { std::memcpy(to.buffer->host() + to.offset, bytes.data(), bytes.size()); }
  void read(const gpu::Tensor&, std::span<std::byte> bytes) override { std::ranges::fill(bytes, std::byte{0}); }
  void linear(const gpu::WeightMatrix& w, const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {
    if (w.rows == costs_.vocab_size) spend(costs_.head);
  }
  void store_kv(const gpu::Tensor& k, const gpu::Tensor&, const gpu::KvLayer&, const gpu::Tensor&) override { spend(costs_.layer(k.rows)); }
  void attention(const gpu::Tensor& q, const gpu::KvLayer&, const gpu::AttentionRows& rows, const gpu::AttentionParams&, const gpu::Tensor&) override {
    struct Rows {
      std::int64_t n = 0;
      double looked_back = 0;
    };
    std::map<std::int32_t, Rows> of_sequence;
    for (std::int64_t r = 0; r < q.rows; ++r) {
      Rows& one = of_sequence[value(rows.sequence, r)];
      ++one.n;
      one.looked_back += value(rows.prefix_slots, r);
    }
    for (const auto& [sequence, one] : of_sequence) spend(costs_.attention(one.n, one.looked_back));
  }
  Result<void> submit() override {
    now_ += disturb_ && recorded_ > 0 ? disturb_(recorded_) : recorded_;
    recorded_ = 0;
    return {};
  }

  void embed(const gpu::WeightMatrix&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void rms_norm(const gpu::Tensor&, const gpu::Tensor&, float, std::int64_t, const gpu::Tensor&) override {}
  void layer_norm(const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&, float, std::int64_t, const gpu::Tensor&) override {}
  void linear_experts(const gpu::WeightMatrix&, const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void rope(const gpu::Tensor&, std::int64_t, std::int64_t, gpu::RopePairs, const gpu::Tensor&) override {}
  void encode_pages(const gpu::KvLayer&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void copy_slots(const gpu::KvLayer&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void glu(gpu::Activation, const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void activate(gpu::Activation, const gpu::Tensor&, const gpu::Tensor&) override {}
  void add(const gpu::Tensor&, const gpu::Tensor&, float, const gpu::Tensor&) override {}
  void scale(const gpu::Tensor&, float) override {}
  void softcap(const gpu::Tensor&, float) override {}
  void sigmoid_gate(const gpu::Tensor&, const gpu::Tensor&) override {}
  void route(gpu::Routing, const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void combine_experts(const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void top_k(const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {}
  void gather_rows(const gpu::Tensor&, const gpu::Tensor&, const gpu::Tensor&) override {}

 private:
  class Memory final : public gpu::Buffer {
   public:
    explicit Memory(std::size_t bytes) : bytes_(bytes) {}
    std::size_t bytes() const override { return bytes_.size(); }
    std::byte* host() const override { return const_cast<std::byte*>(bytes_.data()); }

   private:
    std::vector<std::byte> bytes_;
  };
  static std::int32_t value(const gpu::Tensor& from, std::int64_t row) {
    std::int32_t number = 0;
    std::memcpy(&number, from.buffer->host() + from.offset + row * from.stride * 4, sizeof number);
    return number;
  }
  void spend(double seconds) { recorded_ += seconds; }

  Costs costs_;
  double now_ = 0, recorded_ = 0;
  std::function<double(double)> disturb_;
};

}  // namespace foreword::test
