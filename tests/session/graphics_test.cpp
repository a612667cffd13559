// A model on a graphics processor that is too small for it, or that goes away: the answer is the processor's. On the first Vulkan
// device, Mesa's software driver included; skipped where there is none.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "engine/device_plan.h"
#include "engine/session.h"
#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

/// In floats, so that no device rounds anything.
std::filesystem::path story_model() { return test::fixtures_dir() / "models" / "stories260K-F32.gguf"; }

TEST(DevicePlan, AsManyLayersAsFit) {
  ModelBytes bytes;
  bytes.head = 100, bytes.table = 50, bytes.working = 30, bytes.cache_of_layer = 5;
  bytes.layers = {10, 10, 20};
  EXPECT_EQ(layers_that_fit(bytes, 0), 3) << "nobody knows how much there is";
  EXPECT_EQ(layers_that_fit(bytes, 100), 0);
  EXPECT_EQ(layers_that_fit(bytes, 194), 0);
  EXPECT_EQ(layers_that_fit(bytes, 195), 1);
  EXPECT_EQ(layers_that_fit(bytes, 234), 2);
  EXPECT_EQ(layers_that_fit(bytes, 235), 3);
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

class Graphics : public testing::Test {
 protected:
  void SetUp() override {
    FW_NEED_FIXTURES();
    use_vulkan("");
    const auto devices = gpu::list_devices();
    if (devices.size() < 2) GTEST_SKIP() << "There is no device of Vulkan on this machine";
    expected_ = answer("cpu", -1).text;
    ASSERT_GT(expected_.size(), 40U);
  }
  void TearDown() override { ::unsetenv("FOREWORD_VULKAN"); }

  static void use_vulkan(const std::string& words) { ::setenv("FOREWORD_VULKAN", ("software," + words).c_str(), 1); }

  struct Outcome {
    std::string text;
    std::vector<ModelSummary> models;  // that were ready
    std::optional<Error> error;
  };
  static Outcome answer(const std::string& device, std::int64_t gpu_layers) {
    Mailbox<Event> outbox;
    Outcome outcome;
    Session session(outbox);
    ModelOptions options;
    options.device = device, options.gpu_layers = gpu_layers, options.context = 128, options.n_threads = 2;
    session.send(LoadModel{story_model(), options});
    Generate request;
    request.id = 1, request.prompt = "Once upon a time", request.max_tokens = 20, request.sampling.temperature = 0;
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
};

TEST_F(Graphics, AnyNumberOfLayersGivesTheSameText) {
  for (const std::int64_t layers : {-1, 0, 2, 99}) {
    const Outcome outcome = answer("vulkan", layers);
    ASSERT_FALSE(outcome.error) << outcome.error->message;
    EXPECT_EQ(outcome.text, expected_) << layers;
    const bool split = layers > 0 && layers < 5;
    EXPECT_EQ(outcome.models.front().device_reason.find(std::to_string(layers) + " of 5 layers") == 0, split) << outcome.models.front().device_reason;
  }
}

TEST_F(Graphics, WhereMemoryEndsFewerLayersGoThere) {
  bool fewer = false;
  for (const int n : {0, 30, 75}) {
    use_vulkan("fail-allocation=" + std::to_string(n));
    const Outcome outcome = answer("vulkan", -1);
    // Later, in the middle of an answer, it is a sentence.
    if (outcome.error) EXPECT_EQ(outcome.error->code, ErrorCode::out_of_memory) << n;
    else EXPECT_EQ(outcome.text, expected_) << n;
    if (!outcome.models.empty()) fewer = fewer || outcome.models.front().device_reason.find("fit its memory") != std::string::npos;
  }
  EXPECT_TRUE(fewer);
}

TEST_F(Graphics, ALostDeviceIsReplacedByTheProcessorInTheMiddleOfAnAnswer) {
  // How often the device is asked while the model opens depends on how fast it is measured to be.
  bool in_the_middle = false;
  for (int n = 0; n < 400 && !in_the_middle; n += std::max(5, n / 5)) {
    use_vulkan("lose-at-submit=" + std::to_string(n));
    const Outcome outcome = answer("vulkan", -1);
    ASSERT_FALSE(outcome.error) << n << ": " << outcome.error->message;
    EXPECT_EQ(outcome.text, expected_) << n;
    // While it is opened, or later.
    EXPECT_NE(outcome.models.back().device_reason.find("stopped answering"), std::string::npos);
    in_the_middle = outcome.models.size() == 2 && outcome.models[1].device != outcome.models[0].device;
  }
  EXPECT_TRUE(in_the_middle);
}

}  // namespace
}  // namespace foreword::engine
