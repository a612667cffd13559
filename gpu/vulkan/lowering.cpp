#include "gpu/vulkan/lowering.h"

#include <algorithm>

namespace foreword::gpu::vulkan {
namespace {

constexpr std::uint64_t kScratchChunk = std::uint64_t{4} << 20;

}  // namespace

void Lowering::start(CommandList& list) {
  list_ = &list;
  next_record();
}

void Lowering::next_record() {
  scratch_chunk_ = 0;
  scratch_used_ = 0;
}

void Lowering::use(ShaderId shader, std::initializer_list<std::uint32_t> constants) {
  command_ = {};
  command_.facts = &pipelines_.facts(shader);
  command_.pipeline_push_bytes = command_.facts->push_bytes;
  auto pipeline = pipelines_.get(shader, constants);
  if (pipeline) command_.command.pipeline = *pipeline;
  else fail(pipeline.error());
}

Range Lowering::range_of(const Buffer& buffer) {
  const auto* device = dynamic_cast<const DeviceBuffer*>(&buffer);
  check(device != nullptr, "a buffer of this backend");
  return device->range();
}

Range Lowering::range_of(const Tensor& tensor) {
  const std::int64_t elements = tensor.rows == 0 ? 0 : (tensor.rows - 1) * tensor.stride + tensor.cols;
  return range_of(*tensor.buffer).part(static_cast<std::uint64_t>(tensor.offset), static_cast<std::uint64_t>(elements * bytes_of(tensor.dtype)));
}

View Lowering::bind(const Tensor& tensor) {
  if (!tensor) {
    bind_absent();
    return {};
  }
  View view = bind(range_of(tensor), u32(bytes_of(tensor.dtype)));
  view.stride = u32(tensor.stride);
  return view;
}

View Lowering::bind(const Range& range, std::uint32_t element) {
  check(command_.n_bound < command_.facts->bindings.size(), "no more bindings than the shader has");
  const std::uint64_t begin = range.offset / features().range_alignment * features().range_alignment;
  // Whole words; blocks end on a multiple of 256 bytes, so there is always room.
  const std::uint64_t bytes = std::max<std::uint64_t>(4, (range.offset - begin + range.bytes + 3) / 4 * 4);
  if (bytes > features().max_range) {
    fail({ErrorCode::unsupported, "A part of this model is too large for the graphics processor; choose --device cpu."});
  }
  command_.command.ranges[command_.n_bound++] = {range.buffer, range.serial, begin, bytes};
  return {u32(static_cast<std::int64_t>((range.offset - begin) / element)), 0};
}

void Lowering::bind_absent() {
  if (absent_ == nullptr) {
    auto buffer = memory_.allocate(256);
    if (!buffer) {
      fail(buffer.error());
      ++command_.n_bound;
      return;
    }
    absent_ = std::move(*buffer);
  }
  check(!command_.facts->bindings.at(command_.n_bound).written, "an absent tensor is only read");
  bind(absent_->range(), 4);
}

void Lowering::dispatch(std::int64_t x, std::int64_t y, std::int64_t z, const OpCost& cost) {
  check(command_.n_bound == command_.facts->bindings.size(), "as many bindings as the shader has");
  const std::int64_t most = features().max_groups;
  check(x <= most && y <= most && z <= most, "no more workgroups than a device takes");
  if (failed() || x * y * z == 0) return;
  command_.command.groups = {u32(x), u32(y), u32(z)};
  list_->add(command_.command, cost);
}

void Lowering::copy(const Range& from, const Range& to) {
  if (failed() || to.bytes == 0) return;
  Command command;
  command.ranges[0] = from;
  command.ranges[1] = to;
  list_->add(command, {"write", {}, static_cast<std::int64_t>(to.bytes), 0});
}

std::vector<WeightWindow> Lowering::windows(const WeightMatrix& weight) {
  if (failed()) return {};
  auto windows = weights_.resident(weight);
  if (windows) return std::move(*windows);
  fail(windows.error());
  return {};
}

Range Lowering::scratch(std::uint64_t bytes) {
  const std::uint64_t size = (bytes + 255) / 256 * 256;
  while (scratch_chunk_ < scratch_.size() && scratch_used_ + size > scratch_[scratch_chunk_]->bytes()) {
    ++scratch_chunk_;
    scratch_used_ = 0;
  }
  if (scratch_chunk_ == scratch_.size()) {
    auto chunk = memory_.allocate(std::max(size, kScratchChunk));
    if (!chunk) {
      fail(chunk.error());
      return {};
    }
    scratch_.push_back(std::move(*chunk));
  }
  scratch_used_ += size;
  return scratch_[scratch_chunk_]->range().part(scratch_used_ - size, bytes);
}

Range Lowering::constant_table(const char* name, std::span<const std::uint32_t> words) {
  std::unique_ptr<DeviceBuffer>& table = tables_[name];
  if (table == nullptr && !failed()) {
    auto buffer = memory_.allocate(words.size_bytes());
    if (!buffer) {
      fail(buffer.error());
      return {};
    }
    const auto filled = transfer_.to_device(**buffer, 0, words.size_bytes(), 4, [&](std::uint64_t first, std::span<std::byte> to) {
      std::memcpy(to.data(), std::as_bytes(words).data() + first, to.size());
      return true;
    });
    if (!filled) {
      fail(filled.error());
      return {};
    }
    table = std::move(*buffer);
  }
  return table == nullptr ? Range() : table->range();
}

}  // namespace foreword::gpu::vulkan
