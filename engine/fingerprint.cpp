#include "engine/fingerprint.h"

#include <algorithm>
#include <string>
#include <vector>

namespace foreword::engine {
namespace {

/// Raised whenever the engine computes keys or values otherwise than before, on purpose.
constexpr std::int64_t kNumerics = 1;
constexpr std::size_t kSampleBytes = 64 * 1024, kSamples = 4;

class Mixer {
 public:
  void bytes(std::span<const std::byte> bytes) {
    number(std::ssize(bytes));
    id_ = mix(id_, bytes);
  }
  void number(std::int64_t value) { id_ = mix(id_, std::as_bytes(std::span(&value, 1))); }
  void text(std::string_view text) { bytes(std::as_bytes(std::span(text))); }
  void reals(std::span<const double> values) { bytes(std::as_bytes(values)); }
  const PrefixId& id() const { return id_; }

 private:
  PrefixId id_;
};

void add_file(const GgufFile& file, Mixer& to) {
  for (const RawEntry& entry : file.raw_metadata()) {
    to.text(entry.key);
    to.bytes(entry.typed_value);
  }
  for (const TensorInfo& tensor : file.tensors()) {
    to.text(tensor.name);
    to.number(static_cast<std::int64_t>(tensor.format));
    for (const std::int64_t size : tensor.shape) to.number(size);
    const auto data = file.data(tensor);
    const std::size_t n = std::min(data.size(), kSampleBytes / kSamples);
    for (std::size_t i = 0; i < kSamples; ++i) to.bytes(data.subspan((data.size() - n) / (kSamples - 1) * i, n));
  }
}

void add_rope(const RopeTable& table, Mixer& to) {
  to.reals(table.frequency);
  to.reals(std::span(&table.magnitude, 1));
}

}  // namespace

PrefixId fingerprint(const Model& model, const KvShape& shape) {
  Mixer mixer;
  mixer.number(kNumerics);
  add_file(*model.file, mixer);
  add_rope(model.rope_global, mixer);
  add_rope(model.rope_local, mixer);
  mixer.number(static_cast<std::int64_t>(shape.dtype));
  for (const gpu::KvFormat format : {shape.policy.old.k, shape.policy.old.v}) mixer.number(static_cast<std::int64_t>(format));
  for (const std::int64_t number : {shape.policy.n_sinks, shape.policy.n_recent}) mixer.number(number);
  return mixer.id();
}

}  // namespace foreword::engine
