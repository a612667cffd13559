// The Vulkan backend as a house: memory, windows, faults, features that are missing, kernels kept on disk. What its ops compute is
// in the cases of the other files (FOREWORD_TEST_DEVICE=vulkan). On the first device, Mesa's software driver included.
#if defined(FOREWORD_VULKAN)
#include "gpu/vulkan/vulkan_backend.h"

#include <filesystem>
#include <fstream>

#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

class VulkanTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.software = true;
    options_.validate = true;
    options_.on_message = [this](std::string_view message) { messages_.emplace_back(message); };
    const std::vector<DeviceInfo> devices = list_vulkan(options_);
    if (devices.empty()) GTEST_SKIP() << "this machine has no Vulkan device";
    id_ = devices.front().id;
  }
  void TearDown() override {
    for (const std::string& message : messages_) ADD_FAILURE() << message;
  }
  std::unique_ptr<Backend> open(const VulkanOptions& options) {
    auto backend = make_vulkan_backend(id_, options);
    EXPECT_TRUE(backend.has_value()) << backend.error().message;
    return std::move(*backend);
  }

  VulkanOptions options_;
  std::string id_;
  std::vector<std::string> messages_;
};

// A small layer and its surroundings, one weight a format of another tier; every kind of access to memory.
struct Layer {
  static constexpr std::int64_t kCols = 64, kWide = 96, kRows = 3, kHeads = 4, kDim = 16;

  explicit Layer(std::uint64_t seed_of_weights) : seed(seed_of_weights) {}

  /// Everything that can fail, in one go: the result is empty then, and `error` says why.
  std::vector<float> run(Backend& on) {
    std::mt19937_64 random(seed);
    error.reset();
    std::vector<std::unique_ptr<Buffer>> buffers;
    const auto keep = [&](Result<std::unique_ptr<Buffer>> buffer) -> Buffer* {
      if (!buffer) return error = buffer.error(), nullptr;
      buffers.push_back(std::move(*buffer));
      return buffers.back().get();
    };
    const auto tensor = [&](std::int64_t rows, std::int64_t cols, DType dtype = DType::f32) {
      return Tensor{keep(on.allocate(static_cast<std::size_t>(rows * cols * bytes_of(dtype)))), 0, rows, cols, cols, dtype};
    };
    std::vector<std::vector<std::byte>> files;
    const auto weight = [&](Format format, std::int64_t rows, std::int64_t cols) {
      files.push_back(random_blocks(format, rows * cols / info(format).block_length, random));
      WeightMatrix w;
      w.buffer = keep(on.import_weights(files.back()));
      w.rows = rows, w.cols = cols, w.format = format;
      return w;
    };
    const auto ids = [&](std::vector<std::int32_t> values) {
      const Tensor t = tensor(std::ssize(values), 1, DType::i32);
      if (t) on.write(t, std::as_bytes(std::span(values)));
      return t;
    };
    const auto floats = [&](std::int64_t rows, std::int64_t cols) {
      std::vector<float> values(static_cast<std::size_t>(rows * cols));
      for (float& value : values) value = static_cast<float>(random() % 2000) / 1000.0F - 1;
      const Tensor t = tensor(rows, cols);
      if (t) on.write(t, std::as_bytes(std::span(values)));
      return t;
    };
    files.reserve(16);
    const WeightMatrix table = weight(Format::q4_0, 40, kCols), wq = weight(Format::q8_0, kCols, kCols), wk = weight(Format::f16, 32, kCols),
                       wv = weight(Format::q4_0, 32, kCols), wo = weight(Format::q5_0, kCols, kCols), gate = weight(Format::q4_0, kWide, kCols),
                       up = weight(Format::q8_0, kWide, kCols), down = weight(Format::iq4_nl, kCols, kWide);
    const Tensor tokens = ids({7, 39, 0}), slots = ids({0, 1, 2}), pages = ids({0}), sequence = ids({0, 0, 0}), position = ids({0, 1, 2}),
                 prefix = ids({1, 2, 3}), begin = ids({0, 0, 0, 0}), norm = floats(1, kCols), angles = floats(kRows, kDim);
    const Tensor x = tensor(kRows, kCols), a = tensor(kRows, kCols), q = tensor(kRows, kCols), k = tensor(kRows, 32), v = tensor(kRows, 32),
                 o = tensor(kRows, kCols), y = tensor(kRows, kCols), g = tensor(kRows, kWide), u = tensor(kRows, kWide);
    KvLayer layer{nullptr, 0, 1, 2, kDim, DType::f16};
    layer.buffer = keep(on.allocate(static_cast<std::size_t>(2 * layer.page_bytes())));
    if (error) return {};

    on.bring(table);
    on.embed(table, tokens, x);
    on.rms_norm(x, norm, 1e-5F, kCols, a);
    on.linear(wq, a, {}, q), on.linear(wk, a, {}, k), on.linear(wv, a, {}, v);
    on.rope(q, kDim, kDim, RopePairs::half_split, angles), on.rope(k, kDim, kDim, RopePairs::half_split, angles);
    on.store_kv(k, v, layer, slots);
    AttentionRows rows;
    rows.table = pages, rows.sequence = sequence, rows.position = position, rows.prefix_slots = prefix, rows.extra_begin = begin, rows.max_slots = 64;
    on.attention(q, layer, rows, {.n_heads = kHeads, .scale = 0.25F, .sinks = {}}, o);
    on.linear(wo, o, {}, y), on.add(x, y, 1, x);
    on.rms_norm(x, norm, 1e-5F, kCols, a);
    on.linear(gate, a, {}, g), on.linear(up, a, {}, u), on.glu(Activation::silu, g, u, u);
    on.linear(down, u, {}, y), on.add(x, y, 1, x);
    // A write among recorded ops, and a view whose rows are apart.
    const std::vector<float> last(16, 0.5F);
    on.write(x.col_range(8, 8).row_range(0, 2), std::as_bytes(std::span(last)));
    on.scale(x, 0.5F);
    if (auto done = on.submit(); !done) return error = done.error(), std::vector<float>();
    std::vector<float> result;
    for (const Tensor& t : {x, y, k, g, u, q.col_range(4, 20)}) {
      std::vector<float> values(static_cast<std::size_t>(t.rows * t.cols));
      on.read(t, std::as_writable_bytes(std::span(values)));
      result.insert(result.end(), values.begin(), values.end());
    }
    if (auto done = on.submit(); !done) return error = done.error(), std::vector<float>();
    return result;
  }

  std::uint64_t seed;
  std::optional<Error> error;
};

TEST_F(VulkanTest, ALayerIsThatOfThePlainLoops) {
  Layer layer(3);
  const std::vector<float> expected = layer.run(*make_reference_backend({}));
  const auto backend = open(options_);
  const std::vector<float> got = layer.run(*backend);
  ASSERT_FALSE(layer.error) << layer.error->message;
  EXPECT_LE(relative_rms(got, expected), 1e-5);
  EXPECT_LE(backend->take_counts().dispatches, 2 + 8 + 1) << "embed, a layer, scale, and at most one more for a weight format";
}

// Memory that the host cannot reach, windows of a few rows, no fusion, missing features: the same bits.
TEST_F(VulkanTest, NoWayOfDoingItChangesABit) {
  Layer layer(4);
  const std::vector<float> expected = layer.run(*open(options_));
  struct Way {
    const char* words;
  };
  for (const char* words : {"staging", "no-fusion", "no-float16", "no-integer-dot", "no-subgroups", "max-range=8192", "max-range=8192,staging,no-fusion"}) {
    VulkanOptions options = vulkan_options_from_words(words);
    options.software = options.validate = true;
    options.on_message = options_.on_message;
    const std::vector<float> got = layer.run(*open(options));
    ASSERT_FALSE(layer.error) << words << ": " << layer.error->message;
    EXPECT_EQ(got, expected) << words;
  }
}

TEST_F(VulkanTest, OutOfMemoryAtEveryRequestIsASentence) {
  Layer layer(5);
  const std::vector<float> expected = layer.run(*open(options_));
  for (const bool staging : {false, true}) {
    std::int64_t n = 0;
    for (bool succeeded = false; !succeeded; ++n) {
      ASSERT_LT(n, 200);
      VulkanOptions options = options_;
      options.fail_allocation = n;
      options.staging = staging;
      const auto backend = open(options);
      const std::vector<float> got = layer.run(*backend);
      succeeded = !layer.error;
      if (layer.error) {
        EXPECT_EQ(layer.error->code, ErrorCode::out_of_memory) << n;
        EXPECT_NE(layer.error->message.find("free"), std::string::npos) << layer.error->message;
        EXPECT_EQ(layer.run(*backend), expected) << "and then it goes on, " << n;
      } else {
        EXPECT_EQ(got, expected);
      }
    }
    EXPECT_GT(n, 30);
  }
}

TEST_F(VulkanTest, ALostDeviceStaysLostAndSaysSo) {
  Layer layer(6);
  for (std::int64_t n = 0; n < 4; ++n) {
    VulkanOptions options = options_;
    options.lose_at_submit = n;
    options.staging = true;
    const auto backend = open(options);
    layer.run(*backend);
    ASSERT_TRUE(layer.error) << n;
    EXPECT_EQ(layer.error->code, ErrorCode::device_lost) << n;
    layer.run(*backend);
    ASSERT_TRUE(layer.error) << n;
    EXPECT_EQ(layer.error->code, ErrorCode::device_lost) << n;
  }
}

TEST_F(VulkanTest, StepsThatAreAlikeUseTheSameCommandBuffers) {
  const auto backend = open(options_);
  Harness h(*backend, 1);
  const Tensor x = h.floats(2, 64), y = h.floats(2, 64);
  ASSERT_TRUE(backend->submit().has_value());
  backend->take_counts();
  for (int step = 0; step < 5; ++step) {
    backend->add(x, y, 0.5F, x);
    backend->softcap(x, 3);
    ASSERT_TRUE(backend->submit().has_value());
  }
  backend->add(x, y, 0.25F, x);
  ASSERT_TRUE(backend->submit().has_value());
  const DeviceCounts counts = backend->take_counts();
  EXPECT_EQ(counts.submissions, 6);
  EXPECT_EQ(counts.reused, 4);
  EXPECT_EQ(counts.dispatches, 11);
  EXPECT_EQ(counts.barriers, 5);
}

TEST_F(VulkanTest, MemoryIsGivenBack) {
  const auto backend = open(options_);
  // Many times what the device has, one after the other, in sizes that share blocks and in sizes that do not.
  for (int i = 0; i < 400; ++i) {
    auto large = backend->allocate(std::size_t{24} << 20);
    ASSERT_TRUE(large.has_value()) << i << ": " << large.error().message;
    std::vector<std::unique_ptr<Buffer>> small;
    for (int k = 0; k < 10; ++k) small.push_back(std::move(*backend->allocate(static_cast<std::size_t>(1000 * k + 1))));
  }
}

TEST_F(VulkanTest, KernelsAreKeptAndADamagedFileDoesNoHarm) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "foreword-pipelines";
  std::filesystem::remove_all(folder);
  VulkanOptions options = options_;
  options.cache_folder = folder;
  Layer layer(7);
  const std::vector<float> expected = layer.run(*open(options));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(layer.run(*open(options)), expected);
  for (const char* content : {"", "not a cache", "\x20\x00\x00\x00 half a header"}) {
    std::ofstream(files.front(), std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(layer.run(*open(options)), expected) << content;
  }
  std::filesystem::remove_all(folder);
}

TEST_F(VulkanTest, UnknownDeviceIsASentence) {
  const auto backend = make_vulkan_backend("vulkan:77", options_);
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(backend.error().code, ErrorCode::not_found);
}

TEST(VulkanOptions, WordsSetWhatTheyName) {
  const VulkanOptions options = vulkan_options_from_words("staging,nonsense,fail-allocation=12,no-fusion");
  EXPECT_TRUE(options.staging && options.no_fusion);
  EXPECT_FALSE(options.software || options.validate);
  EXPECT_EQ(options.fail_allocation, 12);
  EXPECT_EQ(options.lose_at_submit, -1);
}

}  // namespace
}  // namespace foreword::gpu
#endif
