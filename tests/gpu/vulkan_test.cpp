// The Vulkan backend as a house: memory, windows, faults, features that are missing, kernels kept on disk. What its ops compute is
// in the cases of the other files (FOREWORD_TEST_DEVICE=vulkan). On the first device, Mesa's software driver included.
#if defined(FOREWORD_VULKAN)
#include "gpu/vulkan/memory.h"
#include "gpu/vulkan/weights.h"
#include "tests/gpu/vulkan_device.h"

#include <volk.h>

#include <fstream>

#include "tests/gpu/layer.h"

namespace foreword::gpu {
namespace {

class VulkanTest : public testing::Test {
 protected:
  void SetUp() override {
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

  std::vector<std::string> messages_;
  const VulkanOptions options_ = options_for_tests(messages_);
  std::string id_;
};

TEST_F(VulkanTest, ALayerIsThatOfThePlainLoops) {
  Layer layer(3);
  const auto backend = open(options_);
  const std::vector<float> expected = layer.run(*make_reference_backend({.quantise_activations = rounds_inputs(*backend)}));
  const std::vector<float> got = layer.run(*backend);
  ASSERT_FALSE(layer.error) << layer.error->message;
  EXPECT_LE(relative_rms(got, expected), 1e-5);
  // Embed, a layer, one more for the norm and the sum of the second branch, and scale.
  EXPECT_EQ(backend->take_counts().dispatches, 1 + 8 + 1 + 1);
}

// Memory that the host cannot reach, windows of a few rows, no fusion, missing features: the same bits.
TEST_F(VulkanTest, NoWayOfDoingItChangesABit) {
  Layer layer(4);
  const std::vector<float> expected = layer.run(*open(options_));
  for (const char* words : {"staging", "no-fusion", "no-float16", "no-subgroups", "max-range=40960", "max-range=40960,staging,no-fusion"}) {
    const std::vector<float> got = layer.run(*open(options_for_tests(messages_, words)));
    ASSERT_FALSE(layer.error) << words << ": " << layer.error->message;
    EXPECT_EQ(got, expected) << words;
  }
}

// The dot product of bytes is the one feature that bits depend on: with it the inputs of products are rounded, without it they are not.
TEST_F(VulkanTest, WithoutTheDotProductOfBytesInputsAreNotRounded) {
  Layer layer(4);
  const auto backend = open(options_for_tests(messages_, "no-integer-dot"));
  EXPECT_FALSE(rounds_inputs(*backend));
  const std::vector<float> got = layer.run(*backend);
  ASSERT_FALSE(layer.error) << layer.error->message;
  EXPECT_LE(relative_rms(got, layer.run(*make_reference_backend())), 1e-5);
}

TEST_F(VulkanTest, OutOfMemoryAtEveryRequestIsASentence) {
  Layer layer(5);
  const std::vector<float> expected = layer.run(*open(options_));
  for (const bool staging : {false, true}) {
    std::int64_t n = 0;
    for (bool succeeded = false; !succeeded; n += staging ? 13 : 1) {
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
        // Kernels are made anew for each backend, which takes its time.
        if (n % 26 == 0) {
          EXPECT_EQ(layer.run(*backend), expected) << "and then it goes on, " << n;
        }
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

// More than one dispatch may take: cut by tokens, and the same bits.
TEST_F(VulkanTest, AProductOfExpertsThatTakesTooLongIsCut) {
  constexpr std::int64_t kTokens = 130, kChosen = 8;  // 34 million operations a token
  VulkanOptions options = options_;
  options.validate = false;  // every shader is looked at in other tests
  options.max_operations = 4'000'000'000;
  const auto backend = open(options);
  Harness h(*backend, 5);
  const WeightMatrix w = h.weight(Format::q8_0, 1024, 2048, 8);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < kTokens * kChosen; ++i) ids.push_back(static_cast<std::int32_t>(h.random() % 8));
  const Tensor x = h.floats(kTokens, w.cols), experts = h.put(ids, kTokens, kChosen);
  const auto product = [&](std::int64_t first, std::int64_t n) {
    const Tensor out = h.empty(n * kChosen, w.rows);
    backend->take_counts();
    backend->linear_experts(w, x.row_range(first, n), experts.row_range(first, n), {}, out);
    std::vector<float> values = h.take(out);
    return std::pair(std::move(values), backend->take_counts().dispatches);
  };
  const auto [whole, n_whole] = product(0, kTokens);
  auto [parts, n_first] = product(0, 65);
  const auto [rest, n_rest] = product(65, 65);
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_EQ(whole, parts);
  EXPECT_EQ(n_whole, n_first + n_rest);
}

// What import_weights() gives may lie otherwise than in the file (weights.h: kPartsApart), what is in a buffer of allocate() does not.
TEST_F(VulkanTest, AProductIsTheSameWhereverTheCodesOfARowLie) {
  const auto backend = open(options_);
  struct Case {
    Format format;
    std::int64_t cols;
    bool apart;
  };
  for (const auto& [format, cols, apart] : {Case{Format::q4_0, 768, true}, {Format::q4_0, 352, false}, {Format::q5_0, 512, true}, {Format::q8_0, 256, true},
                                            {Format::q6_k, 2048, true}, {Format::q6_k, 1280, false}, {Format::q4_k, 512, false}}) {
    SCOPED_TRACE(testing::Message() << info(format).name << ", " << cols << " columns");
    constexpr std::int64_t kHeight = 70, kExperts = 3;
    Harness h(*backend, 5);
    const std::vector<std::byte> blocks = random_blocks(format, kExperts * kHeight * cols / info(format).block_length, h.random);
    const auto file = std::move(backend->import_weights(blocks).value()), here = std::move(backend->allocate(blocks.size()).value());
    h.put_bytes(*here, blocks);
    WeightMatrix weight;
    weight.buffer = file.get(), weight.rows = kHeight, weight.cols = cols, weight.format = format, weight.n_experts = kExperts;
    EXPECT_EQ(&vulkan::layout_of(weight) == &vulkan::kPartsApart, apart);
    const Tensor x = h.floats(40, cols), ids = h.put(std::vector<std::int32_t>{0, 69, 1, 33}, 4, 1), experts = h.put(std::vector<std::int32_t>{2, 0, 1}, 3, 1);
    const auto everything = [&](Buffer& buffer) {
      std::vector<float> all;
      const auto keep = [&](const Tensor& out) {
        const std::vector<float> values = h.take(out);
        all.insert(all.end(), values.begin(), values.end());
      };
      WeightMatrix w = weight;
      w.buffer = &buffer;
      const Tensor of_experts = h.empty(3, kHeight), rows = h.empty(4, cols);
      backend->linear_experts(w, x.row_range(0, 3), experts, {}, of_experts);
      keep(of_experts);
      w.n_experts = 1;
      backend->embed(w, ids, rows);
      keep(rows);
      for (const std::int64_t n : {1, 5, 40}) {
        const Tensor out = h.empty(n, kHeight);
        backend->linear(w, x.row_range(0, n), {}, out);
        keep(out);
      }
      return all;
    };
    EXPECT_EQ(everything(*file), everything(*here));
  }
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

TEST_F(VulkanTest, AlmostAllMemoryThatTheDriverGivesIsUsed) {
  struct Shape {
    const char* name;
    std::int64_t hidden, q, kv, ffn;
  };
  constexpr Shape kShapes[] = {{"llama 3.2 1b", 2048, 2048, 512, 8192}, {"qwen 2.5 3b", 2048, 2048, 256, 11008}, {"qwen 3 4b", 2560, 4096, 1024, 9728},
                               {"llama 2 7b", 4096, 4096, 4096, 11008}, {"llama 3 8b", 4096, 4096, 1024, 14336}};
  const auto instance = vulkan::Instance::open(options_);
  ASSERT_TRUE(instance.has_value());
  auto device = vulkan::Device::open(*instance, (*instance)->devices().front(), options_);
  ASSERT_TRUE(device.has_value());
  const std::shared_ptr<vulkan::Device> shared = std::move(*device);
  for (const Shape& s : kShapes) {
    for (const Format format : {Format::q4_k, Format::q6_k, Format::q8_0}) {
      const auto memory = std::make_shared<vulkan::Memory>(shared);
      std::vector<std::unique_ptr<Buffer>> buffers;
      const auto take = [&](std::int64_t bytes) {  // as far as the card goes
        if (auto buffer = memory->allocate(static_cast<std::uint64_t>(bytes))) buffers.push_back(std::move(*buffer));
      };
      for (int layer = 0; layer < 16; ++layer) {
        for (const std::int64_t rows : {s.q, s.kv, s.kv, s.ffn, s.ffn}) take(rows * row_bytes(format, s.hidden));
        for (const std::int64_t cols : {s.q, s.ffn}) take(s.hidden * row_bytes(format, cols));
        for (int norm = 0; norm < 2; ++norm) take(4 * s.hidden);
      }
      const double used = static_cast<double>(memory->bytes_in_use()), held = static_cast<double>(memory->bytes_held());
      EXPECT_LE(held, 1.01 * used + (32 << 20)) << s.name << ", " << name_of_format(format) << ": one block that fills, and a hundredth";
    }
  }
}

TEST_F(VulkanTest, GivingUpIsObeyedInTheMiddleOfAWeight) {
  for (const bool staging : {false, true}) {
    VulkanOptions options = options_;
    options.staging = staging;
    const auto backend = open(options);
    Harness h(*backend, 9);
    WeightMatrix first = h.weight(Format::f16, 6144, 4096), second = h.weight(Format::f16, 512, 4096);  // 48 MiB, 4 MiB
    WeightMatrix* const weights[] = {&first, &second};
    std::vector<double> shares;
    for (const double limit : {0.3, 2.0}) {
      shares.clear();
      EXPECT_EQ(backend->arrange(weights, [&](double share) { return shares.push_back(share), share < limit; }), nullptr);
      EXPECT_TRUE(backend->submit().has_value()) << "giving up is no failure";
      EXPECT_EQ(shares.size(), limit < 1 ? 2U : 4U) << "once in 16 MiB";
      EXPECT_TRUE(std::ranges::is_sorted(shares));
    }
    EXPECT_NEAR(shares.back(), 12.0 / 13, 1e-9);
    const Tensor x = h.floats(1, 4096), out = h.empty(1, 6144);
    backend->linear(first, x, {}, out);
    const std::vector<float> got = h.take(out);
    EXPECT_EQ(std::ranges::count(got, 0.0F), 0) << "it came as a whole";
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
  std::ifstream file(files.front(), std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(file), {});
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(~flipped[flipped.size() / 2]);
  for (const std::string& content : {std::string("not a cache"), std::string("\x20\0\0\0 half a header", 18), whole.substr(0, whole.size() / 2), flipped}) {
    std::ofstream(files.front(), std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(layer.run(*open(options)), expected) << content.size() << " bytes";
    EXPECT_GT(std::filesystem::file_size(files.front()), whole.size() / 2) << "what was damaged is written anew";
  }
  std::filesystem::remove_all(folder);
}

TEST_F(VulkanTest, ADeviceThatGoesWhileTheyAreListedIsNotThere) {
  static PFN_vkEnumeratePhysicalDevices real;
  static VkResult answer;
  real = vkEnumeratePhysicalDevices;
  // How many there are is still told; then there are none.
  vkEnumeratePhysicalDevices = [](VkInstance instance, std::uint32_t* n, VkPhysicalDevice* devices) {
    return devices == nullptr ? real(instance, n, devices) : (*n = 0, answer);
  };
  for (const VkResult each : {VK_SUCCESS, VK_ERROR_INITIALIZATION_FAILED}) {
    answer = each;
    EXPECT_TRUE(list_vulkan(options_).empty());
    EXPECT_FALSE(make_vulkan_backend(id_, options_).has_value());
  }
  vkEnumeratePhysicalDevices = real;
  EXPECT_FALSE(list_vulkan(options_).empty());
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
