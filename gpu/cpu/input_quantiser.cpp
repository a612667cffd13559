#include "gpu/cpu/input_quantiser.h"

#include "gpu/cpu/host_memory.h"

namespace foreword::gpu {

Result<QuantisedInput> InputQuantiser::room_for(const Tensor& x, bool two_terms) {
  const Extent source(x);
  QuantisedInput input;
  input.second_term = two_terms ? x.rows : 0;
  input.stride = x.rows + input.second_term;
  input.bytes = x.cols / kQuantCols * input.stride * static_cast<std::int64_t>(sizeof(QuantBlock));
  for (const Slot& slot : slots_) {
    if (slot.source == source && slot.two_terms == two_terms) {
      input.blocks = reinterpret_cast<QuantBlock*>(slot.buffer->host());
      return input;
    }
  }
  Slot& slot = slots_[next_++ % slots_.size()];
  slot.source = Extent();
  if (!slot.buffer || slot.buffer->bytes() < static_cast<std::size_t>(input.bytes)) {
    FW_ASSIGN(auto larger, allocate_host(static_cast<std::size_t>(input.bytes)));
    if (slot.buffer) outgrown_.push_back(std::move(slot.buffer));
    slot.buffer = std::move(larger);
  }
  slot.source = source;
  slot.two_terms = two_terms;
  input.blocks = reinterpret_cast<QuantBlock*>(slot.buffer->host());
  input.fresh = true;
  return input;
}

void InputQuantiser::forget(const Extent& written) {
  for (Slot& slot : slots_) {
    if (overlap(slot.source, written)) slot.source = Extent();
  }
}

void InputQuantiser::forget_all() {
  for (Slot& slot : slots_) slot.source = Extent();
  next_ = 0;  // the same places for the same pass
  outgrown_.clear();
}

}  // namespace foreword::gpu
