#include "gpu/cuda/cuda_backend.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "gpu/codebooks.h"
#include "gpu/cuda/device.h"
#include "gpu/cuda/op_cost.h"
#include "gpu/cuda/ops.h"
#include "gpu/cuda/plugin_loader.h"
#include "gpu/cuda/weights.h"
#include "gpu/records/fuse.h"
#include "gpu/records/recorder.h"

namespace foreword::gpu {
namespace {

using cuda::Op;

using Device = CudaDevice;

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

class CudaBackend final : public Recorder {
 public:
  CudaBackend(std::shared_ptr<Device> device, const CudaOptions& options)
      : device_(std::move(device)), weights_(device_), staging_(*device_), options_(options) {}

  DeviceInfo device() const override;
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override {
    FW_ASSIGN(auto buffer, allocate_cuda(device_, bytes));
    return std::unique_ptr<Buffer>(std::move(buffer));
  }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override {
    return std::unique_ptr<Buffer>(std::make_unique<CudaFile>(bytes));
  }
  std::unique_ptr<Buffer> arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) override;
  void bring(const WeightMatrix& weight) override { keep_failure(weights_.resident(weight, WeightUse::table)); }
  void write(const Tensor& to, std::span<const std::byte> bytes) override;
  void read(const Tensor& from, std::span<std::byte> bytes) override;
  Result<void> submit() override;

  double read_through(const Buffer& buffer) override {
    return device_->api.read_through(device_->context, static_cast<const CudaBuffer&>(buffer).address(), static_cast<std::int64_t>(buffer.bytes()));
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

 private:
  template <class T>
  bool keep_failure(const Result<T>& result) {
    if (!result && !failure_) failure_ = result.error();
    return result.has_value();
  }

  std::shared_ptr<Device> device_;
  CudaWeights weights_;
  Staging staging_;
  CudaOptions options_;
  std::vector<Op> ops_;  // of the step that is submitted
  bool profiling_ = false;
  std::vector<OpProfile> profile_;
  std::int64_t bytes_ = 0;  // that the ops had to move
  std::int64_t bytes_read_back_ = 0;
  std::optional<Error> failure_;  // of recording; reported by submit()
};

// A product of 4096 columns is then 256 blocks of multiply_many, two for each processor of a large GPU.
constexpr std::int64_t kPromptRows = 512;

DeviceInfo describe(const cuda::DeviceRow& row, std::int32_t index) {
  DeviceInfo info;
  info.id = "cuda:" + std::to_string(index);
  info.name = row.name;
  info.backend = "cuda";
  info.memory_bytes = row.memory_bytes;
  info.features = {"sm_" + std::to_string(row.major) + std::to_string(row.minor)};
  if (row.software != 0) info.features.emplace_back(kSoftware);
  info.prompt_rows = kPromptRows;
  info.widest_head = row.widest_head;
  return info;
}

DeviceInfo CudaBackend::device() const {
  cuda::DeviceRow row{};
  device_->api.describe(device_->index, &row);
  DeviceInfo info = describe(row, device_->index);
  info.memory_free_bytes = device_->free_bytes();
  return info;
}

// Weights come to the device now rather than in the middle of the first answer. The views stay as they are: where a weight lies is
// found by where it lies in the file.
std::unique_ptr<Buffer> CudaBackend::arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) {
  std::int64_t done = 0, all = 0;
  for (const WeightMatrix* w : weights) all += w->n_experts * w->expert_bytes();
  for (const WeightMatrix* w : weights) {
    if (go_on && !go_on(static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(1, all)))) break;
    if (!keep_failure(weights_.resident(*w, WeightUse::product))) break;
    done += w->n_experts * w->expert_bytes();
  }
  return nullptr;
}

void CudaBackend::write(const Tensor& to, std::span<const std::byte> bytes) {
  check(static_cast<std::int64_t>(bytes.size()) == to.rows * to.cols * bytes_of(to.dtype), "write: as many bytes as the view has");
  if (bytes.empty()) return;
  std::byte* staged = staging_.take(bytes.size());
  if (staged == nullptr) {
    if (!failure_) failure_ = Error{ErrorCode::out_of_memory, "The system has no " + human_bytes(static_cast<double>(bytes.size())) +
                                                   " of memory from which the GPU can read; close other programs or choose --device cpu."};
    return;
  }
  std::memcpy(staged, bytes.data(), bytes.size());
  records_.push_back(WriteRecord{to, reinterpret_cast<std::uintptr_t>(staged)});
}

void CudaBackend::read(const Tensor& from, std::span<std::byte> bytes) {
  check(records_.empty(), "read: after submit()");
  check(static_cast<std::int64_t>(bytes.size()) == from.rows * from.cols * bytes_of(from.dtype), "read: as many bytes as the view has");
  if (bytes.empty()) return;
  bytes_read_back_ += std::ssize(bytes);
  const cuda::Copy copy = rows_of(from, bytes.data());
  const std::int32_t status = device_->api.download(device_->context, &copy);
  if (status != cuda::kOk && !failure_) failure_ = device_->error(status);
}

Result<void> CudaBackend::submit() {
  std::int32_t status = cuda::kOk;
  if (!options_.no_fusion) fuse(records_, false);
  const FindWeight find = [this](const WeightMatrix& w, WeightUse use) {
    const auto data = weights_.resident(w, use);
    return keep_failure(data) ? *data : nullptr;
  };
  for (const Record& record : records_) {
    if (const auto op = op_of(record, find)) ops_.push_back(*op);
  }
  if (!failure_ && !ops_.empty()) {
    std::vector<float> seconds(profiling_ ? ops_.size() : 0);
    status = device_->api.run(device_->context, ops_.data(), static_cast<std::int64_t>(ops_.size()), profiling_ ? seconds.data() : nullptr);
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      const OpCost cost = cuda::cost_of(ops_[i]);
      bytes_ += cost.bytes;
      if (profiling_) add_call(profile_, cost, static_cast<double>(seconds[i]));
    }
  }
  records_.clear();
  ops_.clear();
  staging_.clear();
  if (failure_) return *std::exchange(failure_, std::nullopt);
  if (status != cuda::kOk) return device_->error(status);
  return {};
}

}  // namespace

Result<std::unique_ptr<Backend>> make_cuda_backend(const cuda::Api& api, std::int32_t index, const CudaOptions& options) {
  auto device = std::make_shared<Device>(api, index);
  const std::int32_t status = api.open(index, &codebooks(), sizeof(Codebooks), &device->context);
  if (status == cuda::kOutOfMemory) {
    return Error{ErrorCode::out_of_memory, "The GPU has not even memory to start; close other programs that use it or choose --device cpu."};
  }
  if (status != cuda::kOk) return Error{ErrorCode::device_lost, "The GPU could not be opened; choose --device cpu or update NVIDIA's driver."};
  return std::unique_ptr<Backend>(std::make_unique<CudaBackend>(std::move(device), options));
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
    case cuda::kNoDriver: found.why_none = kNoDriverHere; break;
    case cuda::kDriverTooOld:
      found.why_none = "NVIDIA's driver is too old (it knows CUDA " + std::to_string(driver / 1000) + "." + std::to_string(driver % 1000 / 10) +
                       "); install driver 580 or newer.";
      break;
    case cuda::kDriverFails:
      found.why_none = "NVIDIA's driver does not answer (" + std::string(api.message(nullptr)) + "); restart the computer, or install the driver anew.";
      break;
    default:
      found.why_none = too_old ? "The GPU is older than NVIDIA's Turing (2018), the first that these kernels run on." : "The driver finds no GPU of NVIDIA.";
  }
  return found;
}

}  // namespace foreword::gpu
