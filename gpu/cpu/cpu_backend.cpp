#include "gpu/cpu/cpu_backend.h"

#include <cstring>

#include "gpu/cpu/cpu_backend_impl.h"
#include "gpu/cpu/routing.h"
#include "gpu/cpu/top_k.h"

namespace foreword::gpu {
namespace {

const Kernels& kernels_for([[maybe_unused]] Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return kKernelsAvx512;
  if (isa == Isa::avxvnni) return kKernelsAvxVnni;
  if (isa == Isa::avx2) return kKernelsAvx2;
#endif
  return kKernelsGeneric;
}

// Turns the pairs of one head by the angles of cos_sin (Backend::rope). Two loops, so that each has constant strides.
void turn_adjacent(float* head, const float* cos_sin, std::int64_t n_rot) {
  for (std::int64_t i = 0; i < n_rot; i += 2) {
    const float a = head[i], b = head[i + 1], c = cos_sin[i], s = cos_sin[i + 1];
    head[i] = a * c - b * s;
    head[i + 1] = a * s + b * c;
  }
}
void turn_half_split(float* head, const float* cos_sin, std::int64_t n_rot) {
  float* other = head + n_rot / 2;
  for (std::int64_t i = 0; i < n_rot / 2; ++i) {
    const float a = head[i], b = other[i], c = cos_sin[2 * i], s = cos_sin[2 * i + 1];
    head[i] = a * c - b * s;
    other[i] = a * s + b * c;
  }
}

}  // namespace

CpuBackend::CpuBackend(const CpuOptions& options)
    : kernels_(kernels_for(options.isa)),
      pool_(options.n_threads > 0 ? options.n_threads : usable_processors()),
      schedule_(pool_.size()) {}

OpCost CpuBackend::with_bytes(OpCost cost, Extents reads, Extents writes) {
  if (cost.bytes > 0) return cost;
  for (const Extents& side : {reads, writes}) {
    for (const Extent& extent : side) cost.bytes += extent.rows * extent.row_bytes;
  }
  return cost;
}

void CpuBackend::write(const Tensor& to, std::span<const std::byte> bytes) {
  const auto row_size = static_cast<std::size_t>(to.cols * bytes_of(to.dtype));
  check(bytes.size() == row_size * static_cast<std::size_t>(to.rows), "write: as many bytes as the view has");
  const auto copy = [to, row_size](const std::byte* from) {
    for (std::int64_t r = 0; r < to.rows; ++r) {
      std::memcpy(to.buffer->host() + to.row_range(r, 1).offset, from + static_cast<std::size_t>(r) * row_size, row_size);
    }
  };
  if (schedule_.empty()) return copy(bytes.data());
  record({"write"}, 1, {}, {Extent(to)}, [copy, kept = std::vector<std::byte>(bytes.begin(), bytes.end())](
                                  std::int64_t, const Worker&) { copy(kept.data()); });
}

void CpuBackend::read(const Tensor& from, std::span<std::byte> bytes) {
  check(schedule_.empty(), "read: after submit()");
  const auto row_size = static_cast<std::size_t>(from.cols * bytes_of(from.dtype));
  check(bytes.size() == row_size * static_cast<std::size_t>(from.rows), "read: as many bytes as the view has");
  for (std::int64_t r = 0; r < from.rows; ++r) {
    std::memcpy(bytes.data() + static_cast<std::size_t>(r) * row_size,
                from.buffer->host() + from.row_range(r, 1).offset, row_size);
  }
}

Result<void> CpuBackend::submit() {
  const std::size_t bytes = schedule_.scratch_bytes() * static_cast<std::size_t>(pool_.size());
  if (!failure_ && bytes > 0 && (!scratch_ || scratch_->bytes() < bytes)) {
    auto larger = allocate_host(bytes);
    if (larger) scratch_ = std::move(*larger);
    else failure_ = larger.error();
  }
  if (failure_) {
    const Error failure = *failure_;
    failure_.reset();
    schedule_.clear();
    quantiser_.forget_all();
    return failure;
  }
  schedule_.run(pool_, scratch_ ? scratch_->host() : nullptr);
  quantiser_.forget_all();
  return {};
}

void CpuBackend::embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) {
  shapes::embed(table, ids, out);
  each_row("embed", out, kDecoding, {Extent(ids)}, [=](std::int64_t r) {
    const std::int64_t id = *row_of<std::int32_t>(ids, r);
    check(id >= 0 && id < table.rows, "embed: id in range");
    const FormatInfo& format = info(table.format);
    format.decode(expert_of(table, 0) + id * row_bytes(table.format, table.cols), table.cols / format.block_length,
                  row_of<float>(out, r));
  });
}

void CpuBackend::rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs,
                      const Tensor& cos_sin) {
  shapes::rope(x, head_dim, n_rot, cos_sin);
  const auto turn_pairs = pairs == RopePairs::adjacent ? turn_adjacent : turn_half_split;
  each_row("rope", x, kExponential, {Extent(x), Extent(cos_sin)}, [=](std::int64_t r) {
    float* row = row_of<float>(x, r);
    for (std::int64_t c = 0; c < x.cols; c += head_dim) turn_pairs(row + c, row_of<float>(cos_sin, r), n_rot);
  });
}

void CpuBackend::route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) {
  shapes::route(logits, experts, weights);
  const Cut cut = cut_rows(logits, kDecoding);
  record({"route"}, cut.count(), {Extent(logits)}, {Extent(experts), Extent(weights)}, [=](std::int64_t unit, const Worker&) {
    for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) {
      route_row(routing, std::span(row_of<float>(logits, r), static_cast<std::size_t>(logits.cols)), weights.cols,
                row_of<std::int32_t>(experts, r), row_of<float>(weights, r));
    }
  });
}

void CpuBackend::combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) {
  shapes::combine_experts(y, weights, out);
  each_row("combine_experts", out, kCheap * weights.cols, {Extent(y), Extent(weights)},
           [=, scale = kernels_.scale, add = kernels_.add](std::int64_t r) {
             const float* weight = row_of<float>(weights, r);
             const std::int64_t first = r * weights.cols;
             scale(row_of<float>(y, first), weight[0], out.cols, row_of<float>(out, r));
             for (std::int64_t j = 1; j < weights.cols; ++j) {
               add(row_of<float>(out, r), row_of<float>(y, first + j), weight[j], out.cols, row_of<float>(out, r));
             }
           });
}

void CpuBackend::top_k(const Tensor& x, const Tensor& ids, const Tensor& values) {
  shapes::top_k(x, ids, values);
  record({"top_k"}, x.rows, {Extent(x)}, {Extent(ids), Extent(values)}, [=](std::int64_t r, const Worker&) {
    top_k_row(std::span(row_of<float>(x, r), static_cast<std::size_t>(x.cols)), values.cols, row_of<std::int32_t>(ids, r), row_of<float>(values, r));
  });
}

void CpuBackend::gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) {
  shapes::gather_rows(x, rows, out);
  each_row("gather_rows", out, kCheap, {Extent(x), Extent(rows)}, [=](std::int64_t r) {
    const std::int32_t from = *row_of<std::int32_t>(rows, r);
    check(from >= 0 && from < x.rows, "gather_rows: row in range");
    std::memcpy(row_of<float>(out, r), row_of<float>(x, from), static_cast<std::size_t>(out.cols) * sizeof(float));
  });
}

DeviceInfo describe_cpu() {
  DeviceInfo device;
  device.id = device.backend = "cpu";
  device.name = processor_name();
  device.features = processor_features();
  const MemoryInfo memory = memory_info();
  device.memory_bytes = memory.total_bytes;
  device.memory_free_bytes = memory.available_bytes;
  device.cache_bytes = cache_bytes();
  return device;
}

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace foreword::gpu
