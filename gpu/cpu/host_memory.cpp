#include "gpu/cpu/host_memory.h"

#include <sys/mman.h>

#include <cstring>

#include "engine/base/check.h"
#include "gpu/human_bytes.h"

namespace foreword::gpu {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// mmap rather than the heap: large buffers go back to the system when they are freed, and untouched pages cost nothing.
class OwnedMemory final : public Buffer {
 public:
  OwnedMemory(std::byte* data, std::size_t bytes, std::size_t mapped) : data_(data), bytes_(bytes), mapped_(mapped) {}
  OwnedMemory(const OwnedMemory&) = delete;
  OwnedMemory& operator=(const OwnedMemory&) = delete;
  ~OwnedMemory() override { ::munmap(data_, mapped_); }
  std::size_t bytes() const override { return bytes_; }
  std::byte* host() const override { return data_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
  std::size_t mapped_;
};

class ForeignMemory final : public Buffer {
 public:
  explicit ForeignMemory(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t bytes() const override { return bytes_.size(); }
  // The interface is shared with writable memory; no op writes to weights.
  std::byte* host() const override { return const_cast<std::byte*>(bytes_.data()); }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

Result<std::unique_ptr<Buffer>> allocate_host(std::size_t bytes) {
  const std::size_t grain = bytes >= kHugePage ? kHugePage : std::size_t{4096};
  void* data = MAP_FAILED;
  const std::size_t mapped = (bytes / grain + 1) * grain;
  if (mapped > bytes) {
    data = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  if (data == MAP_FAILED) {
    return Error{ErrorCode::out_of_memory,
                 "The processor's memory could not give " + human_bytes(static_cast<double>(bytes)) +
                     "; close other programs, or choose a smaller context or model."};
  }
  if (grain == kHugePage) ::madvise(data, mapped, MADV_HUGEPAGE);
  return std::unique_ptr<Buffer>(std::make_unique<OwnedMemory>(static_cast<std::byte*>(data), bytes, mapped));
}

std::unique_ptr<Buffer> wrap_host(std::span<const std::byte> bytes) { return std::make_unique<ForeignMemory>(bytes); }

void copy_slot(const KvLayer& layer, std::int32_t from, std::int32_t to, std::int64_t kv_head) {
  const std::int64_t size = layer.head_dim * bytes_of(layer.dtype);
  const std::byte* source = page_of(layer, from / kPageSlots, kv_head) + from % kPageSlots * size;
  std::byte* target = page_of(layer, to / kPageSlots, kv_head) + to % kPageSlots * size;
  for (const std::int64_t tile : {std::int64_t{0}, kPageSlots * size}) {
    std::memcpy(target + tile, source + tile, static_cast<std::size_t>(size));
  }
}

const std::byte* expert_of(const WeightMatrix& weight, std::int64_t expert) {
  check(expert >= 0 && expert < weight.n_experts, "expert in range");
  return weight.buffer->host() + weight.offset + expert * weight.expert_bytes();
}

std::byte* page_of(const KvLayer& layer, std::int32_t block, std::int64_t kv_head) {
  check(block >= 0 && pool_of(block) < KvLayer::kPools, "a KV block names a pool");
  const KvPool pool = layer.pool(pool_of(block));
  check(pool.buffer != nullptr && place_of(block) < pool.n_blocks, "a KV block lies in its pool");
  return pool.buffer->host() + pool.offset +
         (place_of(block) * layer.n_kv_heads + kv_head) * layer.page_bytes(pool_of(block));
}

}  // namespace foreword::gpu
