#pragma once
// Weights on the device. import_weights() only remembers where the file lies in host memory; a weight is copied when it is first
// needed, for products in units where its format has any (packing.h), and stays as long as the buffer of the file.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "gpu/cuda/device.h"

namespace foreword::gpu {

/// What import_weights() gives.
class CudaFile final : public Buffer {
 public:
  explicit CudaFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t bytes() const override { return bytes_.size(); }
  std::byte* host() const override { return nullptr; }

 private:
  friend class CudaWeights;
  struct Key {
    std::int64_t offset, rows, n_experts;
    bool packed;
    auto operator<=>(const Key&) const = default;
  };
  /// Memory for one large weight or several small ones; smaller ones come into what is left.
  struct Slab {
    std::unique_ptr<CudaBuffer> buffer;
    std::size_t used = 0;
  };

  std::span<const std::byte> bytes_;
  std::map<Key, std::byte*> residents_;
  std::vector<Slab> slabs_;
};

enum class WeightUse : std::uint8_t { product, table };  // table: rows are taken from it as they are

class CudaWeights {
 public:
  explicit CudaWeights(std::shared_ptr<CudaDevice> device) : device_(std::move(device)) {}

  /// Where the weight lies on the device; it is brought there if it must be. Of a weight in memory of the device: there, as long as
  /// nothing wants it in units (check). `out_of_memory`, `device_lost`.
  Result<const std::uint8_t*> resident(const WeightMatrix& weight, WeightUse use);

 private:
  /// Memory for as long as the file is there.
  Result<std::byte*> room(CudaFile& file, std::size_t bytes);
  Result<void> upload(std::span<const std::byte> from, std::byte* to);
  Result<std::byte*> bring(CudaFile& file, const WeightMatrix& weight);         // as it lies in the file
  Result<std::byte*> bring_packed(CudaFile& file, const WeightMatrix& weight);  // in units

  std::shared_ptr<CudaDevice> device_;
};

}  // namespace foreword::gpu
