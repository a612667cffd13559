#pragma once
// Where a model is computed: on which device, and how many of its layers where its memory does not hold them all.

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/config.h"
#include "engine/session.h"
#include "gpu/backend.h"
#include "gpu/device_choice.h"

namespace foreword::engine {

struct DevicePlan {
  std::string device = "cpu";  // an id of gpu::list_devices(), or what was asked for
  std::string reason;          // for the status line; empty: nothing to say
  std::int64_t n_layers = 0;   // of the model
  std::int64_t layers = 0;     // on the device, of those; the processor has no such border
  bool may_step_down = false;  // nobody asked for this number
  std::int64_t weight_bytes = 0;  // of the products that the device holds
  std::int64_t free_bytes = 0;    // of the device's memory when the plan was made; 0: not known, or the processor

  bool on_processor() const { return device == "cpu"; }
};

/// What a layer and the rest need on a device, from the file alone.
struct ModelBytes {
  std::int64_t head = 0, table = 0;    // the last product; the embeddings, which a device keeps by themselves
  std::vector<std::int64_t> layers;    // weights of each
  std::int64_t filling_of_layer = 0;   // what they may take more on a device: whole units of columns, whole pages of memory
  std::vector<std::int64_t> cache;     // keys and values of the whole context, of each layer
  std::int64_t least_cache = 0;        // of all together, where old pages go down to fewer bits because memory is short
  std::int64_t working = 0;            // working_bytes() and kSpareBytes
};
/// For a device's driver, its kernels, and what other programs take meanwhile.
inline constexpr std::int64_t kSpareBytes = std::int64_t{192} << 20;
/// Activations of a pass. prompt_rows: DeviceInfo::prompt_rows.
std::int64_t working_bytes(const GgufFile& file, const Config& config, std::int64_t prompt_rows);
/// By options.context, .kv and .kv_book.
ModelBytes count_bytes(const GgufFile& file, const ModelOptions& options, std::int64_t prompt_rows);
ModelBytes count_bytes(const GgufFile& file, const Config& config, const KvShape& shape, std::int64_t context, std::int64_t prompt_rows);
/// Tokens of a session: options.context, or as much as the model has been trained for, at most kDefaultContext.
std::int64_t context_of(const Config& config, const ModelOptions& options);
/// The device that computes with these options: its id, and in sentences for the status line why it was taken.
gpu::DeviceChoice device_for(const ModelOptions& options);
/// This device as it is listed or, where that does not know how much memory is free, when it is open.
gpu::DeviceInfo device_with_memory(const std::string& id, const ModelOptions& options);

/// The most layers that fit into `free` bytes; all of them where `free` is 0, which means that nobody knows. Where all fit with the
/// least cache, all do; else those that are there have theirs as it was wished for.
std::int64_t layers_that_fit(const ModelBytes& bytes, std::int64_t free);

/// `options.device` and `options.gpu_layers` for this file, as things stand now.
DevicePlan plan_device(const GgufFile& file, const ModelOptions& options);
/// Whether a device that has ended a pass or a loading so is given up: it is gone, or its driver refuses what the model needs.
inline bool gives_up_device(ErrorCode why) { return why == ErrorCode::device_lost || why == ErrorCode::unsupported; }
/// The next smaller plan after its memory did not do; the processor alone in the end.
DevicePlan step_down(const GgufFile& file, const DevicePlan& plan);
/// The processor, after the device was lost (`device_lost`) or its memory did not do (`out_of_memory`).
DevicePlan after_failure(ErrorCode why);
Result<std::unique_ptr<gpu::Backend>> open_planned(const DevicePlan& plan, const ModelOptions& options);

}  // namespace foreword::engine
