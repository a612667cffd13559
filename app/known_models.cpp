#include "app/known_models.h"

#include <array>

#include "engine/device_plan.h"

namespace foreword::app {
namespace {

constexpr std::int64_t kTokens = 8192;
// Layers, KV heads and head sizes from the models' own configurations; every other layer of gpt-oss sees 128 tokens.
constexpr std::array<KnownModel, 3> kModels{{
    {"Qwen3 4B", "bartowski/Qwen_Qwen3-4B-GGUF:Q4_K_M", "Apache 2.0", 2'500'000'000, 36 * 8 * 128 * 4 * kTokens},
    {"Qwen3 8B", "bartowski/Qwen_Qwen3-8B-GGUF:Q4_K_M", "Apache 2.0", 5'030'000'000, 36 * 8 * 128 * 4 * kTokens},
    {"gpt-oss 20B", "ggml-org/gpt-oss-20b-GGUF", "Apache 2.0", 12'110'000'000, 12 * 8 * 64 * 4 * kTokens},
}};
constexpr std::int64_t kWorking = 150'000'000;  // of a pass

}  // namespace

std::span<const KnownModel> known_models() { return kModels; }

engine::Fit rough_fit(const KnownModel& model, const engine::MemoryThere& memory) {
  engine::Fit fit;
  fit.needed = model.bytes + model.cache_bytes + kWorking;
  fit.context = fit.largest_context = kTokens;
  const bool on_device = memory.device != "cpu", on_processor = fit.needed + engine::kSpareBytes <= memory.processor_free;
  fit.free = on_device ? memory.device_free : memory.processor_free;
  if (on_device ? fit.free == 0 || fit.needed + engine::kSpareBytes <= fit.free : on_processor) return fit;
  fit.verdict = on_device && on_processor ? engine::FitVerdict::partly : engine::FitVerdict::too_large;
  fit.largest_context = 0;
  return fit;
}

}  // namespace foreword::app
