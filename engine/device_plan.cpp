#include "engine/device_plan.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "engine/kv/kv_room.h"
#include "engine/kv_plan.h"
#include "gpu/registry.h"
#include "gpu/split.h"

namespace foreword::engine {
namespace {

/// Rows whose logits a pass holds at once.
constexpr std::int64_t kLogitRows = 16;
/// Where a device fills the columns of a matrix up to a multiple of so many.
constexpr std::int64_t kUnitCols = 256;
/// Pages of a device's memory, of which it can leave one unused behind a matrix, and behind small ones that share pages an eighth of them.
constexpr std::int64_t kPageBytes = std::int64_t{2} << 20, kSharedPart = 8;

/// N of "blk.N.", or -1.
std::int64_t layer_of(const std::string& name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return -1;
  std::int64_t layer = -1;
  const auto [end, error] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return error == std::errc() && end != name.data() + name.size() && *end == '.' ? layer : -1;
}

/// Bytes that this takes more than in the file.
std::int64_t filling_of(const TensorInfo& tensor) {
  if (tensor.shape.size() < 2) return 0;
  const auto bytes = static_cast<std::int64_t>(tensor.bytes);
  const std::int64_t left_over = std::min(kPageBytes, bytes / kSharedPart);
  if (gpu::info(tensor.format).block_length == 1) return left_over;
  const std::int64_t cols = tensor.shape[0], missing = (kUnitCols - cols % kUnitCols) % kUnitCols;
  return bytes / cols * missing + left_over;
}

std::int64_t product_bytes(const ModelBytes& bytes, std::int64_t n_layers) {
  return std::accumulate(bytes.layers.begin(), bytes.layers.begin() + n_layers, bytes.head);
}

gpu::BackendOptions backend_options(const ModelOptions& options) {
  gpu::BackendOptions all;
  all.n_threads = options.n_threads;
  all.cache_folder = options.cache_folder;
  return all;
}

/// Head, table, layers and filling.
ModelBytes count_weights(const GgufFile& file, const Config& config) {
  ModelBytes bytes;
  std::int64_t filling = 0;
  bytes.layers.resize(static_cast<std::size_t>(config.n_layers));
  for (const TensorInfo& tensor : file.tensors()) {
    const std::int64_t layer = layer_of(tensor.name);
    if (layer >= 0 && layer < config.n_layers) bytes.layers[static_cast<std::size_t>(layer)] += static_cast<std::int64_t>(tensor.bytes);
    if (tensor.name == "output.weight") bytes.head = static_cast<std::int64_t>(tensor.bytes);
    if (tensor.name == "token_embd.weight") bytes.table = static_cast<std::int64_t>(tensor.bytes);
    filling += filling_of(tensor);
  }
  if (bytes.head == 0) bytes.head = bytes.table;
  bytes.filling_of_layer = filling / config.n_layers;
  return bytes;
}

void count_cache(const KvShape& shape, std::int64_t context, ModelBytes& bytes) {
  const std::int64_t n_blocks = blocks_for(context);
  const KvRoom room = KvRoom::of(shape, n_blocks, KvRoom::most_old(shape, n_blocks));
  for (std::int64_t il = 0; il < shape.n_layers; ++il) bytes.cache.push_back(room.bytes_of_layer(shape, shape.is_windowed(il)));
  bytes.least_cache = KvCache::least_bytes_for(shape, context);
}

void put_layers(const ModelBytes& bytes, std::int64_t layers, DevicePlan& plan) {
  plan.layers = layers;
  plan.weight_bytes = product_bytes(bytes, layers);
  if (layers == plan.n_layers) return;
  plan.reason = std::to_string(layers) + " of " + std::to_string(plan.n_layers) + " layers" + (plan.may_step_down ? " fit its memory" : ", as asked");
  if (layers > 0) return;
  plan.device = "cpu";
  plan.reason = plan.may_step_down ? "no layer fits the graphics memory" : "no layer on the graphics processor, as asked";
}

}  // namespace

std::int64_t working_bytes(const GgufFile& file, const Config& config, std::int64_t prompt_rows) {
  const TensorInfo* embeddings = file.find("token_embd.weight");
  const std::int64_t vocabulary = embeddings != nullptr && embeddings->shape.size() > 1 ? embeddings->shape[1] : 0;
  const std::int64_t width = 5 * config.hidden_size + 4 * config.n_heads * config.head_dim +
                             3 * std::max(config.ffn_size, config.n_experts_used * config.expert_ffn_size);
  return 4 * (prompt_rows * width + kLogitRows * vocabulary);
}

ModelBytes count_bytes(const GgufFile& file, const ModelOptions& options, std::int64_t prompt_rows) {
  const auto config = read_config(file.metadata());
  if (!config) return {};  // loading will say why
  return count_bytes(file, *config, plan_kv(file, *config, options).shape, context_of(*config, options), prompt_rows);
}

ModelBytes count_bytes(const GgufFile& file, const Config& config, const KvShape& shape, std::int64_t context, std::int64_t prompt_rows) {
  ModelBytes bytes = count_weights(file, config);
  count_cache(shape, context, bytes);
  bytes.working = working_bytes(file, config, prompt_rows) + kSpareBytes;
  return bytes;
}

std::int64_t context_of(const Config& config, const ModelOptions& options) {
  return options.context > 0 ? options.context : std::min(config.trained_context, kDefaultContext);
}

gpu::DeviceChoice device_for(const ModelOptions& options) {
  if (options.device != "auto") return {options.device, ""};
  return gpu::choose_device(backend_options(options));
}

gpu::DeviceInfo device_with_memory(const std::string& id, const ModelOptions& options) {
  gpu::DeviceInfo found;
  for (const gpu::DeviceInfo& device : gpu::list_devices()) {
    if (device.id == id || device.id == id + ":0") found = device;
  }
  if (found.memory_free_bytes > 0) return found;
  const auto device = gpu::open_device(id, backend_options(options));
  return device ? (*device)->device() : found;
}

std::int64_t layers_that_fit(const ModelBytes& bytes, std::int64_t free) {
  const auto n_layers = std::ssize(bytes.layers);
  std::int64_t left = free - bytes.head - bytes.table - bytes.working;
  const std::int64_t all = std::accumulate(bytes.layers.begin(), bytes.layers.end(), n_layers * bytes.filling_of_layer) + bytes.least_cache;
  if (free <= 0 || all <= left) return n_layers;
  std::int64_t n = 0;
  for (std::size_t i = 0; n < n_layers && (left -= bytes.layers[i] + bytes.filling_of_layer + bytes.cache[i]) >= 0; ++i) ++n;
  return n;
}

DevicePlan plan_device(const GgufFile& file, const ModelOptions& options) {
  DevicePlan plan;
  const gpu::DeviceChoice choice = device_for(options);
  plan.device = choice.id;
  plan.reason = choice.reason;
  if (plan.on_processor()) return plan;
  const gpu::DeviceInfo device = device_with_memory(plan.device, options);
  plan.free_bytes = device.memory_free_bytes;
  if (const auto config = read_config(file.metadata()); config && config->head_dim > device.widest_head) {
    plan.device = "cpu";
    plan.reason = "attention heads of " + std::to_string(config->head_dim) + " columns are too wide for the graphics processor";
    return plan;
  }
  const ModelBytes bytes = count_bytes(file, options, device.prompt_rows);
  plan.n_layers = std::ssize(bytes.layers);
  plan.may_step_down = options.gpu_layers < 0;
  std::int64_t layers = options.gpu_layers;
  if (plan.may_step_down) layers = layers_that_fit(bytes, device.memory_free_bytes);
  put_layers(bytes, std::min(layers, plan.n_layers), plan);
  return plan;
}

DevicePlan step_down(const GgufFile& file, const DevicePlan& plan) {
  DevicePlan next = plan;
  const auto config = read_config(file.metadata());
  put_layers(config ? count_weights(file, *config) : ModelBytes{}, plan.layers * 3 / 4, next);
  return next;
}

DevicePlan after_failure(ErrorCode why) {
  DevicePlan plan;
  if (why == ErrorCode::out_of_memory) plan.reason = "since the graphics memory did not suffice";
  else if (why == ErrorCode::unsupported) plan.reason = "since the graphics driver refused a part of this model";
  else plan.reason = "since the graphics processor stopped answering";
  return plan;
}

Result<std::unique_ptr<gpu::Backend>> open_planned(const DevicePlan& plan, const ModelOptions& options) {
  FW_ASSIGN(auto device, gpu::open_device(plan.device, backend_options(options)));
  if (plan.on_processor() || plan.layers == plan.n_layers) return device;
  FW_ASSIGN(auto processor, gpu::open_device("cpu", backend_options(options)));
  return gpu::make_split_backend(std::move(device), std::move(processor), plan.weight_bytes);
}

}  // namespace foreword::engine
