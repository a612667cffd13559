#include "gpu/cuda/cuda_backend.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "gpu/codebooks.h"
#include "gpu/cuda/op_cost.h"
#include "gpu/human_bytes.h"
#include "gpu/shapes.h"

namespace foreword::gpu {
namespace {

using cuda::Op;

// An open device and what keeps it open: the backend and its buffers.
struct Device {
  const cuda::Api& api;
  std::int32_t index;
  cuda::Context* context = nullptr;

  Device(const cuda::Api& of, std::int32_t number) : api(of), index(number) {}
  ~Device() {
    if (context != nullptr) api.close(context);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  std::int64_t free_bytes() const { return api.free_memory(context); }
  Error error(std::int32_t status) const {
    if (status == cuda::kOutOfMemory) {
      return {ErrorCode::out_of_memory, "The GPU's memory does not suffice for this step (" + human_bytes(static_cast<double>(free_bytes())) +
                                            " are free); choose a smaller --context or --device cpu."};
    }
    const std::string reason = api.message(context);
    return {ErrorCode::device_lost, "The GPU stopped working" + (reason.empty() ? "" : " (" + reason + ")") + "; start anew or choose --device cpu."};
  }
};

class DeviceBuffer final : public Buffer {
 public:
  DeviceBuffer(std::shared_ptr<Device> device, void* memory, std::size_t bytes) : device_(std::move(device)), memory_(memory), bytes_(bytes) {}
  ~DeviceBuffer() override { device_->api.free(device_->context, memory_); }
  std::size_t bytes() const override { return bytes_; }
  std::byte* host() const override { return device_->api.shares_memory != 0 ? address() : nullptr; }
  std::byte* address() const { return static_cast<std::byte*>(memory_); }

 private:
  std::shared_ptr<Device> device_;
  void* memory_;
  std::size_t bytes_;
};

std::byte* address_of(const Buffer* buffer, std::int64_t offset) { return static_cast<const DeviceBuffer*>(buffer)->address() + offset; }

cuda::View view_of(const Tensor& t) {
  if (!t) return {};
  return {address_of(t.buffer, t.offset), t.rows, t.cols, t.stride};
}
const float* floats_of(const Tensor& t) { return t ? reinterpret_cast<const float*>(address_of(t.buffer, t.offset)) : nullptr; }

cuda::Weight weight_of(const WeightMatrix& w) {
  return {reinterpret_cast<const std::uint8_t*>(address_of(w.buffer, w.offset)), w.rows, w.cols, w.n_experts, static_cast<std::int32_t>(w.format),
          w.precise ? 1 : 0, floats_of(w.scale), w.scale.cols};
}

cuda::Cache cache_of(const KvLayer& layer) {
  cuda::Cache cache{};
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) {
    const KvPool pool = layer.pool(i);
    if (pool.buffer == nullptr) continue;
    cache.pools[i] = {reinterpret_cast<std::uint8_t*>(address_of(pool.buffer, pool.offset)), static_cast<std::int32_t>(pool.encoding.k),
                      static_cast<std::int32_t>(pool.encoding.v)};
  }
  cache.n_kv_heads = layer.n_kv_heads;
  cache.head_dim = layer.head_dim;
  cache.basis_k = layer.basis.k;
  cache.basis_v = layer.basis.v;
  return cache;
}

// Pinned memory for what is written before a step; the same places step after step, so that equal steps are equal bytes.
class Staging {
 public:
  explicit Staging(Device& device) : device_(device) {}
  ~Staging() {
    for (const Piece& piece : pieces_) device_.api.free_pinned(device_.context, piece.memory);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  void clear() {
    at_ = 0;
    for (Piece& piece : pieces_) piece.used = 0;
  }
  /// nullptr: memory is short.
  std::byte* take(std::size_t bytes) {
    const std::size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    while (at_ < pieces_.size() && pieces_[at_].size - pieces_[at_].used < size) ++at_;
    if (at_ == pieces_.size()) {
      Piece piece{nullptr, std::max(size, kPieceBytes), 0};
      if (device_.api.allocate_pinned(device_.context, static_cast<std::int64_t>(piece.size), &piece.memory) != cuda::kOk) return nullptr;
      pieces_.push_back(piece);
    }
    Piece& piece = pieces_[at_];
    piece.used += size;
    return static_cast<std::byte*>(piece.memory) + piece.used - size;
  }

 private:
  static constexpr std::size_t kAlignment = 64, kPieceBytes = std::size_t{1} << 20;
  struct Piece {
    void* memory;
    std::size_t size, used;
  };

  Device& device_;
  std::vector<Piece> pieces_;
  std::size_t at_ = 0;
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(std::shared_ptr<Device> device) : device_(std::move(device)), staging_(*device_) {}

  DeviceInfo device() const override;
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override;
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override;
  void write(const Tensor& to, std::span<const std::byte> bytes) override;
  void read(const Tensor& from, std::span<std::byte> bytes) override;
  Result<void> submit() override;

  double read_through(const Buffer& buffer) override {
    return device_->api.read_through(device_->context, address_of(&buffer, 0), static_cast<std::int64_t>(buffer.bytes()));
  }

  double measure_peak_operations() override { return device_->api.peak_operations(device_->context); }
  void set_profiling(bool on) override { profiling_ = on; }
  std::vector<OpProfile> take_profile() override { return std::exchange(profile_, {}); }
  DeviceCounts take_counts() override {
    cuda::Counts counts{};
    device_->api.take_counts(device_->context, &counts);
    DeviceCounts all;
    all.dispatches = counts.launches;
    all.copies = counts.copies;
    all.submissions = counts.runs;
    all.reused = counts.replayed;
    all.bytes = std::exchange(bytes_, 0);
    all.bytes_read_back = std::exchange(bytes_read_back_, 0);
    return all;
  }

  void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) override {
    shapes::embed(table, ids, out);
    record(cuda::kOpEmbed).embed = {weight_of(table), view_of(ids), view_of(out)};
  }
  void rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) override {
    shapes::norm(x, weight, Tensor{}, group, out);
    record(cuda::kOpNorm).norm = {view_of(x), view_of(weight), {}, view_of(out), group, eps, 0};
  }
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group, const Tensor& out) override {
    shapes::norm(x, weight, bias, group, out);
    record(cuda::kOpNorm).norm = {view_of(x), view_of(weight), view_of(bias), view_of(out), group, eps, 1};
  }
  void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) override {
    shapes::linear(w, x, bias, out);
    record(cuda::kOpLinear).linear = {weight_of(w), view_of(x), {}, view_of(bias), view_of(out)};
  }
  void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias, const Tensor& out) override {
    shapes::linear_experts(w, x, experts, bias, out);
    record(cuda::kOpLinear).linear = {weight_of(w), view_of(x), view_of(experts), view_of(bias), view_of(out)};
  }
  void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs, const Tensor& cos_sin) override {
    shapes::rope(x, head_dim, n_rot, cos_sin);
    record(cuda::kOpRope).rope = {view_of(x), view_of(cos_sin), head_dim, n_rot, pairs == RopePairs::adjacent};
  }
  void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) override {
    shapes::store_kv(k, v, layer, slots);
    record(cuda::kOpStoreKv).store_kv = {view_of(k), view_of(v), view_of(slots), cache_of(layer)};
  }
  void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) override {
    shapes::encode_pages(layer, from, to);
    record(cuda::kOpEncodePages).copy_kv = {view_of(from), view_of(to), cache_of(layer)};
  }
  void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) override {
    shapes::copy_slots(layer, from, to);
    record(cuda::kOpCopySlots).copy_kv = {view_of(from), view_of(to), cache_of(layer)};
  }
  void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params, const Tensor& out) override {
    shapes::attention(q, layer, rows, params, out);
    // In steps, so that a growing text keeps the shape of its steps for a while.
    constexpr std::int64_t kSlotSteps = 1024;
    const std::int64_t max_slots = (std::max<std::int64_t>(rows.max_slots, 1) + kSlotSteps - 1) / kSlotSteps * kSlotSteps;
    record(cuda::kOpAttention).attention = {view_of(q),
                                            view_of(out),
                                            view_of(rows.table),
                                            view_of(rows.sequence),
                                            view_of(rows.position),
                                            view_of(rows.prefix_slots),
                                            view_of(rows.extra_begin),
                                            view_of(rows.extra_slots),
                                            view_of(rows.watch),
                                            view_of(rows.shares),
                                            cache_of(layer),
                                            params.n_heads,
                                            params.window,
                                            max_slots,
                                            floats_of(params.sinks),
                                            params.scale,
                                            params.softcap};
  }
  void glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) override {
    shapes::same(gate, up, out);
    elementwise(cuda::kOpGlu, gate, up, out, 0, act);
  }
  void activate(Activation act, const Tensor& x, const Tensor& out) override {
    shapes::same(x, x, out);
    check(act != Activation::clamped_silu, "activate: clamped_silu needs two inputs");
    elementwise(cuda::kOpActivate, x, {}, out, 0, act);
  }
  void add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) override {
    shapes::same(x, y, out);
    elementwise(cuda::kOpAdd, x, y, out, scale);
  }
  void scale(const Tensor& x, float factor) override {
    shapes::in_place(x);
    elementwise(cuda::kOpScale, x, {}, x, factor);
  }
  void softcap(const Tensor& x, float cap) override {
    shapes::in_place(x);
    elementwise(cuda::kOpSoftcap, x, {}, x, cap);
  }
  void sigmoid_gate(const Tensor& x, const Tensor& gate) override {
    shapes::sigmoid_gate(x, gate);
    elementwise(cuda::kOpSigmoidGate, x, gate, x, 0);
  }
  void route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) override {
    shapes::route(logits, experts, weights);
    record(cuda::kOpRoute).route = {view_of(logits), view_of(experts), view_of(weights), static_cast<std::int64_t>(routing)};
  }
  void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) override {
    shapes::combine_experts(y, weights, out);
    record(cuda::kOpCombine).combine = {view_of(y), view_of(weights), view_of(out)};
  }
  void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) override {
    shapes::top_k(x, ids, values);
    record(cuda::kOpTopK).top_k = {view_of(x), view_of(ids), view_of(values)};
  }
  void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) override {
    shapes::gather_rows(x, rows, out);
    record(cuda::kOpGather).gather = {view_of(x), view_of(rows), view_of(out)};
  }

 private:
  /// A new op at the end, all zeros.
  Op& record(cuda::OpKind kind) {
    Op& op = ops_.emplace_back();
    std::memset(static_cast<void*>(&op), 0, sizeof op);
    op.kind = kind;
    return op;
  }
  void elementwise(cuda::OpKind kind, const Tensor& x, const Tensor& y, const Tensor& out, float factor, Activation act = Activation::silu) {
    record(kind).elementwise = {view_of(x), view_of(y), view_of(out), factor, static_cast<std::int32_t>(act)};
  }

  std::shared_ptr<Device> device_;
  Staging staging_;
  std::vector<Op> ops_;
  bool profiling_ = false;
  std::vector<OpProfile> profile_;
  std::int64_t bytes_ = 0;  // that the ops had to move
  std::int64_t bytes_read_back_ = 0;
  std::optional<Error> failure_;  // of recording; reported by submit()
};

DeviceInfo describe(const cuda::DeviceRow& row, std::int32_t index) {
  DeviceInfo info;
  info.id = "cuda:" + std::to_string(index);
  info.name = row.name;
  info.backend = "cuda";
  info.memory_bytes = row.memory_bytes;
  info.features = {"sm_" + std::to_string(row.major) + std::to_string(row.minor)};
  return info;
}

DeviceInfo CudaBackend::device() const {
  cuda::DeviceRow row{};
  device_->api.describe(device_->index, &row);
  DeviceInfo info = describe(row, device_->index);
  info.memory_free_bytes = device_->free_bytes();
  return info;
}

Result<std::unique_ptr<Buffer>> CudaBackend::allocate(std::size_t bytes) {
  constexpr std::size_t kUnit = 16;  // kernels read the aligned words around what they need
  void* memory = nullptr;
  const std::size_t whole = std::max<std::size_t>((bytes + kUnit - 1) / kUnit, 1) * kUnit;
  const std::int32_t status = device_->api.allocate(device_->context, static_cast<std::int64_t>(whole), &memory);
  if (status == cuda::kOutOfMemory) {
    return Error{ErrorCode::out_of_memory, "The GPU has not " + human_bytes(static_cast<double>(bytes)) + " of memory to give (" +
                                               human_bytes(static_cast<double>(device_->free_bytes())) + " are free); choose a smaller model or --context, or --device cpu."};
  }
  if (status != cuda::kOk) return device_->error(status);
  return std::unique_ptr<Buffer>(std::make_unique<DeviceBuffer>(device_, memory, bytes));
}

Result<std::unique_ptr<Buffer>> CudaBackend::import_weights(std::span<const std::byte> bytes) {
  FW_ASSIGN(auto buffer, allocate(bytes.size()));
  const std::int32_t status = device_->api.upload(device_->context, address_of(buffer.get(), 0), bytes.data(), static_cast<std::int64_t>(bytes.size()));
  if (status != cuda::kOk) return device_->error(status);
  return buffer;
}

cuda::Copy rows_of(const Tensor& t, std::byte* host) {
  return {address_of(t.buffer, t.offset), host, t.rows, t.cols * bytes_of(t.dtype), t.stride * bytes_of(t.dtype)};
}

void CudaBackend::write(const Tensor& to, std::span<const std::byte> bytes) {
  check(static_cast<std::int64_t>(bytes.size()) == to.rows * to.cols * bytes_of(to.dtype), "write: as many bytes as the view has");
  if (bytes.empty()) return;
  std::byte* staged = staging_.take(bytes.size());
  if (staged == nullptr) {
    failure_ = Error{ErrorCode::out_of_memory, "The system has no " + human_bytes(static_cast<double>(bytes.size())) +
                                                   " of memory from which the GPU can read; close other programs or choose --device cpu."};
    return;
  }
  std::memcpy(staged, bytes.data(), bytes.size());
  record(cuda::kOpWrite).write = rows_of(to, staged);
}

void CudaBackend::read(const Tensor& from, std::span<std::byte> bytes) {
  check(ops_.empty(), "read: after submit()");
  check(static_cast<std::int64_t>(bytes.size()) == from.rows * from.cols * bytes_of(from.dtype), "read: as many bytes as the view has");
  if (bytes.empty()) return;
  bytes_read_back_ += std::ssize(bytes);
  const cuda::Copy copy = rows_of(from, bytes.data());
  const std::int32_t status = device_->api.download(device_->context, &copy);
  if (status != cuda::kOk) failure_ = device_->error(status);
}

Result<void> CudaBackend::submit() {
  std::int32_t status = cuda::kOk;
  if (!failure_ && !ops_.empty()) {
    std::vector<float> seconds(profiling_ ? ops_.size() : 0);
    status = device_->api.run(device_->context, ops_.data(), static_cast<std::int64_t>(ops_.size()), profiling_ ? seconds.data() : nullptr);
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      const OpCost cost = cuda::cost_of(ops_[i]);
      bytes_ += cost.bytes;
      if (profiling_) add_call(profile_, cost, static_cast<double>(seconds[i]));
    }
  }
  ops_.clear();
  staging_.clear();
  if (failure_) return *std::exchange(failure_, std::nullopt);
  if (status != cuda::kOk) return device_->error(status);
  return {};
}

}  // namespace

Result<std::unique_ptr<Backend>> make_cuda_backend(const cuda::Api& api, std::int32_t index) {
  auto device = std::make_shared<Device>(api, index);
  const std::int32_t status = api.open(index, &codebooks(), sizeof(Codebooks), &device->context);
  if (status == cuda::kOutOfMemory) {
    return Error{ErrorCode::out_of_memory, "The GPU has not even memory to start; close other programs that use it or choose --device cpu."};
  }
  if (status != cuda::kOk) return Error{ErrorCode::device_lost, "The GPU could not be opened; choose --device cpu or update NVIDIA's driver."};
  return std::unique_ptr<Backend>(std::make_unique<CudaBackend>(std::move(device)));
}

CudaDevices list_cuda_devices(const cuda::Api& api) {
  CudaDevices found;
  std::int32_t n = 0, driver = 0;
  const std::int32_t status = api.count(&n, &driver);
  bool too_old = false;
  for (std::int32_t i = 0; status == cuda::kOk && i < n; ++i) {
    cuda::DeviceRow row{};
    if (api.describe(i, &row) != cuda::kOk) continue;
    if (row.usable != 0) found.devices.push_back(describe(row, i));
    else too_old = true;
  }
  if (!found.devices.empty()) return found;
  switch (status) {
    case cuda::kNoDriver: found.why_none = "No driver of NVIDIA is installed."; break;
    case cuda::kDriverTooOld:
      found.why_none = "NVIDIA's driver is too old (it knows CUDA " + std::to_string(driver / 1000) + "." + std::to_string(driver % 1000 / 10) +
                       "); install driver 580 or newer.";
      break;
    default:
      found.why_none = too_old ? "The GPU is older than NVIDIA's Turing (2018), the first that these kernels run on." : "The driver finds no GPU of NVIDIA.";
  }
  return found;
}

}  // namespace foreword::gpu
