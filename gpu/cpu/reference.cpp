#include "gpu/cpu/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <functional>
#include <limits>
#include <numeric>

#include "engine/base/check.h"
#include "gpu/cpu/activations.h"
#include "gpu/cpu/host_memory.h"
#include "gpu/cpu/kernels.h"
#include "gpu/shapes.h"

namespace foreword::gpu {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double apply(Activation act, double x) {
  if (act == Activation::silu) return x * sigmoid(x);
  return 0.5 * x * (1 + std::tanh(0.7978845608 * x * (1 + 0.044715 * x * x)));
}

std::vector<float> decode_row(const WeightMatrix& w, std::int64_t expert, std::int64_t row) {
  const FormatInfo& format = info(w.format);
  std::vector<float> values(static_cast<std::size_t>(w.cols));
  format.decode(expert_of(w, expert) + row * row_bytes(w.format, w.cols), w.cols / format.block_length, values.data());
  return values;
}

// What 8 bits per 16 values leave of a row, in one term or two.
std::vector<float> rounded(const float* x, std::int64_t cols, bool two_terms) {
  std::vector<float> values(static_cast<std::size_t>(cols)), rest(x, x + cols);
  for (int term = 0; term < (two_terms ? 2 : 1); ++term) {
    for (std::int64_t begin = 0; begin < cols; begin += 16) {
      const auto run = std::span(rest).subspan(static_cast<std::size_t>(begin), 16);
      float largest = 0;
      for (const float value : run) largest = std::max(largest, std::fabs(value));
      const float d = largest / 127 < kSmallestStep ? 0 : largest / 127;
      const float inverse = d > 0 ? 1 / d : 0;
      for (std::size_t i = 0; i < run.size(); ++i) {
        const float code = std::nearbyint(run[i] * inverse);
        values[static_cast<std::size_t>(begin) + i] += d * code;
        run[i] = std::fma(-d, code, run[i]);
      }
    }
  }
  return values;
}

class Reference final : public Backend {
 public:
  explicit Reference(const ReferenceOptions& options) : options_(options) {}

  DeviceInfo device() const override {
    DeviceInfo device;
    device.id = device.backend = "reference";
    device.name = "plain loops";
    return device;
  }
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override { return allocate_host(bytes); }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override {
    return wrap_host(bytes);
  }
  Result<void> submit() override { return {}; }

  void write(const Tensor& to, std::span<const std::byte> bytes) override {
    const auto row_size = static_cast<std::size_t>(to.cols * bytes_of(to.dtype));
    check(bytes.size() == row_size * static_cast<std::size_t>(to.rows), "write: as many bytes as the view has");
    for (std::int64_t r = 0; r < to.rows; ++r) {
      std::memcpy(to.row_range(r, 1).offset + to.buffer->host(), bytes.data() + static_cast<std::size_t>(r) * row_size,
                  row_size);
    }
  }
  void read(const Tensor& from, std::span<std::byte> bytes) override {
    const auto row_size = static_cast<std::size_t>(from.cols * bytes_of(from.dtype));
    check(bytes.size() == row_size * static_cast<std::size_t>(from.rows), "read: as many bytes as the view has");
    for (std::int64_t r = 0; r < from.rows; ++r) {
      std::memcpy(bytes.data() + static_cast<std::size_t>(r) * row_size,
                  from.row_range(r, 1).offset + from.buffer->host(), row_size);
    }
  }

  void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) override {
    shapes::embed(table, ids, out);
    for (std::int64_t r = 0; r < out.rows; ++r) {
      const std::int32_t id = *row_of<std::int32_t>(ids, r);
      check(id >= 0 && id < table.rows, "embed: id in range");
      const std::vector<float> values = decode_row(table, 0, id);
      std::copy(values.begin(), values.end(), row_of<float>(out, r));
    }
  }

  void rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) override {
    shapes::norm(x, weight, Tensor{}, group, out);
    norm(x, weight, Tensor{}, eps, group, false, out);
  }
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group,
                  const Tensor& out) override {
    shapes::norm(x, weight, bias, group, out);
    norm(x, weight, bias, eps, group, true, out);
  }

  void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) override {
    shapes::linear(w, x, bias, out);
    for (std::int64_t r = 0; r < out.rows; ++r) product(w, 0, row_of<float>(x, r), bias, row_of<float>(out, r));
  }
  void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                      const Tensor& out) override {
    shapes::linear_experts(w, x, experts, bias, out);
    for (std::int64_t i = 0; i < out.rows; ++i) {
      const std::int64_t r = i / experts.cols;
      const std::int32_t expert = row_of<std::int32_t>(experts, r)[i % experts.cols];
      product(w, expert, row_of<float>(x, x.rows == experts.rows ? r : i), bias, row_of<float>(out, i));
    }
  }

  void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs,
            const Tensor& cos_sin) override {
    shapes::rope(x, head_dim, n_rot, cos_sin);
    const bool adjacent = pairs == RopePairs::adjacent;
    for (std::int64_t r = 0; r < x.rows; ++r) {
      const float* turn = row_of<float>(cos_sin, r);
      for (float* head = row_of<float>(x, r); head < row_of<float>(x, r) + x.cols; head += head_dim) {
        for (std::int64_t i = 0; i < n_rot / 2; ++i) {
          float& a = head[adjacent ? 2 * i : i];
          float& b = head[adjacent ? 2 * i + 1 : i + n_rot / 2];
          const double c = turn[2 * i], s = turn[2 * i + 1], a0 = a, b0 = b;
          a = static_cast<float>(a0 * c - b0 * s);
          b = static_cast<float>(a0 * s + b0 * c);
        }
      }
    }
  }

  void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) override {
    shapes::store_kv(k, v, layer, slots);
    const std::int64_t dim = layer.head_dim;
    const KvEncoding encoding = layer.pool(0).encoding;
    for (std::int64_t r = 0; r < k.rows; ++r) {
      const std::int64_t slot = *row_of<std::int32_t>(slots, r), t = slot % kPageSlots;
      for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
        std::byte* page = page_of(layer, static_cast<std::int32_t>(slot / kPageSlots), head);
        std::vector<float> key(row_of<float>(k, r) + head * dim, row_of<float>(k, r) + (head + 1) * dim);
        std::vector<float> value(row_of<float>(v, r) + head * dim, row_of<float>(v, r) + (head + 1) * dim);
        rotate(key.data(), dim, layer.basis.k);
        rotate(value.data(), dim, layer.basis.v);
        encode_rows(encoding.k, dim, key.data(), t, t + 1, page);
        encode_rows(encoding.v, dim, value.data(), t, t + 1, page + kv_tile_bytes(encoding.k, dim));
      }
    }
  }
  void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) override {
    shapes::encode_pages(layer, from, to);
    for (std::int64_t i = 0; i < from.rows; ++i) {
      const std::int32_t source = *row_of<std::int32_t>(from, i), target = *row_of<std::int32_t>(to, i);
      for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
        encode_page(layer.head_dim, layer.pool(pool_of(source)).encoding, page_of(layer, source, head),
                    layer.pool(pool_of(target)).encoding, page_of(layer, target, head));
      }
    }
  }

  void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) override {
    shapes::copy_slots(layer, from, to);
    for (std::int64_t i = 0; i < from.rows; ++i) {
      for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
        copy_slot(layer, *row_of<std::int32_t>(from, i), *row_of<std::int32_t>(to, i), head);
      }
    }
  }

  void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params,
                 const Tensor& out) override {
    shapes::attention(q, layer, rows, params, out);
    for (std::int64_t r = 0; r < q.rows; ++r) {
      for (std::int64_t head = 0; head < params.n_heads; ++head) attend(q, layer, rows, params, out, r, head);
    }
  }

  void glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) override {
    shapes::same(gate, up, out);
    each(out, [&](std::int64_t r, std::int64_t c) {
      const double g = row_of<float>(gate, r)[c], u = row_of<float>(up, r)[c];
      if (act != Activation::clamped_silu) return apply(act, g) * u;
      const double limited = std::min(g, 7.0);
      return limited * sigmoid(1.702 * limited) * (std::clamp(u, -7.0, 7.0) + 1);
    });
  }
  void activate(Activation act, const Tensor& x, const Tensor& out) override {
    shapes::same(x, x, out);
    check(act != Activation::clamped_silu, "activate: clamped_silu needs two inputs");
    each(out, [&](std::int64_t r, std::int64_t c) { return apply(act, row_of<float>(x, r)[c]); });
  }
  void add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) override {
    shapes::same(x, y, out);
    each(out, [&](std::int64_t r, std::int64_t c) {
      return row_of<float>(x, r)[c] + static_cast<double>(scale) * row_of<float>(y, r)[c];
    });
  }
  void scale(const Tensor& x, float factor) override {
    shapes::in_place(x);
    each(x, [&](std::int64_t r, std::int64_t c) { return static_cast<double>(factor) * row_of<float>(x, r)[c]; });
  }
  void softcap(const Tensor& x, float cap) override {
    shapes::in_place(x);
    each(x, [&](std::int64_t r, std::int64_t c) {
      return cap * std::tanh(static_cast<double>(row_of<float>(x, r)[c]) / cap);
    });
  }
  void sigmoid_gate(const Tensor& x, const Tensor& gate) override {
    shapes::sigmoid_gate(x, gate);
    each(x, [&](std::int64_t r, std::int64_t c) {
      return row_of<float>(x, r)[c] * sigmoid(*row_of<float>(gate, r));
    });
  }

  void route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) override {
    shapes::route(logits, experts, weights);
    for (std::int64_t r = 0; r < logits.rows; ++r) {
      const float* logit = row_of<float>(logits, r);
      const auto k = static_cast<std::size_t>(weights.cols);
      std::vector<std::int32_t> order(static_cast<std::size_t>(logits.cols));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return logit[a] > logit[b]; });
      const std::size_t n = routing == Routing::top_k_softmax ? k : order.size();
      double sum = 0, chosen = 0;
      for (std::size_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logit[order[i]]) - logit[order[0]]);
      for (std::size_t i = 0; i < k; ++i) chosen += std::exp(static_cast<double>(logit[order[i]]) - logit[order[0]]) / sum;
      const double divisor =
          routing == Routing::softmax_top_k_renormalised ? std::max(chosen, 6.103515625e-5) : 1.0;
      for (std::size_t i = 0; i < k; ++i) {
        row_of<std::int32_t>(experts, r)[i] = order[i];
        row_of<float>(weights, r)[i] =
            static_cast<float>(std::exp(static_cast<double>(logit[order[i]]) - logit[order[0]]) / sum / divisor);
      }
    }
  }
  void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) override {
    shapes::combine_experts(y, weights, out);
    each(out, [&](std::int64_t r, std::int64_t c) {
      double sum = 0;
      for (std::int64_t j = 0; j < weights.cols; ++j) {
        sum += static_cast<double>(row_of<float>(weights, r)[j]) * row_of<float>(y, r * weights.cols + j)[c];
      }
      return sum;
    });
  }
  void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) override {
    shapes::top_k(x, ids, values);
    for (std::int64_t r = 0; r < x.rows; ++r) {
      const float* value = row_of<float>(x, r);
      std::vector<std::int32_t> order;
      for (std::int32_t i = 0; i < x.cols; ++i) {
        if (!std::isnan(value[i])) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return value[a] > value[b]; });
      for (std::int64_t i = 0; i < values.cols; ++i) {
        const bool there = i < std::ssize(order);
        const std::int32_t id = there ? order[static_cast<std::size_t>(i)] : -1;
        row_of<std::int32_t>(ids, r)[i] = id;
        row_of<float>(values, r)[i] = there ? value[id] : -std::numeric_limits<float>::infinity();
      }
    }
  }
  void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) override {
    shapes::gather_rows(x, rows, out);
    each(out, [&](std::int64_t r, std::int64_t c) {
      return static_cast<double>(row_of<float>(x, *row_of<std::int32_t>(rows, r))[c]);
    });
  }

 private:
  template <class F>
  static void each(const Tensor& out, F value) {
    for (std::int64_t r = 0; r < out.rows; ++r) {
      for (std::int64_t c = 0; c < out.cols; ++c) row_of<float>(out, r)[c] = static_cast<float>(value(r, c));
    }
  }

  static void norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group,
                   bool centre, const Tensor& out) {
    for (std::int64_t r = 0; r < x.rows; ++r) {
      for (std::int64_t begin = 0; begin < x.cols; begin += group) {
        const float* in = row_of<float>(x, r) + begin;
        float* to = row_of<float>(out, r) + begin;
        double mean = 0, square = 0;
        for (std::int64_t c = 0; centre && c < group; ++c) mean += in[c] / static_cast<double>(group);
        for (std::int64_t c = 0; c < group; ++c) square += (in[c] - mean) * (in[c] - mean);
        const double factor = 1 / std::sqrt(square / static_cast<double>(group) + eps);
        for (std::int64_t c = 0; c < group; ++c) {
          const std::int64_t at = weight.cols == group ? c : begin + c;
          const double shift = bias ? row_of<float>(bias, 0)[at] : 0;
          to[c] = static_cast<float>((in[c] - mean) * factor * row_of<float>(weight, 0)[at] + shift);
        }
      }
    }
  }

  void product(const WeightMatrix& w, std::int64_t expert, const float* x, const Tensor& bias, float* out) const {
    std::vector<float> input(x, x + w.cols);
    if (options_.quantise_activations && quantises_activations(w.format)) input = rounded(x, w.cols, w.precise);
    const double scale = w.scale ? row_of<float>(w.scale, 0)[w.scale.cols == 1 ? 0 : expert] : 1;
    for (std::int64_t row = 0; row < w.rows; ++row) {
      const std::vector<float> weights = decode_row(w, expert, row);
      double sum = 0;
      for (std::size_t c = 0; c < weights.size(); ++c) sum += static_cast<double>(weights[c]) * input[c];
      out[row] = static_cast<float>(scale * sum + (bias ? row_of<float>(bias, expert)[row] : 0));
    }
  }

  // Slot t of a page as it is seen, its key or its value.
  static std::vector<float> seen(const KvLayer& layer, std::int32_t block, std::int64_t t, std::int64_t head, bool value) {
    const KvEncoding encoding = layer.pool(pool_of(block)).encoding;
    const std::byte* tile = page_of(layer, block, head) + (value ? kv_tile_bytes(encoding.k, layer.head_dim) : 0);
    std::vector<float> row(static_cast<std::size_t>(layer.head_dim));
    decode_rows(value ? encoding.v : encoding.k, layer.head_dim, tile, t, t + 1, row.data());
    return row;
  }

  static void attend(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params,
                     const Tensor& out, std::int64_t r, std::int64_t head) {
    const std::int64_t kv_head = head / (params.n_heads / layer.n_kv_heads);
    const std::int64_t prefix = *row_of<std::int32_t>(rows.prefix_slots, r);
    const std::int64_t position = *row_of<std::int32_t>(rows.position, r);
    const std::int32_t* table = row_of<std::int32_t>(rows.table, *row_of<std::int32_t>(rows.sequence, r));
    const std::int64_t extra = *row_of<std::int32_t>(rows.extra_begin, r);
    const std::int64_t n = prefix + *row_of<std::int32_t>(rows.extra_begin, r + 1) - extra;
    const float* at_head = row_of<float>(q, r) + head * layer.head_dim;
    std::vector<float> query(at_head, at_head + layer.head_dim), result(query.size());
    rotate(query.data(), layer.head_dim, layer.basis.k);

    std::vector<std::int64_t> slots, positions;  // as the sequence counts them
    std::vector<double> logits;
    for (std::int64_t at = 0; at < n; ++at) {
      if (params.window > 0 && position - at >= params.window) continue;
      const std::int64_t logical = at < prefix ? at : *row_of<std::int32_t>(rows.extra_slots, extra + at - prefix);
      const std::vector<float> key = seen(layer, table[logical / kPageSlots], logical % kPageSlots, kv_head, false);
      double dot = 0;
      for (std::size_t d = 0; d < key.size(); ++d) dot += static_cast<double>(query[d]) * key[d];
      dot *= params.scale;
      if (params.softcap > 0) dot = params.softcap * std::tanh(dot / params.softcap);
      slots.push_back(logical);
      positions.push_back(at);
      logits.push_back(dot);
    }
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    if (params.sinks) largest = row_of<float>(params.sinks, 0)[head];
    for (const double logit : logits) largest = std::max(largest, logit);
    if (params.sinks) sum = std::exp(row_of<float>(params.sinks, 0)[head] - largest);
    for (double& logit : logits) sum += logit = std::exp(logit - largest);
    std::vector<double> values(result.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::vector<float> value = seen(layer, table[slots[i] / kPageSlots], slots[i] % kPageSlots, kv_head, true);
      for (std::size_t d = 0; d < values.size(); ++d) values[d] += logits[i] * value[d];
    }
    for (std::size_t d = 0; d < values.size(); ++d) result[d] = sum > 0 ? static_cast<float>(values[d] / sum) : 0.0F;
    const std::int32_t watch = rows.watch ? *row_of<std::int32_t>(rows.watch, r) : -1;
    std::vector<double> shares(watch >= 0 ? static_cast<std::size_t>(rows.table.cols) : 0);
    for (std::size_t i = 0; watch >= 0 && i < positions.size(); ++i) shares[static_cast<std::size_t>(positions[i] / kPageSlots)] += logits[i] / sum;
    for (std::size_t b = 0; b < shares.size(); ++b) {
      float& share = row_of<float>(rows.shares, watch * layer.n_kv_heads + kv_head)[b];
      share = std::max(share, static_cast<float>(shares[b]));
    }
    rotate(result.data(), layer.head_dim, layer.basis.v);
    std::copy(result.begin(), result.end(), row_of<float>(out, r) + head * layer.head_dim);
  }

  ReferenceOptions options_;
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(const ReferenceOptions& options) {
  return std::make_unique<Reference>(options);
}

}  // namespace foreword::gpu
