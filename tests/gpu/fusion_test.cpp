// Layers of several kinds of networks, with fusion and without: the same bits in every tensor, and how many dispatches a layer takes.
// On CUDA's kernels in the emulator and on the first Vulkan device, software included.

#include <gtest/gtest.h>

#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/emulated/plugin.h"
#include "tests/gpu/harness.h"
#if defined(FOREWORD_VULKAN)
#include "tests/gpu/vulkan_device.h"
#endif

namespace foreword::gpu {
namespace {

enum class HeadNorm { none, each, each_own_weights, whole_rows };
enum class Shared { none, plain, gated };
enum class Inner { gated, plain, experts, merged_experts };

struct Kind {
  const char* name;
  bool centre = false, pre_norm = true, post_norm = false;
  HeadNorm head_norm = HeadNorm::none;
  bool rope = true;
  Inner inner = Inner::gated;
  Activation act = Activation::silu;
  Routing routing = Routing::softmax_top_k;
  Format format = Format::q8_0;
  std::int64_t n_heads = 4, n_kv_heads = 2, width = 128;
  bool scales = false;
  Shared shared = Shared::none;
  // Dispatches of a layer at one row; on Vulkan by codes, where products norm their input, and by values.
  int on_vulkan = 6, on_vulkan_by_values = 8, on_cuda = 8;

  bool has_experts() const { return inner == Inner::experts || inner == Inner::merged_experts; }
};

constexpr Kind kKinds[] = {
    {.name = "llama"},
    {.name = "llama_scales", .format = Format::nvfp4, .scales = true},
    {.name = "qwen3", .head_norm = HeadNorm::each},
    {.name = "gemma", .post_norm = true, .act = Activation::gelu, .on_vulkan = 8},
    {.name = "olmo2", .pre_norm = false, .post_norm = true, .head_norm = HeadNorm::whole_rows, .n_kv_heads = 4, .on_vulkan = 8},
    {.name = "olmo2_wide", .pre_norm = false, .post_norm = true, .head_norm = HeadNorm::whole_rows, .n_heads = 20, .n_kv_heads = 5, .on_vulkan = 8},
    {.name = "olmo2_grouped", .pre_norm = false, .post_norm = true, .head_norm = HeadNorm::whole_rows, .on_vulkan = 8},
    {.name = "gpt2", .centre = true, .rope = false, .inner = Inner::plain, .act = Activation::gelu, .on_vulkan = 8},
    {.name = "stablelm", .centre = true, .head_norm = HeadNorm::each_own_weights, .n_heads = 3, .n_kv_heads = 3, .width = 96, .on_vulkan = 8},
    {.name = "mixtral", .inner = Inner::experts, .on_vulkan = 7},
    {.name = "mixtral_merged", .inner = Inner::merged_experts, .act = Activation::gelu, .on_vulkan = 7},
    {.name = "mixtral_scales", .inner = Inner::experts, .format = Format::nvfp4, .scales = true, .on_vulkan = 7},
    {.name = "qwen2moe", .inner = Inner::experts, .shared = Shared::gated, .on_vulkan = 9, .on_vulkan_by_values = 10, .on_cuda = 12},
    {.name = "granitemoe", .inner = Inner::experts, .shared = Shared::plain, .on_vulkan = 9, .on_vulkan_by_values = 10, .on_cuda = 11},
    {.name = "gpt_oss", .inner = Inner::experts, .act = Activation::clamped_silu, .routing = Routing::top_k_softmax, .format = Format::mxfp4, .width = 640, .on_vulkan = 7},
};

// Weights and tensors of a layer, and the ops of as many layers as are wanted, all with the same ones.
class Network {
 public:
  static constexpr std::int64_t kDim = 32, kInner = 128, kExperts = 5, kChosen = 3, kBlocks = 2;

  Network(Backend& on, const Kind& kind, Format of_weights, std::int64_t n_rows) : k(kind), format(of_weights), rows(n_rows), h(on, 77), backend(on) {
    const std::int64_t d = k.width, q_cols = k.n_heads * kDim, kv_cols = k.n_kv_heads * kDim, n_experts = k.has_experts() ? kExperts : 1;
    wq = product(q_cols, d), wk = product(kv_cols, d), wv = product(kv_cols, d), wo = product(d, q_cols);
    gate = product(k.inner == Inner::merged_experts ? 2 * kInner : kInner, d, n_experts), up = product(kInner, d, n_experts), down = product(d, kInner, n_experts);
    router = h.weight(Format::f32, kExperts, d), shared_router = h.weight(Format::f32, 1, d);
    shared_gate = product(2 * kInner, d), shared_up = product(2 * kInner, d), shared_down = product(d, 2 * kInner);
    sg = h.floats(rows, 2 * kInner), su = h.floats(rows, 2 * kInner), s = h.floats(rows, d), s_gate = h.floats(rows, 1);
    router_bias = h.floats(1, kExperts), gate_bias = h.floats(n_experts, gate.rows), up_bias = h.floats(n_experts, kInner), down_bias = h.floats(n_experts, d);
    norm1 = norm(d), norm2 = norm(d), post1 = norm(d), post2 = norm(d);
    q_norm = norm(k.head_norm == HeadNorm::each ? kDim : q_cols), k_norm = norm(k.head_norm == HeadNorm::each ? kDim : kv_cols);
    x = h.floats(rows, d), a = h.floats(rows, d), y = h.floats(rows, d);
    q = h.floats(rows, q_cols), key = h.floats(rows, kv_cols), v = h.floats(rows, kv_cols), o = h.floats(rows, q_cols);
    const std::int64_t inner_rows = k.has_experts() ? rows * kChosen : rows;
    g = h.floats(inner_rows, k.inner == Inner::merged_experts ? 2 * kInner : kInner), u = h.floats(inner_rows, kInner), each = h.floats(rows * kChosen, d);
    logits = h.floats(rows, kExperts), ids = h.put(std::vector<std::int32_t>(static_cast<std::size_t>(rows * kChosen)), rows, kChosen), shares = h.floats(rows, kChosen);
    angles = h.floats(rows, kDim / 2);
    layer = {nullptr, 0, kBlocks, k.n_kv_heads, kDim, DType::f16};
    layer.basis = kv_basis(kDim);
    const std::int64_t words = kBlocks * k.n_kv_heads * layer.page_bytes() / 4;
    pages = h.put(std::vector<float>(static_cast<std::size_t>(words)), 1, words);
    layer.buffer = pages.buffer;
    std::vector<std::int32_t> slots, prefix, none(static_cast<std::size_t>(rows + 1));
    for (std::int32_t r = 0; r < rows; ++r) slots.push_back(10 + r), prefix.push_back(11 + r);
    at.table = h.put(std::vector<std::int32_t>{0, 1}, 1, kBlocks);
    at.sequence = h.put(std::vector<std::int32_t>(static_cast<std::size_t>(rows)), rows, 1);
    at.position = places = h.put(slots, rows, 1);
    at.prefix_slots = h.put(prefix, rows, 1);
    at.extra_begin = h.put(none, rows + 1, 1);
    at.max_slots = kBlocks * kPageSlots;
    EXPECT_TRUE(backend.submit().has_value());
    backend.take_counts();
  }

  /// Dispatches.
  std::int64_t run(int n_layers) {
    for (int i = 0; i < n_layers; ++i) run_layer();
    EXPECT_TRUE(backend.submit().has_value());
    return backend.take_counts().dispatches;
  }
  std::vector<float> everything() {
    std::vector<float> all;
    for (const Tensor& t : {x, a, y, q, key, v, o, g, u, each, logits, shares, sg, su, s, s_gate, pages}) std::ranges::copy(h.take(t), std::back_inserter(all));
    for (const std::int32_t id : h.take_integers(ids)) all.push_back(static_cast<float>(id));
    return all;
  }

 private:
  struct Norm {
    Tensor weight, bias;
  };

  WeightMatrix product(std::int64_t out, std::int64_t in, std::int64_t n_experts = 1) {
    WeightMatrix w = h.weight(format, out, in, n_experts);
    w.precise = n_experts > 1;
    if (k.scales) w.scale = h.floats(1, n_experts);
    return w;
  }
  Norm norm(std::int64_t cols) { return {h.floats(1, cols), k.centre ? h.floats(1, cols) : Tensor{}}; }
  void do_norm(const Norm& norm, const Tensor& in, std::int64_t group, const Tensor& out) {
    if (k.centre) backend.layer_norm(in, norm.weight, norm.bias, 1e-5F, group, out);
    else backend.rms_norm(in, norm.weight, 1e-5F, group, out);
  }

  void run_layer() {
    const Tensor& in = k.pre_norm ? a : x;
    if (k.pre_norm) do_norm(norm1, x, x.cols, a);
    backend.linear(wq, in, {}, q), backend.linear(wk, in, {}, key), backend.linear(wv, in, {}, v);
    if (k.head_norm != HeadNorm::none) {
      const bool whole = k.head_norm == HeadNorm::whole_rows;
      do_norm(q_norm, q, whole ? q.cols : kDim, q), do_norm(k_norm, key, whole ? key.cols : kDim, key);
    }
    if (k.rope) {
      backend.rope(q, kDim, kDim / 2, RopePairs::half_split, angles);
      backend.rope(key, kDim, kDim / 2, RopePairs::half_split, angles);
    }
    backend.store_kv(key, v, layer, places);
    backend.attention(q, layer, at, {.n_heads = k.n_heads, .scale = 0.2F, .sinks = {}}, o);
    backend.linear(wo, o, {}, y);
    if (k.post_norm) do_norm(post1, y, y.cols, y);
    backend.add(x, y, 0.75F, x);
    if (k.pre_norm) do_norm(norm2, x, x.cols, a);
    if (k.has_experts()) {
      backend.linear(router, in, router_bias, logits);
      backend.route(k.routing, logits, ids, shares);
      if (k.inner == Inner::experts) {
        backend.linear_experts(gate, in, ids, {}, g), backend.linear_experts(up, in, ids, up_bias, u);
        backend.glu(k.act, g, u, u);
      } else {
        backend.linear_experts(gate, in, ids, gate_bias, g);
        backend.glu(k.act, g.col_range(0, kInner), g.col_range(kInner, kInner), u);
      }
      backend.linear_experts(down, u, ids, down_bias, each);
      backend.combine_experts(each, shares, y);
      if (k.shared != Shared::none) run_shared(in);
    } else {
      if (k.inner == Inner::gated) backend.linear(gate, in, {}, g);
      backend.linear(up, in, up_bias, u);
      if (k.inner == Inner::gated) backend.glu(k.act, g, u, u);
      else backend.activate(k.act, u, u);
      backend.linear(down, u, down_bias, y);
    }
    if (k.post_norm) do_norm(post2, y, y.cols, y);
    backend.add(x, y, 0.5F, x);
  }

  void run_shared(const Tensor& in) {
    backend.linear(shared_gate, in, {}, sg), backend.linear(shared_up, in, {}, su);
    if (k.shared == Shared::gated) backend.linear(shared_router, in, {}, s_gate);
    backend.glu(k.act, sg, su, sg);
    backend.linear(shared_down, sg, down_bias.row_range(0, 1), s);
    if (k.shared == Shared::gated) backend.sigmoid_gate(s, s_gate);
    backend.add(y, s, 1, y);
  }

  const Kind& k;
  Format format;
  std::int64_t rows;
  Harness h;
  Backend& backend;
  WeightMatrix wq, wk, wv, wo, gate, up, down, router, shared_gate, shared_up, shared_down, shared_router;
  Tensor sg, su, s, s_gate;
  Tensor router_bias, gate_bias, up_bias, down_bias;
  Norm norm1, norm2, post1, post2, q_norm, k_norm;
  Tensor x, a, y, q, key, v, o, g, u, each, logits, ids, shares, angles, pages, places;
  KvLayer layer;
  AttentionRows at;
};

// At one row, at few, at more than the experts' fused products take, and at as many as go in tiles.
void expect_same_bits(Backend& fused, Backend& single, const Kind& kind, Format format) {
  for (const std::int64_t rows : {1, 3, 6, 20}) {
    Network one(fused, kind, format, rows), other(single, kind, format, rows);
    EXPECT_LE(one.run(2), other.run(2)) << rows << " rows";
    const std::vector<float> got = one.everything(), expected = other.everything();
    ASSERT_EQ(got.size(), expected.size());
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << rows << " rows";
    EXPECT_TRUE(std::ranges::all_of(got, [](float value) { return value == value; }));
  }
}
std::int64_t dispatches_of_a_layer(Backend& backend, const Kind& kind, Format format) {
  Network network(backend, kind, format, 1);
  const std::int64_t two = network.run(2);
  return network.run(3) - two;
}

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class FusionOnCuda : public testing::TestWithParam<Kind> {};

TEST_P(FusionOnCuda, ChangesNoBit) {
  const auto fused = std::move(*make_cuda_backend(cuda::emulated_plugin(), 0));
  EXPECT_EQ(dispatches_of_a_layer(*fused, GetParam(), GetParam().format), GetParam().on_cuda);
  const auto single = std::move(*make_cuda_backend(cuda::emulated_plugin(), 0, {.no_fusion = true}));
  expect_same_bits(*fused, *single, GetParam(), GetParam().format);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FusionOnCuda, testing::ValuesIn(kKinds), [](const auto& at) { return std::string(at.param.name); });

#if defined(FOREWORD_VULKAN)
// All in one, since opening a device takes longer than a kind, and in one format, since a software driver takes seconds for the shaders of
// another.
TEST(FusionOnVulkan, ChangesNoBit) {
  std::vector<std::string> messages;
  VulkanOptions options = options_for_tests(messages);
  const std::vector<DeviceInfo> devices = list_vulkan(options);
  if (devices.empty()) GTEST_SKIP() << "this machine has no Vulkan device";
  const auto fused = std::move(*make_vulkan_backend(devices.front().id, options));
  options.no_fusion = true;
  const auto single = std::move(*make_vulkan_backend(devices.front().id, options));
  const bool by_codes = std::ranges::count(fused->device().features, "int8dot") > 0;
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    EXPECT_EQ(dispatches_of_a_layer(*fused, kind, Format::q8_0), by_codes ? kind.on_vulkan : kind.on_vulkan_by_values);
    expect_same_bits(*fused, *single, kind, Format::q8_0);
  }
  expect_same_bits(*fused, *single, kKinds[0], Format::f16);  // which has no codes: input that is normed and not rounded
  for (const std::string& message : messages) ADD_FAILURE() << message;
}
#endif

}  // namespace
}  // namespace foreword::gpu
