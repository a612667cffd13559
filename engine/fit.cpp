#include "engine/fit.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/device_plan.h"
#include "engine/kv_plan.h"
#include "gpu/own_memory.h"
#include "gpu/registry.h"

namespace foreword::engine {
namespace {

/// One file in one memory, for contexts of any length.
class Judge {
 public:
  Judge(const GgufFile& file, std::int64_t file_bytes, const Config& config, const KvShape& shape, const ModelOptions& options, const MemoryThere& memory)
      : file_(file), file_bytes_(file_bytes), config_(config), shape_(shape), memory_(memory), asked_layers_(options.gpu_layers) {
    on_device_ = memory.device != "cpu" && config.head_dim <= memory.widest_head && asked_layers_ != 0;
  }

  Fit at(std::int64_t context) const {
    const ModelBytes bytes = bytes_for(context);
    Fit fit;
    fit.context = context;
    fit.n_layers = config_.n_layers;
    fit.layers = on_device_ ? layers_of(bytes) : fit.n_layers;
    const bool whole = fit.layers == fit.n_layers;
    const std::int64_t cache = std::accumulate(bytes.cache.begin(), bytes.cache.end(), std::int64_t{0}), working = bytes.working - kSpareBytes;
    const std::int64_t weights = on_device_ && whole ? bytes.head + bytes.table + std::accumulate(bytes.layers.begin(), bytes.layers.end(), std::int64_t{0})
                                                     : file_bytes_;
    if (on_device_ && whole) {
      fit.free = memory_.device_free;
      fit.needed = weights + working + (fit.free == 0 || weights + cache + bytes.working <= fit.free ? cache : bytes.least_cache);
      return fit;
    }
    fit.free = memory_.processor_free + (on_device_ ? memory_.device_free : 0);
    fit.needed = weights + cache + working;
    fit.verdict = on_device_ ? FitVerdict::partly : FitVerdict::fits;
    if (fit.needed - on_the_device(bytes, fit.layers) + kSpareBytes > memory_.processor_free) fit.verdict = FitVerdict::too_large;
    return fit;
  }

 private:
  ModelBytes bytes_for(std::int64_t context) const {
    ModelBytes bytes = count_bytes(file_, config_, shape_, context, on_device_ ? memory_.prompt_rows : gpu::DeviceInfo().prompt_rows);
    const double scale = static_cast<double>(file_bytes_) / static_cast<double>(std::max<std::uint64_t>(file_.total_bytes(), 1));
    const auto resize = [scale](std::int64_t& of) { of = static_cast<std::int64_t>(static_cast<double>(of) * scale); };
    for (std::int64_t* of : {&bytes.head, &bytes.table, &bytes.filling_of_layer}) resize(*of);
    std::ranges::for_each(bytes.layers, resize);
    return bytes;
  }
  std::int64_t layers_of(const ModelBytes& bytes) const {
    if (asked_layers_ > 0) return std::min(asked_layers_, config_.n_layers);
    return layers_that_fit(bytes, memory_.device_free);
  }
  /// What the processor need not hold.
  std::int64_t on_the_device(const ModelBytes& bytes, std::int64_t layers) const {
    if (!on_device_) return 0;
    const auto of = [layers](const std::vector<std::int64_t>& each) { return std::accumulate(each.begin(), each.begin() + layers, std::int64_t{0}); };
    return of(bytes.layers) + of(bytes.cache);
  }

  const GgufFile& file_;
  std::int64_t file_bytes_;
  const Config& config_;
  const KvShape& shape_;
  const MemoryThere& memory_;
  std::int64_t asked_layers_;
  bool on_device_;
};

/// Contexts between which nobody has to choose.
constexpr std::int64_t kStep = 256;

}  // namespace

std::string_view name_of(FitVerdict verdict) {
  constexpr std::array<std::string_view, 3> kNames = {"fits", "partly", "too large"};
  return kNames[static_cast<std::size_t>(verdict)];
}

MemoryThere memory_there(const ModelOptions& options, const LoadedModel* open) {
  MemoryThere memory;
  memory.processor_free = gpu::processor_info().memory_free_bytes + (open != nullptr ? gpu::own_memory_bytes() : 0);
  // Where the open model is, since to choose among devices all of them are asked, and somebody may be waiting for an answer's next word.
  memory.device = open != nullptr && options.device == "auto" ? open->device_id() : device_for(options).id;
  if (memory.device == "cpu") return memory;
  const bool there = open != nullptr && open->device_id() == memory.device;
  const gpu::DeviceInfo device = there ? open->backend().device() : device_with_memory(memory.device, options);
  memory.device_free = there ? open->device_free_without() : device.memory_free_bytes;
  memory.prompt_rows = device.prompt_rows;
  memory.widest_head = device.widest_head;
  return memory;
}

Result<Fit> judge_fit(const GgufFile& file, const ModelOptions& options, const MemoryThere& memory, std::int64_t file_bytes) {
  FW_ASSIGN(const Config config, read_config(file.metadata()));
  const KvPlan kv = plan_kv(file, config, options);
  const Judge judge(file, file_bytes > 0 ? file_bytes : static_cast<std::int64_t>(file.total_bytes()), config, kv.shape, options, memory);
  Fit fit = judge.at(context_of(config, options));
  // Of the contexts up to its own length, the longest with a verdict as good, or that fits at all; where a longer one does, each does.
  const FitVerdict wanted = std::min(fit.verdict, FitVerdict::partly);
  std::int64_t good = 0, bad = config.trained_context / kStep + 1;
  while (bad - good > 1) {
    const std::int64_t middle = (good + bad) / 2;
    (judge.at(middle * kStep).verdict <= wanted ? good : bad) = middle;
  }
  fit.largest_context = fit.verdict == FitVerdict::too_large ? good * kStep : std::max(fit.context, good * kStep);
  return fit;
}

}  // namespace foreword::engine
