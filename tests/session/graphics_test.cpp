// A model on a graphics processor that is too small for it, or that goes away: the answer is the processor's. On the first Vulkan
// device, Mesa's software driver included, and on the first CUDA device, the emulated one included (FOREWORD_CUDA_PLUGIN); skipped where
// there is none. Only devices that are software can be told to fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "engine/device_plan.h"
#include "engine/loaded_model.h"
#include "engine/session.h"
#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

/// In floats, so that no device rounds anything.
std::filesystem::path story_model() { return test::fixtures_dir() / "models" / "stories260K-F32.gguf"; }

TEST(DevicePlan, AsManyLayersAsFit) {
  ModelBytes bytes;
  bytes.head = 100, bytes.table = 50, bytes.working = 30, bytes.cache = {5, 5, 5}, bytes.least_cache = 15;
  bytes.layers = {10, 10, 20};
  EXPECT_EQ(layers_that_fit(bytes, 0), 3) << "nobody knows how much there is";
  EXPECT_EQ(layers_that_fit(bytes, 100), 0);
  EXPECT_EQ(layers_that_fit(bytes, 194), 0);
  EXPECT_EQ(layers_that_fit(bytes, 195), 1);
  EXPECT_EQ(layers_that_fit(bytes, 234), 2);
  EXPECT_EQ(layers_that_fit(bytes, 235), 3);

  bytes.cache = {5, 1, 5}, bytes.least_cache = 8;  // the second layer has a window
  EXPECT_EQ(layers_that_fit(bytes, 205), 1);
  EXPECT_EQ(layers_that_fit(bytes, 206), 2);
  EXPECT_EQ(layers_that_fit(bytes, 227), 2);
  EXPECT_EQ(layers_that_fit(bytes, 228), 3) << "with the least cache";
}

// Windows, encodings and modes: the plan counts what the cache then takes.
TEST(DevicePlan, TheCacheIsCountedAsItWillBe) {
  FW_NEED_FIXTURES();
  const std::filesystem::path windowed = test::fixtures_dir() / "models" / "arch-gemma2-F32.gguf";
  const std::filesystem::path builtin = test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf";
  struct Case {
    std::filesystem::path model;
    const char* kv;
    std::int64_t context;
  };
  for (const Case& one : {Case{windowed, "exact", 4096}, Case{windowed, "f32", 4096}, Case{builtin, "f16", 2048}, Case{builtin, "q4", 2048},
                          Case{builtin, "balanced", 2048}, Case{builtin, "memory", 16384}}) {
    ModelOptions options;
    options.device = "cpu", options.context = one.context, options.kv = *kv_wish_from_name(one.kv), options.n_threads = 2;
    const auto loaded = LoadedModel::open(one.model, options);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    const ModelBytes bytes = count_bytes((*loaded)->file(), options, 512);
    EXPECT_EQ(std::accumulate(bytes.cache.begin(), bytes.cache.end(), std::int64_t{0}), (*loaded)->cache().total_bytes()) << one.model << " " << one.kv;
    EXPECT_LE(bytes.least_cache, (*loaded)->cache().total_bytes());
  }
}

TEST(DevicePlan, StepsDownToTheProcessor) {
  FW_NEED_FIXTURES();
  auto file = GgufFile::open(story_model());
  ASSERT_TRUE(file.has_value());
  DevicePlan plan;
  plan.device = "vulkan:0", plan.n_layers = plan.layers = 5, plan.may_step_down = true;
  std::vector<std::int64_t> layers;
  while (!plan.on_processor()) {
    const std::int64_t before = plan.weight_bytes;
    plan = step_down(*file, plan);
    layers.push_back(plan.layers);
    EXPECT_TRUE(layers.size() == 1 || plan.weight_bytes < before);
    EXPECT_FALSE(plan.reason.empty());
  }
  EXPECT_EQ(layers, (std::vector<std::int64_t>{3, 2, 1, 0}));
}

/// A backend, the environment variable that takes words for it, and those that it always needs.
struct Kind {
  const char *device, *variable, *always;
};
std::ostream& operator<<(std::ostream& to, const Kind& kind) { return to << kind.device; }

class Graphics : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    FW_NEED_FIXTURES();
    tell("");
    for (const gpu::DeviceInfo& device : gpu::list_devices()) {
      if (device.backend != GetParam().device) continue;
      is_there_ = true;
      can_fail_ = std::ranges::find(device.features, gpu::kSoftware) != device.features.end();
    }
    if (!is_there_) GTEST_SKIP() << "There is no device of " << GetParam().device << " on this machine";
    expected_ = answer("cpu", -1).text;
    ASSERT_GT(expected_.size(), 40U);
  }
  void TearDown() override { ::unsetenv(GetParam().variable); }

  static void tell(const std::string& words) { ::setenv(GetParam().variable, (GetParam().always + words).c_str(), 1); }

  struct Outcome {
    std::string text;
    std::vector<ModelSummary> models;  // that were ready
    std::optional<Error> error;
  };
  static Outcome answer(const std::string& device, std::int64_t gpu_layers, std::int64_t tokens = 20) {
    Mailbox<Event> outbox;
    Outcome outcome;
    Session session(outbox);
    ModelOptions options;
    options.device = device, options.gpu_layers = gpu_layers, options.context = 128, options.n_threads = 2;
    session.send(LoadModel{story_model(), options});
    Generate request;
    request.id = 1, request.prompt = "Once upon a time", request.max_tokens = tokens, request.sampling.temperature = 0;
    bool asked = false;
    while (auto event = outbox.take()) {
      if (const auto* ready = std::get_if<ModelReady>(&*event)) {
        outcome.models.push_back(ready->model);
        if (!std::exchange(asked, true)) session.send(request);
      } else if (const auto* piece = std::get_if<TextPiece>(&*event)) {
        outcome.text += piece->text;
      } else if (const auto* failed = std::get_if<ModelFailed>(&*event)) {
        return outcome.error = failed->error, outcome;
      } else if (const auto* gave_up = std::get_if<GenerationFailed>(&*event)) {
        return outcome.error = gave_up->error, outcome;
      } else if (std::holds_alternative<GenerationDone>(*event)) {
        return outcome;
      }
    }
    return outcome;
  }

  std::string expected_;
  bool is_there_ = false, can_fail_ = false;
};

TEST_P(Graphics, AnyNumberOfLayersGivesTheSameText) {
  for (const std::int64_t layers : {-1, 0, 2, 99}) {
    const Outcome outcome = answer(GetParam().device, layers);
    ASSERT_FALSE(outcome.error) << outcome.error->message;
    EXPECT_EQ(outcome.text, expected_) << layers;
    const bool split = layers > 0 && layers < 5;
    EXPECT_EQ(outcome.models.front().device_reason.find(std::to_string(layers) + " of 5 layers") == 0, split) << outcome.models.front().device_reason;
  }
}

TEST_P(Graphics, WhereMemoryEndsFewerLayersGoThere) {
  if (!can_fail_) GTEST_SKIP() << "a real device";
  bool fewer = false;
  for (const int n : {0, 30, 75}) {
    tell("fail-allocation=" + std::to_string(n));
    const Outcome outcome = answer(GetParam().device, -1);
    // Later, in the middle of an answer, it is a sentence.
    if (outcome.error) EXPECT_EQ(outcome.error->code, ErrorCode::out_of_memory) << n;
    else EXPECT_EQ(outcome.text, expected_) << n;
    if (!outcome.models.empty()) fewer = fewer || outcome.models.back().device_reason.find(" memory") != std::string::npos;
  }
  EXPECT_TRUE(fewer);
}

TEST_P(Graphics, ALostDeviceIsReplacedByTheProcessorInTheMiddleOfAnAnswer) {
  if (!can_fail_) GTEST_SKIP() << "a real device";
  // How often the device is asked while the model opens depends on how fast it is measured to be.
  bool in_the_middle = false;
  for (int n = 0; n < 400 && !in_the_middle; n += std::max(5, n / 5)) {
    tell("lose-at-submit=" + std::to_string(n));
    const Outcome outcome = answer(GetParam().device, -1);
    ASSERT_FALSE(outcome.error) << n << ": " << outcome.error->message;
    EXPECT_EQ(outcome.text, expected_) << n;
    // While it is opened, or later.
    EXPECT_NE(outcome.models.back().device_reason.find("stopped answering"), std::string::npos);
    in_the_middle = outcome.models.size() == 2 && outcome.models[1].device != outcome.models[0].device;
  }
  EXPECT_TRUE(in_the_middle);
}

// Every request for memory in turn, from opening on until one that the answer does not need any more; every day some of them.
TEST_P(Graphics, AnyRequestForMemoryMayFail) {
  if (!can_fail_ || GetParam().device != std::string_view("cuda")) GTEST_SKIP() << "the emulated device's are few enough";
  const int step = std::getenv("FOREWORD_EVERY_REQUEST") != nullptr ? 1 : 7;
  bool reached_the_end = false;
  for (int n = 0; n < 200 && !reached_the_end; n += step) {
    tell("fail-allocation=" + std::to_string(n));
    const Outcome outcome = answer(GetParam().device, -1, 4);
    if (outcome.error) {
      EXPECT_EQ(outcome.error->code, ErrorCode::out_of_memory) << n;
      EXPECT_TRUE(outcome.error->message.ends_with(".")) << outcome.error->message;
    } else {
      EXPECT_TRUE(!outcome.text.empty() && expected_.starts_with(outcome.text)) << n << ": " << outcome.text;
      reached_the_end = outcome.models.front().device_reason.empty();
    }
  }
  EXPECT_TRUE(reached_the_end);
}

TEST_P(Graphics, ADriverThatRefusesIsLeft) {
  if (!can_fail_ || GetParam().device != std::string_view("vulkan")) GTEST_SKIP() << "only the software driver can be told";
  tell("max-range=16384");  // less than a layer's keys and values
  const Outcome outcome = answer(GetParam().device, -1);
  ASSERT_FALSE(outcome.error) << outcome.error->message;
  EXPECT_EQ(outcome.text, expected_);
  EXPECT_EQ(outcome.models.back().device_reason, "since the graphics driver refused a part of this model");
}

TEST_P(Graphics, ASmallMemoryTakesTheLayersThatFit) {
  if (!can_fail_ || GetParam().device != std::string_view("cuda")) GTEST_SKIP() << "only the emulated device's memory can be told";
  auto file = GgufFile::open(story_model());
  ASSERT_TRUE(file.has_value());
  ModelOptions options;
  options.context = 128;
  const ModelBytes bytes = count_bytes(*file, options, 512);
  tell("memory=" + std::to_string(bytes.head + bytes.table + bytes.working + 3 * (bytes.layers[0] + bytes.filling_of_layer + bytes.cache[0]) + 1000));
  const Outcome outcome = answer(GetParam().device, -1);
  ASSERT_FALSE(outcome.error) << outcome.error->message;
  EXPECT_EQ(outcome.text, expected_);
  EXPECT_EQ(outcome.models.front().device_reason, "3 of 5 layers fit its memory");
}

TEST_P(Graphics, HeadsThatAreTooWideAreTheProcessors) {
  if (!can_fail_ || GetParam().device != std::string_view("cuda")) GTEST_SKIP() << "only the emulated device can be told";
  tell("shared-memory=9800");  // for four columns; the model's heads have eight
  const Outcome outcome = answer(GetParam().device, -1);
  ASSERT_FALSE(outcome.error) << outcome.error->message;
  EXPECT_EQ(outcome.text, expected_);
  EXPECT_EQ(outcome.models.front().device_reason, "attention heads of 8 columns are too wide for the graphics processor");
}

// A cache that would take all that is free goes down to fewer bits instead, and the pass behind it finds its memory.
TEST_P(Graphics, TheCacheLeavesMemoryForThePass) {
  if (!can_fail_ || GetParam().device != std::string_view("cuda")) GTEST_SKIP() << "only the emulated device's memory can be told";
  ModelOptions options;
  options.device = "cuda", options.gpu_layers = 99, options.context = 16384, options.kv = KvMode::roomy;
  const std::filesystem::path path = test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf";
  auto file = GgufFile::open(path);
  ASSERT_TRUE(file.has_value());
  const ModelBytes bytes = count_bytes(*file, options, 512);
  const std::int64_t cache = std::accumulate(bytes.cache.begin(), bytes.cache.end(), std::int64_t{0});
  ASSERT_LT(bytes.least_cache, cache);
  const std::int64_t weights = std::accumulate(bytes.layers.begin(), bytes.layers.end(), bytes.head + bytes.table) + std::ssize(bytes.layers) * bytes.filling_of_layer;
  tell("memory=" + std::to_string(weights + (bytes.least_cache + cache) / 2 + bytes.working));
  const auto loaded = LoadedModel::open(path, options);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  EXPECT_LT((*loaded)->cache().total_bytes(), cache);
  EXPECT_GE((*loaded)->cache().total_bytes(), bytes.least_cache);
  EXPECT_GE((*loaded)->backend().device().memory_free_bytes, std::int64_t{150} << 20) << "for the driver and for what kernels put aside";
}

INSTANTIATE_TEST_SUITE_P(Devices, Graphics, testing::Values(Kind{"vulkan", "FOREWORD_VULKAN", "software,"}, Kind{"cuda", "FOREWORD_CUDA_EMULATED", ""}),
                         [](const auto& test) { return std::string(test.param.device); });

}  // namespace
}  // namespace foreword::engine
