#include "gpu/vulkan/vulkan_backend.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "gpu/records/fuse.h"
#include "gpu/records/recorder.h"
#include "gpu/vulkan/lowering.h"

namespace foreword::gpu {
namespace vulkan {
namespace {

class VulkanBackend final : public Recorder {
 public:
  VulkanBackend(std::shared_ptr<Device> device, DeviceInfo info)
      : device_(std::move(device)),
        info_(std::move(info)),
        memory_(std::make_shared<Memory>(device_)),
        transfer_(device_, memory_),
        weights_(device_, memory_, transfer_),
        pipelines_(device_),
        runner_(device_),
        lowering_(*device_, pipelines_, weights_, *memory_, transfer_) {}

  DeviceInfo device() const override {
    DeviceInfo info = info_;
    info.memory_free_bytes = describe(device_->physical(), 0, device_->options()).memory_free_bytes;
    return info;
  }

  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override {
    FW_ASSIGN(auto buffer, memory_->allocate(bytes));
    return std::unique_ptr<Buffer>(std::move(buffer));
  }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override {
    return std::unique_ptr<Buffer>(std::make_unique<WeightBuffer>(bytes));
  }

  std::unique_ptr<Buffer> arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) override;
  void bring(const WeightMatrix& weight) override { keep_failure(weights_.resident(weight)); }
  double read_through(const Buffer& buffer) override;
  void set_profiling(bool on) override { profiling_ = on; }
  std::vector<OpProfile> take_profile() override { return std::exchange(profile_, {}); }
  DeviceCounts take_counts() override {
    DeviceCounts counts = runner_.take_counts();
    counts.bytes_read_back = std::exchange(bytes_read_back_, 0);
    return counts;
  }

  void write(const Tensor& to, std::span<const std::byte> bytes) override;
  void read(const Tensor& from, std::span<std::byte> bytes) override;
  Result<void> submit() override;

 private:
  /// Told by the next submit(). False if it failed.
  template <class T>
  bool keep_failure(const Result<T>& result) {
    if (!result && !failure_) failure_ = result.error();
    return result.has_value();
  }
  Result<void> run_records();
  Result<void> run_timed();
  Result<void> upload_staged();

  // In this order, since what comes later uses what comes before.
  std::shared_ptr<Device> device_;
  DeviceInfo info_;
  std::shared_ptr<Memory> memory_;
  Transfer transfer_;
  Weights weights_;
  Pipelines pipelines_;
  CommandRunner runner_;
  Lowering lowering_;
  CommandList list_;
  std::vector<std::byte> staged_;  // bytes of write() that wait
  std::unique_ptr<DeviceBuffer> staging_;
  std::optional<Error> failure_;
  bool profiling_ = false;
  std::vector<OpProfile> profile_;
  std::int64_t bytes_read_back_ = 0;
};

void VulkanBackend::write(const Tensor& to, std::span<const std::byte> bytes) {
  const auto row_size = static_cast<std::size_t>(to.cols * bytes_of(to.dtype));
  check(bytes.size() == row_size * static_cast<std::size_t>(to.rows), "write: as many bytes as the view has");
  if (std::byte* host = to.buffer->host(); host != nullptr && records_.empty()) {
    for (std::int64_t r = 0; r < to.rows; ++r) {
      std::memcpy(host + to.row_range(r, 1).offset, bytes.data() + static_cast<std::size_t>(r) * row_size, row_size);
    }
    return;
  }
  records_.push_back(WriteRecord{to, staged_.size()});
  staged_.insert(staged_.end(), bytes.begin(), bytes.end());
  staged_.resize((staged_.size() + 15) / 16 * 16);
}

void VulkanBackend::read(const Tensor& from, std::span<std::byte> bytes) {
  check(records_.empty(), "read: after submit()");
  const auto row_size = static_cast<std::size_t>(from.cols * bytes_of(from.dtype));
  check(bytes.size() == row_size * static_cast<std::size_t>(from.rows), "read: as many bytes as the view has");
  if (bytes.empty()) return;
  const auto* buffer = dynamic_cast<const DeviceBuffer*>(from.buffer);
  check(buffer != nullptr, "a buffer of this backend");
  const auto stride = static_cast<std::size_t>(from.stride * bytes_of(from.dtype));
  const auto take = [&](std::int64_t offset, std::span<std::byte> to) {
    bytes_read_back_ += std::ssize(to);
    // Zeros until the next submit() tells.
    if (!keep_failure(transfer_.to_host(*buffer, static_cast<std::uint64_t>(offset), to))) std::ranges::fill(to, std::byte{0});
  };
  if (from.rows == 1 || stride == row_size) return take(from.offset, bytes);
  std::vector<std::byte> all(stride * static_cast<std::size_t>(from.rows - 1) + row_size);
  take(from.offset, all);
  for (std::size_t r = 0; r < static_cast<std::size_t>(from.rows); ++r) {
    std::memcpy(bytes.data() + r * row_size, all.data() + r * stride, row_size);
  }
}

Result<void> VulkanBackend::upload_staged() {
  if (staged_.empty()) return {};
  if (staging_ == nullptr || staging_->bytes() < staged_.size()) {
    staging_.reset();
    FW_ASSIGN(staging_, memory_->allocate_staging(std::max<std::size_t>(2 * staged_.size(), 1 << 16)));
  }
  std::memcpy(staging_->host(), staged_.data(), staged_.size());
  lowering_.staged = staging_->range();
  return {};
}

// Weights come to the device now rather than in the middle of the first answer. The views stay as they are: what a product of
// them wants is found by where they lie in the file.
std::unique_ptr<Buffer> VulkanBackend::arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) {
  std::int64_t done = 0, all = 0;
  for (const WeightMatrix* w : weights) all += w->n_experts * w->expert_bytes();
  for (const WeightMatrix* w : weights) {
    const std::int64_t bytes = w->n_experts * w->expert_bytes();
    const auto of_all = [&](double share) { return go_on((static_cast<double>(done) + share * static_cast<double>(bytes)) / static_cast<double>(all)); };
    const auto come = weights_.resident(*w, go_on ? Progress(of_all) : Progress());
    if (!come && come.error().code == ErrorCode::cancelled) break;
    if (!keep_failure(come)) break;
    done += bytes;
  }
  return nullptr;
}

double VulkanBackend::read_through(const Buffer& buffer) {
  const Range all = Lowering::range_of(buffer);
  const std::uint64_t window = std::min<std::uint64_t>(device_->features().max_range, std::uint64_t{1} << 30) / 256 * 256;
  const auto pass = [&]() -> Result<void> {
    list_.clear();
    lowering_.start(list_);
    for (std::uint64_t first = 0; first < all.bytes; first += window) lower_reading(all.part(first, std::min(window, all.bytes - first)), lowering_);
    if (auto failure = lowering_.take_failure()) return *failure;
    return runner_.run(list_);
  };
  if (!pass()) return 0;  // the first time a pipeline may have to be made
  const auto start = std::chrono::steady_clock::now();
  if (!pass()) return 0;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<void> VulkanBackend::run_records() {
  FW_TRY(upload_staged());
  if (profiling_) return run_timed();
  list_.clear();
  lowering_.start(list_);
  for (const Record& record : records_) {
    lowering_.next_record();
    std::visit([this](const auto& r) { lower(r, lowering_); }, record);
  }
  if (auto failure = lowering_.take_failure()) return *failure;
  return runner_.run(list_);
}

// Each dispatch by itself. What waiting for the device costs is in every figure.
Result<void> VulkanBackend::run_timed() {
  for (const Record& record : records_) {
    list_.clear();
    lowering_.start(list_);
    std::visit([this](const auto& r) { lower(r, lowering_); }, record);
    if (auto failure = lowering_.take_failure()) return *failure;
    const auto start = std::chrono::steady_clock::now();
    FW_TRY(runner_.run(list_));
    OpCost cost;
    for (const OpCost& one : list_.costs()) {
      if (cost.name.empty()) cost = one;
      else cost.bytes += one.bytes, cost.operations += one.operations;
    }
    add_call(profile_, cost, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return {};
}

Result<void> VulkanBackend::submit() {
  if (failure_) {
    records_.clear();
    staged_.clear();
    return *std::exchange(failure_, std::nullopt);
  }
  if (!device_->options().no_fusion) fuse(records_, device_->features().integer_dot);
  const Result<void> done = run_records();
  records_.clear();
  staged_.clear();
  return done;
}

}  // namespace
}  // namespace vulkan

std::vector<DeviceInfo> list_vulkan(const VulkanOptions& options) {
  std::vector<DeviceInfo> all;
  if (!options.software && !vulkan::has_graphics_card()) return all;
  const auto instance = vulkan::Instance::open(options);
  if (!instance) return all;
  for (const VkPhysicalDevice physical : (*instance)->devices()) all.push_back(vulkan::describe(physical, all.size(), options));
  return all;
}

Result<std::unique_ptr<Backend>> make_vulkan_backend(std::string_view id, const VulkanOptions& options) {
  FW_ASSIGN(const auto instance, vulkan::Instance::open(options));
  const std::vector<VkPhysicalDevice> devices = instance->devices();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    DeviceInfo info = vulkan::describe(devices[i], i, options);
    if (info.id != id) continue;
    FW_ASSIGN(auto device, vulkan::Device::open(instance, devices[i], options));
    return std::unique_ptr<Backend>(std::make_unique<vulkan::VulkanBackend>(std::shared_ptr<vulkan::Device>(std::move(device)), std::move(info)));
  }
  return Error{ErrorCode::not_found, "There is no Vulkan device \"" + std::string(id) + "\" on this machine."};
}

}  // namespace foreword::gpu
